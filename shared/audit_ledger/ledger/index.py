"""Index: what is derived from blocks to find entries by, and the position by which it sorts."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from audit_ledger.ledger.block import BlockItem, Body
from audit_ledger.records.index_row import IndexRow, decode_index_row
from audit_ledger.records.pseudonyms import conflict_key
from audit_ledger.records.sealed_record import SealedRecord

LATE_MS = 2 * 60_000
_LAST_SEQ = 2**63 - 1


@dataclass(frozen=True)
class IndexedEntry:
    """The index entry of one record. `block_time`: of the ledger, whole seconds."""

    seq: int
    first_seq: int
    block_time: int
    row: IndexRow
    row_bytes: bytes
    conflict: bool

    @property
    def key(self) -> str:
        """Its key below the origin: the event id, or the conflict key."""
        if self.conflict:
            return conflict_key(self.row.event_id, self.row.fingerprint)
        return self.row.event_id


def indexed_entries(first_seq: int, body: Body) -> list[IndexedEntry]:
    """Return the index entries of the block that begins at `first_seq`."""
    return [
        indexed_entry(seq, first_seq, body.time, item)
        for seq, item in enumerate(body.items, first_seq)
        if item.row_bytes
    ]


def index_records(
    records: Sequence[SealedRecord], seq: int, first_seq: int, block_time: int
) -> list[IndexedEntry]:
    """Return the index entries of records just committed, the first of them as entry `seq`.

    The same as `indexed_entries` of their block, without decoding what was just encoded.
    """
    return [
        IndexedEntry(n, first_seq, block_time, record.row, record.row_bytes, record.conflict)
        for n, record in enumerate(records, seq)
    ]


def indexed_entry(seq: int, first_seq: int, block_time: int, item: BlockItem) -> IndexedEntry:
    """Return the index entry of one item of a block, which is an event's."""
    row = decode_index_row(item.row_bytes)
    return IndexedEntry(seq, first_seq, block_time, row, item.row_bytes, item.conflict)


class EntryPosition(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where an entry is. Sorts by the event's own time (ms), then by entry."""

    time_ms: int
    seq: int
    first_seq: int


class PositionRange(msgspec.Struct, frozen=True, gc=False):
    """A period of events' own time, milliseconds since 1970: from `first` to `last`, both in it.

    Of events at its very ends it contains entries from `first_seq` and to `last_seq`, so that the
    next page of a search begins where the last ended, however many events are of one instant.
    """

    first: int
    last: int
    first_seq: int = 0
    last_seq: int = _LAST_SEQ

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be in it."""
        return (self.first, self.first_seq) > (self.last, self.last_seq)


@dataclass(frozen=True)
class FoundEntry:
    """An entry found by its id: where it is, and its index row as stored."""

    place: EntryPosition
    row: bytes
    conflict: bool


def position_of(entry: IndexedEntry) -> EntryPosition:
    """Return the position of an entry of a block."""
    return EntryPosition(entry.row.time_ms, entry.seq, entry.first_seq)
