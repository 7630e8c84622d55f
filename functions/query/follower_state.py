"""States that the follower stores, read at one position and opened."""

from typing import Final

from audit_ledger.errors import LostRaceError, UnreachableError
from audit_ledger.ledger.follower_views import FollowerCursor
from audit_ledger.records.sealed_view import open_view
from functions.query.access import AuthorizedRequest

MAX_READS: Final = 3


def read_state(authorized: AuthorizedRequest, name: str) -> tuple[FollowerCursor, bytes | None]:
    """Return a state, and the position that it is of; again if the follower continues meanwhile."""
    for _ in range(MAX_READS):
        cursor = authorized.views.cursor()
        try:
            sealed = authorized.views.state(cursor, name)
        except LostRaceError:
            continue
        keys = authorized.ledger.keys
        if sealed is None or keys is None:
            return cursor, None
        return cursor, open_view(sealed, keys.ledger_keys, authorized.ledger.origin, name)
    raise UnreachableError("the follower continued during each of several reads")
