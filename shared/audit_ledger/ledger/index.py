"""Index: what is derived from blocks to find entries by, and the position by which it sorts."""

from collections.abc import Sequence
from itertools import count

import msgspec

from audit_ledger.ledger.block import BlockItem, Body
from audit_ledger.records.index_row import IndexRow, parse_index_row
from audit_ledger.records.pseudonyms import conflict_key
from audit_ledger.records.sealed_record import SealedRecord

LATE_MS = 2 * 60_000
_LAST_SEQ = 2**63 - 1


class EntryPosition(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where an entry is. Sorts by the event's own time (ms), then by entry."""

    time_ms: int
    seq: int
    first_seq: int


class StoredEntry(msgspec.Struct, frozen=True, gc=False):
    """An event's entry in its block. `item`: its bytes; `row`: the index row that `item` has.

    `first_seq`: the first entry of the block; `block_time`: its time, whole seconds.
    """

    seq: int
    first_seq: int
    block_time: int
    row: IndexRow
    item: BlockItem

    @property
    def key(self) -> str:
        """Its key in the index, below the origin: the event id, or the conflict key."""
        if self.item.conflict:
            return conflict_key(self.row.event_id, self.row.fingerprint)
        return self.row.event_id

    @property
    def position(self) -> EntryPosition:
        """Where the index has it."""
        return EntryPosition(self.row.time_ms, self.seq, self.first_seq)


def stored_entry(seq: int, first_seq: int, block_time: int, item: BlockItem) -> StoredEntry:
    """Return the entry of one item of a block, which is an event's."""
    return StoredEntry(seq, first_seq, block_time, parse_index_row(item.row_bytes), item)


def stored_entries(first_seq: int, body: Body) -> list[StoredEntry]:
    """Return the events' entries of the block that begins at `first_seq`."""
    return [
        stored_entry(seq, first_seq, body.time, item)
        for seq, item in enumerate(body.items, first_seq)
        if item.row_bytes
    ]


def committed_entries(
    first_seq: int, body: Body, records: Sequence[SealedRecord]
) -> list[StoredEntry]:
    """Return the `stored_entries` of a block built from `records`, without decoding their rows."""
    before = len(body.items) - len(records)  # the entry that creates the ledger, if any
    return [
        StoredEntry(seq, first_seq, body.time, record.row, item)
        for seq, record, item in zip(
            count(first_seq + before), records, body.items[before:], strict=False
        )
    ]


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


class FoundEntry(msgspec.Struct, frozen=True):
    """An entry found by its id: where it is, and its index row as stored."""

    position: EntryPosition
    row_bytes: bytes
