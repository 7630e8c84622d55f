"""Publishing: what was committed is verified, published, signed; once a minute for each ledger.

The commit point is the published state in DynamoDB, which has the exact bytes of checkpoint and
digest. Everything before it (tiles, archive) may be repeated and gives the same bytes; everything
after it (digest, checkpoint) is put again from it by the next run, byte for byte.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Protocol

from audit_ledger.aws.ledgers_table import PublishedState
from audit_ledger.aws.objects import TEXT, StoredObject
from audit_ledger.errors import (
    FormatError,
    FrozenError,
    LedgerError,
    LostRaceError,
    UnreachableError,
    VerificationError,
)
from audit_ledger.ledger.block import Block, archived_name, encode_block
from audit_ledger.ledger.block_signature import VerifyBlock
from audit_ledger.ledger.digest import (
    LATEST,
    MAX_MISSING,
    MAX_PORTALS,
    NO_DIGEST,
    Digest,
    parse_signed_digest,
)
from audit_ledger.ledger.entry import decode_entry
from audit_ledger.ledger.head import EMPTY, Head, check_block
from audit_ledger.ledger.publication_order import Age, checkpoint_age, digest_age
from audit_ledger.ledger.publish_checks import (
    NOTHING_PUBLISHED,
    published_head,
    require_last,
    require_newest,
    require_reach,
)
from audit_ledger.ledger.tile_writer import TileWriter, superseded
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.tiles import CHECKPOINT
from functions.publisher.signing import Signer

HEARTBEAT_SECONDS = 3600
MAX_BLOCKS_A_RUN = 2000  # a backlog is published in several runs, each with its own digest
MAX_REPLACEMENTS = 5


class Blocks(Protocol):
    """The log, to read: see `audit_ledger.aws.blocks_table`."""

    def since(self, first_seq: int) -> Iterator[Block]: ...
    def ending_before(self, seq: int) -> Block | None: ...


class State(Protocol):
    """The published state: see `audit_ledger.aws.ledgers_table`."""

    def published(self) -> PublishedState | None: ...
    def swap_published(self, old: PublishedState | None, new: PublishedState) -> None: ...
    def freeze(self, reason: str) -> None: ...


class Objects(Protocol):
    """One ledger's objects in one bucket: see `audit_ledger.aws.objects`."""

    def get(self, path: str) -> StoredObject | None: ...
    def put_once(
        self, path: str, data: bytes, now: int, *, locked: bool, content_type: str = ...
    ) -> None: ...
    def replace(
        self, path: str, data: bytes, old: StoredObject | None, content_type: str = ...
    ) -> None: ...
    def names(self, folder: str, after: str = ...) -> Iterable[str]: ...
    def delete(self, path: str) -> None: ...


class Gaps(Protocol):
    """What the follower counted: see `audit_ledger.aws.views_table`."""

    @property
    def followed(self) -> int: ...
    @property
    def missing(self) -> Mapping[str, int]: ...


@dataclass
class WarmState:
    """What one container remembers: the head it published and the state that it saw finished.

    `finished_version`: of the state whose files it put, that it announced or remembers to, and
    tidied behind; `unannounced`: states that the bus refused to hear of, oldest first.
    """

    head: Head | None = None
    growth: TileWriter | None = None
    finished_version: int = 0
    unannounced: list[PublishedState] = field(default_factory=list)


@dataclass(frozen=True)
class PublishResult:
    """What a run came to; `digest_name` is empty where there was nothing to publish.

    `unannounced`: digests, of this run and earlier ones, that the bus refuses to hear of.
    """

    size: int
    entries: int
    blocks: int
    digest_name: str
    unannounced: int = 0


