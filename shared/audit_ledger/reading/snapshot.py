"""The log up to one published size, for one request: every block is read at most once.

A search has many pages while the ledger grows. All its pages are of the size that was published
when it began, so that nothing is missed or repeated.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.ledger.block import Block, Body, body_time, parse_body
from audit_ledger.ledger.entry import ControlEntry, parse_entry
from audit_ledger.ledger.index import StoredEntry, stored_entry
from audit_ledger.reading.concurrent import map_concurrently

YOUNG_SECONDS = 10
MAX_CACHED_BLOCKS = (
    300  # in memory; a page reads fewer, and a report does not come back to the others
)


@dataclass(frozen=True)
class StoredBlock:
    """A block, decoded; its index rows are decoded when they are read."""

    first_seq: int
    size_after: int
    body: Body

    @property
    def time(self) -> int:
        """The time of its entries, whole seconds."""
        return self.body.time

    def entry(self, seq: int) -> StoredEntry | None:
        """Return an event's entry; None for a control entry or an entry of another block.

        Raise VerificationError if an event's entry has lost its index row: no response would
        contain it, as if it were a control entry.
        """
        if not self.first_seq <= seq < self.size_after:
            return None
        item = self.body.items[seq - self.first_seq]
        if not item.row_bytes:
            if not isinstance(parse_entry(item.entry), ControlEntry):
                raise VerificationError(f"entry {seq}: its index row is missing")
            return None
        return stored_entry(seq, self.first_seq, self.body.time, item)

    def entries(self) -> Iterator[StoredEntry]:
        """Return all events' entries, in order."""
        for seq in range(self.first_seq, self.size_after):
            entry = self.entry(seq)
            if entry is not None:
                yield entry


def read_block(block: Block) -> StoredBlock:
    """Read a stored block; raise FormatError if it is malformed."""
    body = parse_body(block.body)
    if len(body.items) != block.count:
        raise FormatError(f"block {block.first_seq}: its count is not its entries'")
    return StoredBlock(block.first_seq, block.size_after, body)


@dataclass
class LogSnapshot:
    """The blocks below `size` entries; `size` is where a block ends."""

    blocks: BlocksTable
    size: int
    read: dict[int, StoredBlock] = field(default_factory=dict)

    def block(self, first_seq: int) -> StoredBlock:
        """Return the block that begins with an entry; raise VerificationError if there is none."""
        if first_seq not in self.read:
            block = self.blocks.beginning_at(first_seq)
            if block is None:
                raise VerificationError(f"the index names a block at {first_seq} that is not there")
            self._keep(block)
        return self.read[first_seq]

    def fetch(self, first_seqs: Iterable[int]) -> None:
        """Read the missing blocks that begin with these entries, concurrently."""
        missing = sorted(set(first_seqs).difference(self.read))
        for block in map_concurrently(self.blocks.beginning_at, missing):
            if block is not None:
                self._keep(block)

    def newest_first(self, seq: int | None = None) -> Iterator[StoredBlock]:
        """Return the blocks that end at entry `seq` (None: at the size) or before, newest first.

        Raise VerificationError if one is missing.
        """
        below = self.size if seq is None else seq
        for block in self.blocks.before(below):
            _require_next(block.size_after, below)
            below = block.first_seq
            yield self._keep(block)
        _require_next(0, below)

    def oldest_first(self, first_seq: int) -> Iterator[StoredBlock]:
        """Return the blocks from the one that begins with `first_seq` on, in order.

        Raise VerificationError if one is missing.
        """
        next_seq = first_seq
        for block in self.blocks.since(first_seq):
            if next_seq >= self.size:
                return
            _require_next(block.first_seq, next_seq)
            next_seq = block.size_after
            yield self._keep(block)
        _require_next(max(next_seq, self.size), next_seq)

    def first_after(self, time: int) -> int:
        """Return the first entry of the first block that is later than `time`, or else the size.

        By bisection: blocks' times never fall. Whole seconds.
        """
        low, high = 0, self.size  # all before `low` are not later; all from `high` on are
        while low < high:
            block = self.blocks.ending_before((low + high) // 2 + 1)
            if block is None or block.size_after <= low:
                raise VerificationError("the blocks do not reach from the first entry to the size")
            if body_time(block.body) > time:
                high = block.first_seq
            else:
                low = block.size_after
        return low

    def young(self, now: int) -> list[StoredEntry]:
        """Return the entries that secondary indexes may not have yet.

        Those of the last ten seconds, and of the last block: its sequencer may have died before
        it indexed it. They are read one at a time: usually there are one or two, and no sequencer
        signs and commits more than some hundred in ten seconds.
        """
        found: list[StoredEntry] = []
        below = self.size
        while below:
            block = self.blocks.ending_before(below)
            _require_next(0 if block is None else block.size_after, below)
            if block is None or (below < self.size and body_time(block.body) < now - YOUNG_SECONDS):
                break
            found += self._keep(block).entries()
            below = block.first_seq
        return found

    def numbered(self, seq: int) -> StoredEntry | None:
        """Return an event's entry by its number; None for a control entry and beyond the size."""
        if seq >= self.size:
            return None
        block = self.blocks.ending_before(seq + 1)
        return None if block is None else self._keep(block).entry(seq)

    def stored(self, first_seq: int, seq: int) -> StoredEntry:
        """Return an entry; raise VerificationError if its block has none of that number."""
        entry = self.block(first_seq).entry(seq)
        if entry is None:
            raise VerificationError(f"the index names an entry {seq} that its block has not")
        return entry

    def _keep(self, block: Block) -> StoredBlock:
        stored = self.read.get(block.first_seq)
        if stored is None:
            stored = read_block(block)
            self.read[block.first_seq] = stored
            if len(self.read) > MAX_CACHED_BLOCKS:
                del self.read[next(iter(self.read))]
        return stored


def _require_next(found: int, expected: int) -> None:
    """Raise VerificationError unless a block ends, or begins, at the expected entry."""
    if found != expected:
        raise VerificationError(
            f"a block is missing: found entry {found}, expected entry {expected} next"
        )
