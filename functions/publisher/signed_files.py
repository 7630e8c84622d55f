"""Signed files: the newest digest, its copy as `digests/latest`, and the checkpoint."""

from collections.abc import Callable

from audit_ledger.aws.objects import TEXT
from audit_ledger.errors import LostRaceError, UnreachableError
from audit_ledger.ledger.digest_name import LATEST
from audit_ledger.ledger.publication_order import Age, checkpoint_age, digest_age
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.tlog.tiles import CHECKPOINT
from functions.publisher.storage import Objects

MAX_REPLACEMENTS = 5


def put_signed_files(tiles: Objects, state: PublishedState, now: int) -> None:
    """Put the files of a state, byte for byte; never replace newer ones. `now`: whole seconds.

    Raise UnreachableError if a file changes at every attempt to replace it.
    """
    tiles.put_once(state.digest_name, state.digest, now, locked=True, content_type=TEXT)
    for path, data, age in (
        (LATEST, state.digest, digest_age),
        (CHECKPOINT, state.checkpoint, checkpoint_age),
    ):
        _replace_older(tiles, path, data, (state.size, state.time), age)


def _replace_older(
    tiles: Objects, path: str, data: bytes, age: Age, age_of: Callable[[bytes], Age | None]
) -> None:
    """Replace a file unless it is newer than `age`, that of `data`."""
    for _ in range(MAX_REPLACEMENTS):
        present = tiles.get(path)
        if present is not None:
            present_age = age_of(present.data)
            if present.data == data or (present_age is not None and present_age > age):
                return
        try:
            tiles.replace(path, data, present)
        except LostRaceError:
            continue  # another publisher replaced it, perhaps by a newer one
        return
    raise UnreachableError(f"{path}: changed during each of {MAX_REPLACEMENTS} replacements")