@dataclass(frozen=True)
class Publisher:
    """One ledger's publisher.

    `verify_block`: raises VerificationError unless the sequencer's key signed the block;
    `now`: whole seconds; `announce`: tells the bus of the newest digest, UnreachableError if it
    would not listen; `gaps`: what the follower counted last, None where it did not or does not say.
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
        published, the next run goes on. FrozenError when history and tables disagree (now or
        before): nothing is signed. LostRaceError when another publisher was first.
        """
        # 1. What is published. What a crash behind the commit point left undone is done here,
        # unless this container saw it done.
        old = self.state.published()
        if old is not None and old.frozen is not None:
            raise FrozenError(f"this ledger is frozen: {old.frozen}")
        try:
            if old is not None:
                self.signer.verify_state(old)
                if self.memory.finished_version != old.version:
                    require_last(old.digest_name, self.tiles.names)
                    self._finish(old)

            # 2. The prefix is the published one, and the newest digest is the state's, or nothing
            # is ever signed again: see _freeze.
            head = self._published_head(old)
            known = (old.size, old.time) if old else NOTHING_PUBLISHED
            require_newest(self._read(LATEST), self._read(CHECKPOINT), known)
            if old is None:
                require_last(None, self.tiles.names)

            # 3. Verify, put and archive what was committed since.
            now = self.now()
            grown = self._verified(head, now, has_time)
            if not grown.blocks and not _heartbeat_due(old, now):
                return PublishResult(head.size, 0, 0, "", self._announced())
        except (VerificationError, FormatError) as error:
            raise self._freeze(old, error) from error

        # 4. Sign. A crash here leaves signatures that nobody has seen, over a true statement.
        new = self._signed(old, head, grown, now)

        # 5. The commit point. The run that loses the race stops here; the winner's bytes stand.
        self.state.swap_published(old, new)

        # 6. Digest and checkpoint, from the state and nothing else; tell of them; tidy. A crash
        # here leaves what step 1 of the next run does again.
        self.memory.head, self.memory.growth = grown.head, grown.growth
        try:
            self._finish(new)
        except VerificationError as error:
            raise self._freeze(new, error) from error
        return PublishResult(
            grown.head.size, grown.entries, grown.blocks, new.digest_name, self._announced()
        )

    def _finish(self, state: PublishedState) -> None:
        """Do all that follows from the state: files, announcement, partial tiles that may go.

        Once or again: the files stay the same, and the bus may hear of a digest twice.
        """
        self._put_files(state)
        self.memory.unannounced.append(state)
        self._announced()
        size_before = parse_signed_digest(state.digest).digest.size_before
        for path in superseded(size_before, state.size, self.tiles.names):
            self.tiles.delete(path)
        self.memory.finished_version = state.version

    def _announced(self) -> int:
        """Announce what is not announced yet, in order; gives how many the bus did not take.

        A bus that refuses must not make the ledger stale: publishing goes on meanwhile. Should
        the container die too before the bus listens again, a reader of the next digest finds by
        its line `previous` those that were never announced.
        """
        left = self.memory.unannounced
        try:
            while left:
                self.announce(left[0])
                del left[0]
        except UnreachableError:
            pass
        return len(left)

    def _verified(self, head: Head, now: int, has_time: Callable[[], bool]) -> "IntegratedBlocks":
        """Step 3: follow the blocks behind `head`, and put tiles and archive on the way.

        Signatures, bodies, links, order and frontier are checked before a byte of a block goes
        anywhere. All is put if absent: a rerun puts the same bytes, and other bytes are an error.
        A crash leaves tiles that no checkpoint covers, which nobody reads. One block is in memory.
        """
        growth = self.memory.growth or TileWriter.read(head, self._read)
        self.memory.growth = None  # ahead of what is published until this run is done
        grown = IntegratedBlocks(head, growth)
        for block in islice(self.blocks.since(head.size), MAX_BLOCKS_A_RUN):
            self.verify_block(block)
            body, grown.head, leaves = check_block(block, grown.head)
            name = archived_name(block.first_seq)
            self.archive.put_once(name, encode_block(block), now, locked=True)
            for path, data in growth.extend([item.entry for item in body.items], leaves):
                self.tiles.put_once(path, data, now, locked=True)
            if grown.blocks == 0:
                grown.begin = decode_entry(body.items[0].entry).time
            grown.blocks += 1
            grown.entries += len(body.items)
            grown.control_entries += sum(not item.row_bytes for item in body.items)
            if not has_time():
                break
        if grown.blocks:
            for path, data in growth.partial_objects(head.size):
                self.tiles.put_once(path, data, now, locked=False)
        return grown

    def _published_head(self, old: PublishedState | None) -> Head:
        """Where the published ledger ends, shown to be where the blocks say, in every run."""
        if old is None:
            return EMPTY
        block = require_reach(self.blocks.ending_before(old.size), old.size)
        known = self.memory.head
        if known is not None and (known.size, known.hash) == (old.size, block.head):
            return known
        self.memory.head = self.memory.growth = None
        return published_head(block, old.checkpoint, self.verify_block)

    def _signed(
        self, old: PublishedState | None, before: Head, grown: "IntegratedBlocks", now: int
    ) -> PublishedState:
        """Step 4: checkpoint and digest of what was verified, as they will be published."""
        after = grown.head
        time = max(now, after.time, old.time if old else 0)
        root = after.root()
        checkpoint = self.signer.checkpoint(Checkpoint(self.origin, after.size, root), time)
        followed, missing_events, missing_portals = self._counted(old)
        digest = Digest(
            origin=self.origin,
            period_from=old.time if old else grown.begin,
            period_to=time,
            size_before=before.size,
            size_after=after.size,
            root=root,
            entries=grown.entries,
            control_entries=grown.control_entries,
            blocks=grown.blocks,
            followed=followed,
            missing_events=missing_events,
            missing_portals=missing_portals,
            previous_name=old.digest_name if old else "",
            previous_sha256=sha256(old.digest).digest() if old else NO_DIGEST,
            checkpoint=checkpoint,
        )
        return PublishedState(
            version=old.version + 1 if old else 1,
            size=after.size,
            time=time,
            checkpoint=checkpoint,
            digest_name=digest.name,
            digest=self.signer.digest(digest),
            lifts=old.lifts if old else 0,
        )

    def _counted(self, old: PublishedState | None) -> tuple[int, int, int]:
        """Return how far numbered events were counted, how many never came, of how many portals.

        Where the follower does not say, or speaks of entries that are not published, the digest
        repeats what the one before it said: that stays true, and nothing derived stops publishing.
        """
        if old is None:
            return 0, 0, 0
        gaps = self.gaps()
        if gaps is not None and gaps.followed <= old.size:
            most = sorted(gaps.missing.values(), reverse=True)[:MAX_PORTALS]
            return gaps.followed, sum(min(n, MAX_MISSING) for n in most), len(most)
        before = parse_signed_digest(old.digest).digest
        return before.followed, before.missing_events, before.missing_portals

    def _freeze(self, old: PublishedState | None, error: LedgerError) -> LedgerError:
        """Freeze the ledger, unless another publisher moved it on while this one was looking."""
        self.memory.head = self.memory.growth = None
        if self.state.published() != old:
            return LostRaceError("another publisher moved on")
        self.state.freeze(str(error))
        return FrozenError(f"frozen: {error}")

    def _put_files(self, state: PublishedState) -> None:
        """Put digest, its copy as latest, and checkpoint, never in the place of newer ones."""
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
                newer = age(there.data)
                if there.data == data or (newer is not None and newer > (state.size, state.time)):
                    return
            try:
                self.tiles.replace(path, data, there)
            except LostRaceError:
                continue  # another publisher put one: look whether it is newer
            return
        raise LostRaceError(f"{path}: others replace it all the time")

    def _read(self, path: str) -> bytes | None:
        there = self.tiles.get(path)
        return None if there is None else there.data


@dataclass
class IntegratedBlocks:
    """What was verified behind the published head. `begin`: time of its first entry."""

    head: Head
    growth: TileWriter
    begin: int = 0
    blocks: int = 0
    entries: int = 0
    control_entries: int = 0


def _heartbeat_due(old: PublishedState | None, now: int) -> bool:
    """An hour without growth still gets a signed time; a ledger never begun has nothing to sign."""
    return old is not None and now - old.time >= HEARTBEAT_SECONDS
