"""Publish: verify, upload and sign what was committed; once a minute for each ledger.

The commit point is the published state in DynamoDB, which contains the exact bytes of checkpoint
and digest. Everything before it (tiles, archive) may be repeated and gives the same bytes; the next
run puts everything after it (digest, checkpoint) again from the state, byte for byte.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from audit_ledger.aws.objects import TEXT, StoredObject
from audit_ledger.errors import (
    FormatError,
    FrozenError,
    LedgerError,
    LostRaceError,
    UnreachableError,
    VerificationError,
)
from audit_ledger.ledger.block import Block, archived_name
from audit_ledger.ledger.block_signature import VerifyBlock
from audit_ledger.ledger.digest import LATEST, MAX_MISSING, MAX_PORTALS, NO_DIGEST, Digest
from audit_ledger.ledger.entry import ControlEntry
from audit_ledger.ledger.follower_views import Gaps
from audit_ledger.ledger.head import EMPTY, CheckedBlock, Head, check_block
from audit_ledger.ledger.publication_order import Age, checkpoint_age, digest_age
from audit_ledger.ledger.publish_checks import (
    NOTHING_PUBLISHED,
    published_head,
    require_last,
    require_newest,
    require_reach,
)
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.ledger.signed_digest import SignedDigest
from audit_ledger.ledger.tile_writer import TileWriter, superseded
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.tiles import CHECKPOINT
from functions.publisher.signing import Signer

HEARTBEAT_SECONDS = 3600
MAX_BLOCKS_PER_RUN = 2000  # a backlog is published in several runs, each with its own digest
MAX_REPLACEMENTS = 5


class Blocks(Protocol):
    """The log of one ledger, by consistent reads."""

    def since(self, first_seq: int) -> Iterator[Block]:
        """Return the blocks from the one that begins at `first_seq` on, in order."""

    def ending_before(self, seq: int) -> Block | None:
        """Return the last block that begins before entry `seq`."""


class State(Protocol):
    """The published state: the commit point."""

    def published(self) -> PublishedState | None:
        """Return it by a consistent read, None before the first digest."""

    def swap_published(self, old: PublishedState | None, new: PublishedState) -> None:
        """Replace exactly the state that was read; the new one is durable on return.

        LostRaceError: it changed since or is frozen, and nothing was written. After any other
        error the new state may be stored.
        """

    def freeze(self, reason: str) -> None:
        """Stop sequencer and publisher, durably on return, until a command lifts the freeze.

        The first reason stays. After an error the ledger may be frozen.
        """


class Objects(Protocol):
    """One ledger's objects in one bucket. Reads and listings are consistent.

    After an error of a write it may have taken effect; each may be repeated.
    """

    def get(self, path: str) -> StoredObject | None:
        """Return an object, None if there is none."""

    def put_once(
        self, path: str, data: bytes, now: int, *, locked: bool, content_type: str = ...
    ) -> None:
        """Put an object if absent, durably on return; putting the same bytes again changes nothing.

        VerificationError: other bytes are there. `locked`: under Object Lock from `now` on.
        """

    def replace(
        self, path: str, data: bytes, old: StoredObject | None, content_type: str = ...
    ) -> None:
        """Replace exactly the object that was read; LostRaceError if it is another by now."""

    def names(self, folder: str, after: str = ...) -> Iterable[str]:
        """Return the paths below a folder that sort after a path."""

    def delete(self, path: str) -> None:
        """Delete an object; no error if there is none."""


@dataclass
class WarmState:
    """The state of one container between runs.

    `head`, `tile_writer`: the head that it published and the right edge of its tree;
    `finished_version`: of the last state of which it did all that follows from it; `outbox`:
    states to announce that the bus did not accept yet, oldest first.
    """

    head: Head | None = None
    tile_writer: TileWriter | None = None
    finished_version: int = 0
    outbox: list[PublishedState] = field(default_factory=list)


@dataclass(frozen=True)
class PublishResult:
    """The result of a run; `digest_name` is empty if there was nothing to publish.

    `in_outbox`: how many digests, of this run and earlier ones, the bus did not accept yet.
    """

    size: int
    entries: int
    blocks: int
    digest_name: str
    in_outbox: int = 0


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """One ledger's publisher.

    `verify_block`: raises VerificationError unless the sequencer's key signed the block;
    `now`: whole seconds; `announce`: sends an announcement of a digest to the bus, UnreachableError
    unless it accepted it; `gaps`: what the follower counted last, None if that is unknown.
    """

    origin: str
    blocks: Blocks
    state: State
    tiles: Objects
    archive: Objects
    verify_block: VerifyBlock
    signer: Signer
    announce: Callable[[PublishedState], None]
    gaps: Callable[[], Gaps | None]
    now: Callable[[], int]
    memory: WarmState = field(default_factory=WarmState)

    def publish(self, has_time: Callable[[], bool] = lambda: True) -> PublishResult:
        """Publish all that is committed and not yet published, or a heartbeat when one is due.

        `has_time` turning false ends the reading of a backlog: what is verified by then is
        published, the next run goes on. Raise FrozenError if history and tables disagree (now or
        before): nothing is signed. Raise LostRaceError if another publisher was first.
        """
        # 1. Read and verify the published state. Do what a crash after the commit point left
        # undone, unless this container did it.
        state = self.state.published()
        if state is not None and state.frozen is not None:
            raise FrozenError(f"this ledger is frozen: {state.frozen}")
        try:
            digest = None
            if state is not None:
                digest = self.signer.verify_state(state)
                if self.memory.finished_version != state.version:
                    require_last(state.digest_name, self.tiles.names)
                    self._finish(state, digest)

            # 2. Require that the blocks begin with what is published, and that no published file
            # is newer than the state. Otherwise nothing is signed again until a command lifts the
            # freeze.
            head = self._published_head(state)
            published = (state.size, state.time) if state else NOTHING_PUBLISHED
            require_newest(
                self._read_other(LATEST, digest.data if digest else None),
                self._read_other(CHECKPOINT, state.checkpoint if state else None),
                published,
            )
            if state is None:
                require_last(None, self.tiles.names)

            # 3. Verify, upload and archive the blocks that were committed since.
            now = self.now()
            batch = self._verify_and_upload(head, now, has_time)
            if not batch.blocks and not _heartbeat_due(state, now):
                return PublishResult(head.size, 0, 0, "", self._announce_pending())
        except (VerificationError, FormatError) as error:
            self._freeze(state, error)
            raise FrozenError(f"frozen: {error}") from error

        # 4. Sign. A crash here leaves unpublished signatures over a true statement.
        next_state, next_digest = self._sign(state, digest, head, batch, now)

        # 5. The commit point. The run that loses the race stops here; the winner's bytes stand.
        self.state.swap_published(state, next_state)

        # 6. Put digest and checkpoint, from the state and nothing else; announce the digest; delete
        # superseded tiles. A crash here leaves what step 1 of the next run does again.
        self.memory.head, self.memory.tile_writer = batch.head, batch.tile_writer
        try:
            self._finish(next_state, next_digest)
        except VerificationError as error:
            self._freeze(next_state, error)
            raise FrozenError(f"frozen: {error}") from error
        return PublishResult(
            batch.head.size,
            batch.entries,
            batch.blocks,
            next_state.digest_name,
            self._announce_pending(),
        )

    def _finish(self, state: PublishedState, digest: SignedDigest) -> None:
        """Do all that follows from the state: put files, announce, delete superseded partial tiles.

        `digest`: the state's, parsed.
        May be repeated: the files stay the same, and a digest may be announced twice.
        """
        self._put_files(state)
        self.memory.outbox.append(state)
        self._announce_pending()
        for path in superseded(digest.digest.size_before, state.size, self.tiles.names):
            self.tiles.delete(path)
        self.memory.finished_version = state.version

    def _announce_pending(self) -> int:
        """Announce the states in the outbox, in order. Return how many the bus did not accept.

        A bus that refuses must not make the ledger stale: publishing continues meanwhile. If the
        container dies too before the bus accepts again, a reader of the next digest finds by its
        line `previous` the digests that were never announced.
        """
        outbox = self.memory.outbox
        try:
            while outbox:
                self.announce(outbox[0])
                del outbox[0]
        except UnreachableError:
            pass
        return len(outbox)

    def _verify_and_upload(
        self, head: Head, now: int, has_time: Callable[[], bool]
    ) -> "IntegratedBlocks":
        """Step 3: verify the blocks after `head` in order; archive each and upload full tiles.

        Signature, body, links, order and frontier are verified before a byte of a block is put
        anywhere. All is put if absent: a rerun puts the same bytes, and other bytes are an error.
        A crash leaves tiles that no checkpoint covers, which nobody reads. One block is in memory.
        """
        tile_writer = self.memory.tile_writer or TileWriter.read(head, self._read)
        self.memory.tile_writer = None  # ahead of what is published until this run is done
        batch = IntegratedBlocks(head, tile_writer)
        for block in islice(self.blocks.since(head.size), MAX_BLOCKS_PER_RUN):
            self.verify_block(block)
            checked = check_block(block, batch.head)
            name = archived_name(block.first_seq)
            self.archive.put_once(name, block.to_bytes(), now, locked=True)
            for path, data in tile_writer.extend(checked.body.entry_bytes, checked.leaves):
                self.tiles.put_once(path, data, now, locked=True)
            batch.add(checked)
            if not has_time():
                break
        if batch.blocks:
            for path, data in tile_writer.partial_objects(head.size):
                self.tiles.put_once(path, data, now, locked=False)
        return batch

    def _published_head(self, state: PublishedState | None) -> Head:
        """Return the head of the published entries; VerificationError if the blocks differ."""
        if state is None:
            return EMPTY
        block = require_reach(self.blocks.ending_before(state.size), state.size)
        remembered = self.memory.head
        if remembered is not None and (remembered.size, remembered.hash) == (
            state.size,
            block.head,
        ):
            return remembered
        self.memory.head = self.memory.tile_writer = None
        return published_head(block, state.checkpoint, self.verify_block)

    def _sign(
        self,
        state: PublishedState | None,
        digest: SignedDigest | None,
        before: Head,
        batch: "IntegratedBlocks",
        now: int,
    ) -> tuple[PublishedState, SignedDigest]:
        """Step 4: sign checkpoint and digest of the verified blocks. Return the next state.

        `digest`: that of `state`. With the next state comes its digest, parsed.
        """
        after = batch.head
        time = max(now, after.time, state.time if state else 0)
        root = after.root()
        checkpoint = self.signer.checkpoint(Checkpoint(self.origin, after.size, root), time)
        followed, missing_events, missing_portals = self._read_gap_counts(state, digest)
        next_digest = Digest(
            origin=self.origin,
            period_from=state.time if state else batch.first_entry_time,
            period_to=time,
            size_before=before.size,
            size_after=after.size,
            root=root,
            entries=batch.entries,
            control_entries=batch.control_entries,
            blocks=batch.blocks,
            followed=followed,
            missing_events=missing_events,
            missing_portals=missing_portals,
            previous_name=state.digest_name if state else "",
            previous_sha256=digest.sha256 if digest else NO_DIGEST,
            checkpoint=checkpoint,
        )
        signed = self.signer.digest(next_digest)
        next_state = PublishedState(
            version=state.version + 1 if state else 1,
            size=after.size,
            time=time,
            checkpoint=checkpoint,
            digest_name=next_digest.name,
            digest=signed.data,
            lifts=state.lifts if state else 0,
        )
        return next_state, signed

    def _read_gap_counts(
        self, state: PublishedState | None, digest: SignedDigest | None
    ) -> tuple[int, int, int]:
        """Return how far numbered events were counted, how many are missing, of how many portals.

        If the counts are unknown, or include entries that are not published, the digest repeats
        those of the digest before it: they stay true, and nothing derived stops publishing.
        """
        if state is None or digest is None:
            return 0, 0, 0
        gaps = self.gaps()
        if gaps is not None and gaps.followed <= state.size:
            most = sorted(gaps.missing.values(), reverse=True)[:MAX_PORTALS]
            return gaps.followed, sum(min(n, MAX_MISSING) for n in most), len(most)
        before = digest.digest
        return before.followed, before.missing_events, before.missing_portals

    def _freeze(self, state: PublishedState | None, error: LedgerError) -> None:
        """Freeze the ledger; raise LostRaceError if another publisher replaced `state`."""
        self.memory.head = self.memory.tile_writer = None
        if self.state.published() != state:
            raise LostRaceError("another publisher moved on")
        self.state.freeze(str(error))

    def _put_files(self, state: PublishedState) -> None:
        """Put digest, its copy as latest, and checkpoint; never replace newer ones."""
        now = self.now()
        self.tiles.put_once(state.digest_name, state.digest, now, locked=True, content_type=TEXT)
        self._replace_older(LATEST, state.digest, state, digest_age)
        self._replace_older(CHECKPOINT, state.checkpoint, state, checkpoint_age)

    def _replace_older(
        self, path: str, data: bytes, state: PublishedState, age: Callable[[bytes], Age | None]
    ) -> None:
        for _ in range(MAX_REPLACEMENTS):
            there = self.tiles.get(path)
            if there is not None:
                if there.data == data:
                    return
                found = age(there.data)
                if found is not None and found > (state.size, state.time):
                    return
            try:
                self.tiles.replace(path, data, there)
            except LostRaceError:
                continue  # another publisher put one, which may be newer
            return
        raise LostRaceError(f"{path}: others replaced it {MAX_REPLACEMENTS} times in a row")

    def _read_other(self, path: str, own: bytes | None) -> bytes | None:
        """Return a published file, None if it has the bytes of the verified state: not newer."""
        data = self._read(path)
        return None if data == own else data

    def _read(self, path: str) -> bytes | None:
        there = self.tiles.get(path)
        return None if there is None else there.data


@dataclass
class IntegratedBlocks:
    """The verified blocks after the published head. `first_entry_time`: whole seconds."""

    head: Head
    tile_writer: TileWriter
    first_entry_time: int = 0
    blocks: int = 0
    entries: int = 0
    control_entries: int = 0

    def add(self, checked: CheckedBlock) -> None:
        """Move on to the head after a block, and count its entries."""
        self.head = checked.head
        if self.blocks == 0:
            self.first_entry_time = checked.entries[0].time
        self.blocks += 1
        self.entries += len(checked.entries)
        self.control_entries += sum(isinstance(e, ControlEntry) for e in checked.entries)


def _heartbeat_due(state: PublishedState | None, now: int) -> bool:
    """Return whether an hour passed without a digest; a ledger never begun has nothing to sign."""
    return state is not None and now - state.time >= HEARTBEAT_SECONDS
