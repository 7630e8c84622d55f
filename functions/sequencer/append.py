"""Appending: what waits in the queue becomes hash-linked entries, committed block by block.

Two sequencers may run at once; the put-if-absent of the next block is the fence between them. The
blocks are the log, the index is derived, and only the newest block can be unindexed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec

from audit_ledger.aws.batches import MAX_GET_KEYS
from audit_ledger.aws.events_table import IndexedEntry, indexed_entries
from audit_ledger.aws.ledgers_table import PublishedState
from audit_ledger.errors import FrozenError, LostRaceError, UnreachableError
from audit_ledger.ledger.block import (
    MAX_BODY_BYTES,
    MAX_ENTRIES,
    Block,
    encode_body,
    encoded_size,
    signed_message,
)
from audit_ledger.ledger.head import EMPTY, Head, Pending, build_block, head_of
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.pseudonyms import conflict_key

MAX_LOST_RACES = 20
STATE_SECONDS = 10  # how long a busy container may go without reading the published state
MAX_ENTRY_BYTES = 256  # an event's entry has at most 167; a control entry fewer than 256
OVERHEAD_BYTES = 4096  # lengths, frontier (64 hashes at most) and time of a body


class Blocks(Protocol):
    """The log: see `audit_ledger.aws.blocks_table`."""

    def put_if_absent(self, block: Block) -> None: ...
    def is_taken(self, first_seq: int) -> bool: ...
    def newest(self) -> Block | None: ...


class Index(Protocol):
    """What is derived from the log: see `audit_ledger.aws.events_table`."""

    def known(
        self, keys: Iterable[str], *, with_state: bool = ...
    ) -> tuple[dict[str, bytes], PublishedState | None]: ...
    def write(self, entries: Iterable[IndexedEntry]) -> None: ...


@dataclass(frozen=True)
class Waiting:
    """A record that waits to be appended, and the place of its message in the batch."""

    message: int
    row: IndexRow
    pending: Pending


@dataclass
class WarmState:
    """What one container remembers between batches.

    `head`: the head block, if this container wrote and indexed it; `state_read`: when it last read
    the published state, whole seconds; `lifts`: how many freezes had been lifted by then.
    """

    head: Head | None = None
    state_read: int = 0
    lifts: int = 0


@dataclass
class Appended:
    """What a batch came to. `unfinished`: messages that must come again."""

    entries: int = 0
    blocks: int = 0
    duplicates: int = 0
    conflicts: int = 0
    lost_races: int = 0
    unfinished: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Sequencer:
    """One ledger's writer. `sign`: by the sequencer's own KMS key; `now`: whole seconds."""

    origin: str
    blocks: Blocks
    index: Index
    sign: Callable[[bytes], bytes]
    now: Callable[[], int]
    memory: WarmState = field(default_factory=WarmState)

    def append(self, waiting: Sequence[Waiting], appended: Appended) -> None:
        """Commit what waits, in order of acceptance, every record of it or none but known ones.

        `appended.unfinished` is empty once all is committed; a batch that fails midway comes again
        whole, and what of it was committed is then left out as known. FrozenError: nothing may be
        written now.
        """
        left = list(waiting)
        every_message = {w.message for w in left}
        appended.unfinished = every_message
        while left:
            # 1, 2. Where the ledger stands. Only a head that this container wrote and indexed is
            # remembered; any other is read, and its index rows are written again, because the
            # writer may have died before the index had them. Nothing was written before this.
            head = self.memory.head
            if head is None:
                head = self._load_head()

            # 3. Leave out what the ledger has. The index is complete up to the head just seen, so
            # a record that is not in it is not in the ledger before that head.
            fresh, state = self._leave_out_known(left)
            if state is not None and state.frozen is not None:
                # What is remembered may be gone when the freeze is lifted: look again then.
                self.memory.head, self.memory.state_read = None, 0
                raise FrozenError(f"this ledger is frozen: {state.frozen}")
            if state is not None and state.lifts != self.memory.lifts:
                # A freeze was lifted since: the block that is remembered may have been lost before
                # the table was rebuilt, and what stands behind a lost block can never be undone.
                # The state is read once more, against the head that is then loaded.
                self.memory.head, self.memory.lifts = None, state.lifts
                self.memory.state_read = 0
                continue
            if state is not None and head.size < state.size:
                # Others appended and published since this head was read, or the table was
                # restored to an earlier time: only a head read after the state can tell.
                head = self._load_head()
                if head.size < state.size:
                    raise FrozenError(
                        f"the blocks end at {head.size}, but {state.size} are published"
                    )
                continue

            # A repeat of a record in this batch is done when that record is: with the batch.
            appended.duplicates += len(left) - len(fresh)
            appended.unfinished = every_message if fresh else set()
            left = fresh
            while left:
                batch, rest = _next_block(left, head)
                # 4. A lost race is cheaper before the signature than after.
                try:
                    head = self._commit(batch, head)
                except LostRaceError:
                    # The winner may have written these very records (a redelivery), and
                    # after a time-out it may have been this container: read and look again.
                    self.memory.head = None
                    appended.lost_races += 1
                    if appended.lost_races > MAX_LOST_RACES:
                        raise UnreachableError("too many lost races; left to the queue") from None
                    break
                appended.blocks += 1
                appended.entries += len(batch)
                appended.conflicts += sum(w.pending.conflict for w in batch)
                left = rest
                if not left:
                    appended.unfinished = set()

    def _load_head(self) -> Head:
        block = self.blocks.newest()
        if block is None:
            return EMPTY
        self.index.write(indexed_entries(block))
        head = head_of(block)
        self.memory.head = head
        return head

    def _leave_out_known(
        self, waiting: Sequence[Waiting]
    ) -> tuple[list[Waiting], PublishedState | None]:
        """Drop repeats; mark as conflict what comes under a known id with other content."""
        ids = {w.row.event_id for w in waiting}
        # The state rides along where it costs no call of its own, and every ten seconds anyway:
        # a freeze stops a busy sequencer that soon; what it appends meanwhile nobody publishes.
        now = self.now()
        with_state = len(ids) % MAX_GET_KEYS != 0 or now - self.memory.state_read >= STATE_SECONDS
        known, state = self.index.known(ids, with_state=with_state)
        if with_state:
            self.memory.state_read = now
        suspects = [
            conflict_key(w.row.event_id, w.row.fingerprint)
            for w in waiting
            if known.get(w.row.event_id, w.row.fingerprint) != w.row.fingerprint
        ]
        conflicts: set[str] = set()
        if suspects:
            conflicts.update(self.index.known(set(suspects))[0])
        fresh: list[Waiting] = []
        for record in waiting:
            row = record.row
            first = known.setdefault(row.event_id, b"")
            if first == b"":  # not in the ledger, not yet in this batch
                known[row.event_id] = row.fingerprint
                fresh.append(record)
                continue
            key = conflict_key(row.event_id, row.fingerprint)
            if first == row.fingerprint or key in conflicts:
                continue
            conflicts.add(key)
            fresh.append(
                replace(record, pending=msgspec.structs.replace(record.pending, conflict=True))
            )
        return fresh, state

    def _commit(self, batch: Sequence[Waiting], head: Head) -> Head:
        """Build, sign, put and index one block behind `head`; LostRaceError if it is not the head.

        Dying before the put leaves nothing; after it, a block that the next run indexes.
        """
        if self.blocks.is_taken(head.size):
            raise LostRaceError("another sequencer moved on")
        body, after, leaves = build_block(self.origin, head, self.now(), [w.pending for w in batch])
        data = encode_body(body)
        signature = self.sign(signed_message(self.origin, after.size, after.hash, data))
        block = Block(self.origin, head.size, len(leaves), after.hash, signature, data)
        self.memory.head = None  # until the put and the index are both acknowledged
        self.blocks.put_if_absent(block)
        # 5. Indexed before the next block is built, also within a batch.
        self.index.write(indexed_entries(block))
        self.memory.head = after
        return after


def fits_a_block(pending: Pending) -> bool:
    """Whether a record can be committed at all, in a block of its own."""
    return _size(pending) + OVERHEAD_BYTES <= MAX_BODY_BYTES


def _next_block(waiting: Sequence[Waiting], head: Head) -> tuple[list[Waiting], list[Waiting]]:
    """Split off as many records as fit into one block."""
    most = MAX_ENTRIES - (1 if head.size == 0 else 0)
    room = MAX_BODY_BYTES - OVERHEAD_BYTES
    count = 0
    for record in waiting[:most]:
        room -= _size(record.pending)
        if room < 0:
            break
        count += 1
    return list(waiting[:count]), list(waiting[count:])


def _size(pending: Pending) -> int:
    return encoded_size(MAX_ENTRY_BYTES, len(pending.sealed), len(pending.row))
