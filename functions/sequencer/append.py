"""Append: queued records become hash-linked entries, committed block by block.

Two sequencers may run at once; the put-if-absent of the next block is the fence between them. The
blocks are the log, the index is derived, and only the newest block can be unindexed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from audit_ledger.aws.clients import AwsError, error_code
from audit_ledger.errors import FrozenError, LostRaceError, UnreachableError
from audit_ledger.ledger.block import (
    MAX_BODY_BYTES,
    MAX_ENTRIES,
    Block,
    encoded_size,
    parse_body,
    signed_message,
)
from audit_ledger.ledger.head import EMPTY, Head, build_block, head_of
from audit_ledger.ledger.index import StoredEntry, committed_entries, stored_entries
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.records.pseudonyms import conflict_key
from audit_ledger.records.sealed_record import SealedRecord

MAX_LOST_RACES = 20
MAX_ENTRY_BYTES = 256  # an event's entry has at most 167; a control entry fewer than 256
OVERHEAD_BYTES = 4096  # lengths, frontier (64 hashes at most) and time of a body


class Blocks(Protocol):
    """The log of one ledger. Reads are consistent: they see every put acknowledged before them."""

    def put_if_absent(self, block: Block) -> None:
        """Commit a block; it is durable on return.

        LostRaceError: another block has its place and nothing was written. After any other error
        the block may be in the log: read the head before building another.
        """

    def is_taken(self, first_seq: int) -> bool:
        """Return whether a block begins at entry `first_seq`."""

    def newest(self) -> Block | None:
        """Return the head block, None before the first."""


class Index(Protocol):
    """The index, derived from the log. Reads are consistent."""

    def known(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the fingerprints of the event ids and conflict keys that are indexed."""

    def write(self, entries: Iterable[StoredEntry]) -> None:
        """Index entries; all rows are durable on return.

        After an error any of them may be. Writing the same entries again changes nothing.
        """


class State(Protocol):
    """The published state."""

    def published(self) -> PublishedState | None:
        """Return the state by a consistent read, None before the first digest."""


class WarmState(msgspec.Struct):
    """The state of one container between batches.

    `head`: the head block, if this container wrote and indexed it; `unfreeze_count`: that of the
    published state that it read last.
    """

    head: Head | None = None
    unfreeze_count: int = 0


class AppendResult(msgspec.Struct):
    """The result of a batch. `stopped`: the error that ended it early, None if none did."""

    entries: int = 0
    blocks: int = 0
    duplicates: int = 0
    conflicts: int = 0
    lost_races: int = 0
    stopped: FrozenError | UnreachableError | None = None

    @property
    def committed(self) -> bool:
        """Whether every record is in the ledger. If not, the whole batch must be redelivered."""
        return self.stopped is None


