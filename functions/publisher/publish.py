"""Publish: verify, upload and sign what was committed; once a minute for each ledger.

The commit point is the published state in DynamoDB, which contains the exact bytes of checkpoint
and digest. Everything before it (tiles, archive) may be repeated and gives the same bytes; the next
run puts everything after it (digest, checkpoint) again from the state, byte for byte.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from audit_ledger.errors import (
    FormatError,
    FrozenError,
    LedgerError,
    LostRaceError,
    UnreachableError,
    VerificationError,
)
from audit_ledger.ledger.block import archived_name
from audit_ledger.ledger.block_signature import VerifyBlock
from audit_ledger.ledger.digest import Digest
from audit_ledger.ledger.digest_name import LATEST
from audit_ledger.ledger.follower_views import Gaps
from audit_ledger.ledger.head import EMPTY, Head, check_block
from audit_ledger.ledger.index import stored_entries
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
from audit_ledger.runs.index_writer import IndexWriter
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.tiles import CHECKPOINT
from functions.publisher.index import put_derived, put_index, resume_index
from functions.publisher.next_digest import VerifiedBlocks, next_digest
from functions.publisher.signed_files import put_signed_files
from functions.publisher.signing import Signer
from functions.publisher.storage import Blocks, Objects, State

HEARTBEAT_SECONDS = 3600
MAX_BLOCKS_PER_RUN = 2000  # a backlog is published in several runs, each with its own digest


@dataclass
class WarmState:
    """The state of one container between runs.

    `head`, `tile_writer`, `index_writer`: the head that it published, the right edge of its tree
    and its index;
    `finished_version`: that of the newest state it completed (see `Publisher._finish`); `outbox`:
    states whose announcement the bus did not accept yet, oldest first.
    """

    head: Head | None = None
    tile_writer: TileWriter | None = None
    index_writer: IndexWriter | None = None
    finished_version: int = 0
    outbox: list[PublishedState] = field(default_factory=list)


@dataclass(frozen=True)
class PublishResult:
    """The result of a run. `digest_name` is empty if there was nothing to publish.

    `size`: published entries; `entries`, `blocks`: how many of them are new; `in_outbox`: how many
    announcements, of this run and earlier ones, the bus did not accept yet.
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
    `announce`: sends the announcement of a digest to the bus, or raises UnreachableError;
    `gaps`: returns the follower's newest counts, None if they are unknown; `now`: whole seconds.
    """

    origin: str
    blocks: Blocks
    state: State
    tiles: Objects
    archive: Objects
    index: Objects
    verify_block: VerifyBlock
    signer: Signer
    announce: Callable[[PublishedState], None]
    gaps: Callable[[], Gaps | None]
    now: Callable[[], int]
    memory: WarmState = field(default_factory=WarmState)

    def publish(self, has_time: Callable[[], bool] = lambda: True) -> PublishResult:
        """Publish all that is committed and not yet published, or a heartbeat when one is due.

        Once `has_time` returns false, no further block is read: what is verified by then is
        published, and the next run continues. Raise FrozenError if history and tables disagree, or
        did before: nothing is signed. Raise LostRaceError if another publisher was first. Raise
        UnreachableError if a published file cannot be replaced: the next run puts it.
        """
        # 1. Read and verify the published state. Complete what a crash after the commit point left
        # undone, unless this container completed it before.
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

            # 3. Verify, upload, archive and index the blocks that were committed since.
            now = self.now()
            published_digest = digest.digest if digest else None
            batch = self._verify_and_upload(head, published_digest, now, has_time)
            if not batch.blocks and not _heartbeat_due(state, now):
                return PublishResult(head.size, 0, 0, "", self._announce_pending())
        except (VerificationError, FormatError) as error:
            self._freeze(state, error)
            raise FrozenError(f"frozen: {error}") from error

        # 4. Sign. A crash here leaves unpublished signatures over a true statement.
        index = put_index(batch.index_writer, self.index, now, published_digest)
        next_state, signed = self._sign(state, digest, batch, index, now)

        # 5. The commit point. A run that loses the race stops here; the winner's bytes remain.
        self.state.swap_published(state, next_state)

        # 6. Put digest and checkpoint, from the state alone; announce the digest; delete superseded
        # tiles. After a crash here, step 1 of the next run does all of it again.
        self.memory.head, self.memory.tile_writer = batch.head, batch.tile_writer
        self.memory.index_writer = batch.index_writer
        try:
            self._finish(next_state, signed)
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
        """Complete a committed state: put files, announce, delete superseded partial tiles.

        May be repeated: the files stay the same, and a digest may be announced twice.
        `digest`: the state's, parsed.
        """
        put_signed_files(self.tiles, state, self.now())
        self.memory.outbox.append(state)
        self._announce_pending()
        for path in superseded(digest.digest.size_before, state.size, self.tiles.names):
            self.tiles.delete(path)
        self.memory.finished_version = state.version

    def _announce_pending(self) -> int:
        """Announce the states in the outbox, in order. Return how many the bus did not accept.

        Publishing continues while the bus is unavailable. If the container ends before the bus
        accepts again, the line `previous` of the next digest leads its readers to the digests that
        were never announced.
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
        self, head: Head, digest: Digest | None, now: int, has_time: Callable[[], bool]
    ) -> VerifiedBlocks:
        """Step 3: verify the blocks after `head` in order; archive each and upload full tiles and
        runs. `digest`: the newest one.

        Signature, body, links, order, rows and frontier of a block are verified before any of it is
        put.
        Everything is put if absent: a rerun puts the same bytes, and other bytes are an error.
        A crash leaves tiles that no checkpoint covers and no reader requests. One block at a time
        is in memory.
        """
        tile_writer = self.memory.tile_writer or TileWriter.read(head, self._read)
        index_writer = self.memory.index_writer
        if index_writer is None and digest is not None:
            index_writer = resume_index(self.origin, digest, self.index, self.blocks)
        # They are ahead of the published size until the commit.
        self.memory.tile_writer = self.memory.index_writer = None
        batch = VerifiedBlocks(head, tile_writer, index_writer or IndexWriter(self.origin))
        for block in islice(self.blocks.since(head.size), MAX_BLOCKS_PER_RUN):
            self.verify_block(block)
            checked = check_block(block, batch.head)
            name = archived_name(block.first_seq)
            self.archive.put_once(name, block.to_bytes(), now, locked=True)
            for path, data in tile_writer.extend(checked.body.entry_bytes, checked.leaves):
                self.tiles.put_once(path, data, now, locked=True)
            rows = stored_entries(block.first_seq, checked.body)
            for path, data in batch.index_writer.extend(checked.head.size, rows):
                put_derived(self.index, path, data, now)
            batch.add(checked)
            if not has_time():
                break
        if batch.blocks:
            for path, data in tile_writer.partial_objects(head.size):
                self.tiles.put_once(path, data, now, locked=False)
        return batch

    def _published_head(self, state: PublishedState | None) -> Head:
        """Return the published head; raise VerificationError if the blocks end differently."""
        if state is None:
            return EMPTY
        block = require_reach(self.blocks.ending_before(state.size), state.size)
        remembered = self.memory.head
        if remembered is not None and (remembered.size, remembered.hash) == (
            state.size,
            block.head,
        ):
            return remembered
        self._forget()
        return published_head(block, state.checkpoint, self.verify_block)

    def _sign(
        self,
        state: PublishedState | None,
        digest: SignedDigest | None,
        batch: VerifiedBlocks,
        index: bytes,
        now: int,
    ) -> tuple[PublishedState, SignedDigest]:
        """Step 4: sign checkpoint and digest of the verified blocks. Return the next state.

        `digest`: that of `state`, parsed; `index`: the hash of the index. The next state's digest
        is returned with it.
        """
        head = batch.head
        time = max(now, head.time, state.time if state else 0)
        checkpoint = self.signer.checkpoint(Checkpoint(self.origin, head.size, head.root()), time)
        gaps = self.gaps() if state else None
        signed = self.signer.digest(
            next_digest(self.origin, digest, batch, time, index, checkpoint, gaps)
        )
        next_state = PublishedState(
            version=state.version + 1 if state else 1,
            size=head.size,
            time=time,
            checkpoint=checkpoint,
            digest_name=signed.digest.name,
            digest=signed.data,
            unfreeze_count=state.unfreeze_count if state else 0,
        )
        return next_state, signed

    def _freeze(self, state: PublishedState | None, error: LedgerError) -> None:
        """Freeze the ledger; raise LostRaceError if another publisher replaced `state`."""
        self._forget()
        if self.state.published() != state:
            raise LostRaceError("another publisher replaced the published state")
        self.state.freeze(str(error))

    def _forget(self) -> None:
        self.memory.head = self.memory.tile_writer = self.memory.index_writer = None

    def _read_other(self, path: str, own: bytes | None) -> bytes | None:
        """Return a published file, None if its bytes are the verified state's: not newer."""
        data = self._read(path)
        return None if data == own else data

    def _read(self, path: str) -> bytes | None:
        stored = self.tiles.get(path)
        return None if stored is None else stored.data


def _heartbeat_due(state: PublishedState | None, now: int) -> bool:
    """Return whether an hour passed since the last digest. An empty ledger publishes none."""
    return state is not None and now - state.time >= HEARTBEAT_SECONDS
