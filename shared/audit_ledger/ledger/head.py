"""Head: number of entries and hash of the last, and the rules by which it moves.

`build_block` makes the next block of a ledger; `check_block` checks one that somebody else made.
Both say the same rules, once from the writer's side and once from the reader's:

1. `seq` counts from 0 without gaps, and entry 0 states the ledger's creation and origin.
2. `prev` of an entry is the leaf hash of the entry before.
3. `time` is never smaller than that of the entry before.
4. An event's entry has a sealed record and an index row, to which it commits; a control entry has
   neither.
5. The frontier is the one before, extended by the block's leaf hashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from audit_ledger.errors import VerificationError
from audit_ledger.ledger.block import Block, BlockItem, Body, parse_body
from audit_ledger.ledger.entry import (
    NO_ENTRY,
    ControlEntry,
    Entry,
    EventEntry,
    created,
    link_events,
    parse_entry,
)
from audit_ledger.records.sealed_record import SealedRecord
from audit_ledger.tlog.compact_range import CompactRange
from audit_ledger.tlog.rfc6962 import leaf_hash


@dataclass(frozen=True)
class Head:
    """Where a ledger stands. `time`: of the last entry; `frontier`: the tree's compact range."""

    size: int
    hash: bytes
    time: int
    frontier: tuple[bytes, ...]

    def root(self) -> bytes:
        """RFC 6962 Merkle Tree Hash of all entries up to here."""
        return CompactRange(self.size, self.frontier).root()


EMPTY = Head(0, NO_ENTRY, 0, ())


def build_block(
    origin: str,
    head: Head,
    now: int,
    records: Sequence[SealedRecord],
) -> tuple[Body, Head, list[bytes]]:
    """Link records behind `head`. Return the next body, the head after it and its leaf hashes.

    A ledger's first block begins with the control entry that creates it. `now`: the sequencer's
    clock in whole seconds; it never runs backwards in the ledger.
    """
    time = max(now, head.time)
    items: list[BlockItem] = []
    leaves: list[bytes] = []
    seq, prev = head.size, head.hash
    if head.size == 0:
        data = created(origin, time).to_bytes()
        items.append(BlockItem(data))
        seq, prev = 1, leaf_hash(data)
        leaves.append(prev)
    entries, event_leaves = link_events(seq, time, prev, [record.commitment for record in records])
    items += [
        BlockItem(
            entry,
            record.row_bytes,
            record.row_blind,
            record.record_commitment,
            record.sealed,
            record.conflict,
        )
        for entry, record in zip(entries, records, strict=True)
    ]
    leaves.extend(event_leaves)
    frontier = CompactRange(head.size, head.frontier)
    frontier.extend(leaves)
    body = Body(tuple(items), tuple(frontier.hashes), time)
    return body, Head(frontier.size, leaves[-1], time, body.frontier), leaves


class CheckedBlock(msgspec.Struct, frozen=True):
    """A block that continues a ledger, decoded. `head`: after it; `leaves`: its leaf hashes."""

    body: Body
    entries: list[Entry]
    head: Head
    leaves: list[bytes]


def check_block(block: Block, head: Head) -> CheckedBlock:
    """Check that a block continues the ledger from `head`; its signature is the caller's to check.

    Raises FormatError or VerificationError, each naming the entry.
    """
    if block.first_seq != head.size:
        raise VerificationError(f"block {block.first_seq}: expected entry {head.size} next")
    body = parse_body(block.body)
    if len(body.items) != block.count:
        raise VerificationError(f"block {block.first_seq}: count is not its number of entries")
    prev, time = head.hash, head.time
    leaves: list[bytes] = []
    entries: list[Entry] = []
    for seq, item in enumerate(body.items, block.first_seq):
        entry = parse_entry(item.entry)
        entries.append(entry)
        _check_link(block.origin, entry, item, seq, prev, time)
        prev, time = leaf_hash(item.entry), entry.time
        leaves.append(prev)
    frontier = CompactRange(head.size, head.frontier)
    frontier.extend(leaves)
    if tuple(frontier.hashes) != body.frontier:
        raise VerificationError(f"block {block.first_seq}: frontier is not that of its entries")
    if block.head != prev:
        raise VerificationError(f"block {block.first_seq}: head is not its last entry's hash")
    return CheckedBlock(body, entries, Head(frontier.size, prev, time, body.frontier), leaves)


def head_of(block: Block, body: Body) -> Head:
    """Return the head after a block that was verified before. `body`: the block's, decoded."""
    return Head(block.size_after, block.head, parse_entry(body.items[-1].entry).time, body.frontier)


def _check_link(
    origin: str, entry: Entry, item: BlockItem, seq: int, prev: bytes, time: int
) -> None:
    if entry.seq != seq:
        raise VerificationError(f"entry {seq}: its seq is {entry.seq}")
    if entry.prev != prev:
        raise VerificationError(f"entry {seq}: prev is not the hash of the entry before")
    if entry.time < time:
        raise VerificationError(f"entry {seq}: its time is before that of the entry before")
    is_control = isinstance(entry, ControlEntry)
    if is_control != (not item.sealed) or is_control != (not item.row_bytes):
        raise VerificationError(f"entry {seq}: record or index row missing, or one too many")
    if seq == 0 and entry != created(origin, entry.time):
        raise VerificationError("entry 0: does not say that this ledger was created")
    if isinstance(entry, EventEntry) and item.disclosed_row.commitment != entry.commitment:
        raise VerificationError(f"entry {seq}: it commits to another index row")