@dataclass(frozen=True)
class Sequencer:
    """One ledger's writer. `sign`: by the sequencer's own KMS key; `now`: whole seconds."""

    origin: str
    blocks: Blocks
    index: Index
    state: State
    sign: Callable[[bytes], bytes]
    now: Callable[[], int]
    memory: WarmState = field(default_factory=WarmState)

    def append(self, records: Sequence[SealedRecord]) -> AppendResult:
        """Commit records in order of acceptance. Return the counts, and the error that stopped it.

        A batch that stopped midway is redelivered completely; its committed records are then
        skipped as duplicates.
        """
        result = AppendResult()
        left = list(records)
        if not left:
            return result
        try:
            # 1. Read the published state, once a batch. A freeze stops a sequencer here; what it
            # appends after this read, nobody publishes while the ledger is frozen.
            state = self.state.published()
            if state is not None and state.frozen is not None:
                self.memory.head = None  # the table may be rebuilt shorter before the freeze ends
                raise FrozenError(f"this ledger is frozen: {state.frozen}")
            if state is not None and state.unfreeze_count != self.memory.unfreeze_count:
                # A freeze was lifted since the last batch: the remembered block may have been lost
                # before the table was rebuilt, and a block behind a lost one can never be undone.
                self.memory.head = None
                self.memory.unfreeze_count = state.unfreeze_count
            published_size = 0 if state is None else state.size

            while left:
                # 2. Find the head. A remembered head was written and indexed by this container;
                # any other is read, and its index rows are written again, because its writer may
                # have died before they were. A remembered head that is shorter than what is
                # published was overtaken; if the head that is read now is shorter too, the table
                # was restored to an earlier time. Nothing was written before this.
                head = self.memory.head
                if head is None or head.size < published_size:
                    head = self._load_head()
                if head.size < published_size:
                    raise FrozenError(
                        f"the blocks end at {head.size}, but {published_size} are published"
                    )

                # 3. Leave out what the ledger has. The index is complete up to this head, so a
                # record that is not in it is not in the ledger before this head.
                new = self._without_known(left)
                result.duplicates += len(left) - len(new)
                left = new
                try:
                    while left:
                        # 4, 5. Commit a block and index it. A crash before the put leaves nothing;
                        # after it, a block that the next run indexes.
                        batch = left[: _fitting(left, head)]
                        head = self._commit(batch, head)
                        left = left[len(batch) :]
                        result.blocks += 1
                        result.entries += len(batch)
                        result.conflicts += sum(record.conflict for record in batch)
                except LostRaceError:
                    # The winner may have written these very records (a redelivery), and after a
                    # time-out the winner may have been this container: begin again at step 2.
                    self.memory.head = None
                    result.lost_races += 1
                    if result.lost_races > MAX_LOST_RACES:
                        raise UnreachableError("too many lost races; left to the queue") from None
        except (FrozenError, UnreachableError) as error:
            result.stopped = error
        except AwsError as error:
            # The call may have taken effect nevertheless: the next batch reads the head.
            result.stopped = UnreachableError(error_code(error))
        return result

    def _load_head(self) -> Head:
        """Read the head block, index it and remember it."""
        block = self.blocks.newest()
        if block is None:
            return EMPTY
        body = parse_body(block.body)
        self.index.write(stored_entries(block.first_seq, body))
        self.memory.head = head_of(block, body)
        return self.memory.head

    def _without_known(self, records: Sequence[SealedRecord]) -> list[SealedRecord]:
        """Return the records that the ledger does not have, each once.

        A record under a known event id with other content is marked as a conflict.
        """
        first = self.index.known({record.row.event_id for record in records})
        suspects = {
            conflict_key(record.row.event_id, record.row.fingerprint)
            for record in records
            if first.get(record.row.event_id, record.row.fingerprint) != record.row.fingerprint
        }
        conflicts = set(self.index.known(suspects)) if suspects else set()
        new: list[SealedRecord] = []
        for record in records:
            event_id, fingerprint = record.row.event_id, record.row.fingerprint
            if event_id not in first:
                first[event_id] = fingerprint
                new.append(record)
            elif first[event_id] != fingerprint:
                key = conflict_key(event_id, fingerprint)
                if key not in conflicts:
                    conflicts.add(key)
                    new.append(msgspec.structs.replace(record, conflict=True))
        return new

    def _commit(self, records: Sequence[SealedRecord], head: Head) -> Head:
        """Build, sign, put and index one block after `head`; LostRaceError if it is not the head.

        Return the head after it.
        """
        if self.blocks.is_taken(head.size):  # a lost race costs less before the signature
            raise LostRaceError("another sequencer moved on")
        body, after, _ = build_block(self.origin, head, self.now(), records)
        data = body.to_bytes()
        signature = self.sign(signed_message(self.origin, after.size, after.hash, data))
        block = Block(self.origin, head.size, len(body.items), after.hash, signature, data)
        self.memory.head = None  # until the put and the index are both acknowledged
        self.blocks.put_if_absent(block)
        # Indexed before the next block is built, also within a batch.
        self.index.write(committed_entries(head.size, body, records))
        self.memory.head = after
        return after


def fits_a_block(record: SealedRecord) -> bool:
    """Return whether a record can be committed at all, in a block of its own."""
    return _size(record) + OVERHEAD_BYTES <= MAX_BODY_BYTES


def _fitting(records: Sequence[SealedRecord], head: Head) -> int:
    """Return how many of the records, from the first on, fit into the block after `head`."""
    most = MAX_ENTRIES - (1 if head.size == 0 else 0)
    room = MAX_BODY_BYTES - OVERHEAD_BYTES
    count = 0
    for record in records[:most]:
        room -= _size(record)
        if room < 0:
            break
        count += 1
    return count


def _size(record: SealedRecord) -> int:
    return encoded_size(MAX_ENTRY_BYTES, len(record.row_bytes), len(record.sealed))
