"""Storage: what the publisher requires of the tables and buckets of one ledger."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from audit_ledger.aws.objects import StoredObject
from audit_ledger.ledger.block import Block
from audit_ledger.ledger.published_state import PublishedState


class Blocks(Protocol):
    """The log of one ledger, by consistent reads."""

    def since(self, first_seq: int) -> Iterator[Block]:
        """Return the blocks from the one that begins at `first_seq` on, in order."""

    def ending_before(self, seq: int) -> Block | None:
        """Return the last block that begins before entry `seq`."""


class State(Protocol):
    """The published state: the commit point."""

    def published(self) -> PublishedState | None:
        """Return the state by a consistent read, None before the first digest."""

    def swap_published(self, old: PublishedState | None, new: PublishedState) -> None:
        """Replace exactly the state that was read; the new one is durable on return.

        LostRaceError: the state has changed or is frozen, and nothing was written. After any other
        error the new state may be stored.
        """

    def freeze(self, reason: str) -> None:
        """Stop sequencer and publisher, durably on return, until a command lifts the freeze.

        A second freeze does not replace the reason. After an error the ledger may be frozen.
        """


class Objects(Protocol):
    """One ledger's objects in one bucket. Reads and listings are consistent.

    A write that fails may have taken effect; each may be repeated.
    """

    def get(self, path: str) -> StoredObject | None:
        """Return an object, None if there is none."""

    def put_once(
        self, path: str, data: bytes, now: int, *, locked: bool, content_type: str = ...
    ) -> None:
        """Put an object if absent, durably on return; putting the same bytes again changes nothing.

        VerificationError: the object exists with other bytes. `locked`: under Object Lock from
        `now` on, whole seconds.
        """

    def replace(
        self, path: str, data: bytes, old: StoredObject | None, content_type: str = ...
    ) -> None:
        """Replace exactly the object that was read; raise LostRaceError if it has changed."""

    def names(self, folder: str, after: str = ...) -> Iterable[str]:
        """Return the paths below a folder that sort after the path `after`."""

    def delete(self, path: str) -> None:
        """Delete an object; deleting none is no error."""
