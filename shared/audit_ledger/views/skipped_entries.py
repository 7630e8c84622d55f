"""What the follower could not take up, by entry number: nothing of what is in it.

- **altered**: entry, index row and sealed record are not those that ingest sent, or the entry is
  not there: somebody altered a message of the queue or a table. Such an entry may be about anybody,
  so that no answer about anybody can be called whole.
- **unprocessed**: it is as it was sent, it can be searched and shown, but not all that is derived
  (numbers, documents, rules) could be; a rebuild of the views tries again.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from audit_ledger.errors import FormatError

MAX_NAMED: Final = 100  # entries of each kind; all are counted

Kind = Literal["altered", "unprocessed"]


class SkippedEntries(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Numbers of entries, and the first of them, in order."""

    altered: int = 0
    first_altered: tuple[int, ...] = ()
    unprocessed: int = 0
    first_unprocessed: tuple[int, ...] = ()

    def with_entries(self, kind: Kind, entries: Sequence[int]) -> "SkippedEntries":
        """Return it with more of a kind; entries come in ledger order, each once."""
        if kind == "altered":
            first = (*self.first_altered, *entries)[:MAX_NAMED]
            return replace(self, altered=self.altered + len(entries), first_altered=first)
        first = (*self.first_unprocessed, *entries)[:MAX_NAMED]
        return replace(self, unprocessed=self.unprocessed + len(entries), first_unprocessed=first)


_decoder = msgspec.json.Decoder(SkippedEntries)


def encode_left_out(left_out: SkippedEntries) -> bytes:
    """Return the bytes to keep between runs."""
    return msgspec.json.encode(left_out)


def decode_left_out(data: bytes) -> SkippedEntries:
    """Read what `encode_left_out` writes; FormatError for anything else."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FormatError("views: what was left out is not of its form") from None
