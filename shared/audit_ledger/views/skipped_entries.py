"""Entries that the follower skipped, by number and without their content.

- **altered**: entry, index row and sealed record differ from those that ingest sent, or the entry
  is missing: a message in the queue or a table was altered. Such an entry may concern any patient,
  so that no response about a patient is known to be complete.
- **unprocessed**: unaltered, can be searched and read, but numbers, documents or rules could not
  process it completely; a rebuild of the views tries again.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from audit_ledger.errors import FormatError

MAX_NAMED: Final = 100  # entries of each kind; all are counted

Kind = Literal["altered", "unprocessed"]


class SkippedEntries(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The number of skipped entries of each kind, and the first of them, in order."""

    altered: int = 0
    first_altered: tuple[int, ...] = ()
    unprocessed: int = 0
    first_unprocessed: tuple[int, ...] = ()

    def with_entries(self, kind: Kind, entries: Sequence[int]) -> "SkippedEntries":
        """Return the entries with more of a kind; they come in ledger order, each once."""
        count, first = getattr(self, kind), getattr(self, f"first_{kind}")
        more = {kind: count + len(entries), f"first_{kind}": (*first, *entries)[:MAX_NAMED]}
        return replace(self, **more)

    def to_bytes(self) -> bytes:
        """Return the bytes to store between runs."""
        return msgspec.json.encode(self)


_decoder = msgspec.json.Decoder(SkippedEntries)


def parse_skipped_entries(data: bytes) -> SkippedEntries:
    """Parse the bytes of `SkippedEntries.to_bytes`; raise FormatError for anything else."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FormatError("views: expected a stored state of skipped entries") from None
