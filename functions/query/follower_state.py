"""States that the follower stores, read at one position."""

from typing import Final

from audit_ledger.errors import LostRaceError, UnreachableError
from audit_ledger.ledger.follower_views import FollowerCursor
from functions.query.access import AuthorizedRequest

MAX_READS: Final = 3


def read_state(authorized: AuthorizedRequest, name: str) -> tuple[FollowerCursor, bytes | None]:
    """Read a state and how far it goes; again where the follower moves on meanwhile."""
    for _ in range(MAX_READS):
        cursor = authorized.views.cursor()
        try:
            return cursor, authorized.views.state(cursor, name)
        except LostRaceError:
            continue
    raise UnreachableError("what is followed moves on all the time")
