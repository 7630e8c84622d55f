"""Nothing that is published is newer than the published state, or the publisher signs nothing.

Files are put from the state, after it is committed. So a newer file means that the state was put
back to an earlier time, and would sign a second successor of a digest that has one; or that
somebody put the file there, where it would stand for ever: nothing newer is ever replaced.
"""

from collections.abc import Callable

from audit_ledger.aws.ledgers import PublishedState
from audit_ledger.chain.digest import digest_name, is_digest_name
from audit_ledger.errors import VerificationError
from functions.publisher.age import checkpoint_age, digest_age

LATEST = "digests/latest"
CHECKPOINT = "checkpoint"
_DAY_SECONDS = 86_400


def require_newest(state: PublishedState | None, read: Callable[[str], bytes | None]) -> None:
    """Checkpoint and `digests/latest` are not newer than the state; VerificationError."""
    known = (state.size, state.time) if state else (-1, 0)
    for path, age in ((LATEST, digest_age), (CHECKPOINT, checkpoint_age)):
        there = read(path)
        newest = age(there) if there is not None else None
        if newest is not None and newest > known:
            raise VerificationError(f"{path} is newer than the published state")


def require_last(state: PublishedState, names: Callable[[str], list[str]]) -> None:
    """No digest is named after the state's, also where latest was deleted; VerificationError.

    There is one each hour at least, so the next of them is of the same day or of the day after.
    """
    known = _name_age(state.digest_name)
    for time in (state.time, state.time + _DAY_SECONDS):
        folder = digest_name(time, 0).rpartition("/")[0] + "/"
        for name in filter(is_digest_name, names(folder)):
            if _name_age(name) > known:
                raise VerificationError(f"{name} is newer than the published state")


def _name_age(name: str) -> tuple[str, int]:
    time, _, size = name.rpartition("/")[2].partition("-")
    return time, int(size)
