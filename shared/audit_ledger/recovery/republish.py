"""Republishing: published files that are lost are put back, from blocks, archive and old versions.

Tiles and entry bundles are computed again, from blocks whose tree is the published one; digests,
which nobody can sign again, come from the versions that Object Lock retained. Only absent files are
put: other bytes in a file's place are evidence, and stay. Checkpoint and `digests/latest` are put
by the publisher, which has them in its state.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.objects import TEXT, LedgerObjects
from audit_ledger.errors import NotFoundError, VerificationError
from audit_ledger.ledger.block import Block, archived_name, parse_block
from audit_ledger.ledger.block_signature import VerifyBlock
from audit_ledger.ledger.digest import digest_name_order, is_digest_name
from audit_ledger.ledger.head import EMPTY, check_block
from audit_ledger.ledger.publish_checks import previous_digest, require_published
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.ledger.tile_writer import TileWriter
from audit_ledger.verify.entries import Progress


@dataclass
class RepublishResult:
    """What a run found: paths `put_back`, in order, and digests that are `lost` for good.

    `size`: entries that were verified, all that are published.
    """

    size: int
    put_back: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Republish:
    """One ledger's published files; `verify_block` checks the sequencer's signature."""

    origin: str
    blocks: BlocksTable
    state: LedgersTable
    archive: LedgerObjects
    published: LedgerObjects
    verify_block: VerifyBlock
    now: Callable[[], int]

    def run(
        self, *, dry_run: bool = False, progress: Progress = lambda *_: None
    ) -> RepublishResult:
        """Put back what is lost; `dry_run`: only say what that is.

        FormatError or VerificationError where blocks are not those of the published tree: nothing
        was put. NotFoundError of a ledger that published nothing, or whose blocks are lost. A run
        that died is finished by the next.
        """
        state = self.state.published()
        if state is None or not state.size:
            raise NotFoundError(f"{self.origin} has published nothing")
        found = RepublishResult(state.size)

        # 1. Tiles and bundles: first all of it to read, up to the root that was signed. Only then
        #    is anything put.
        there = set(self.published.names("tile/"))
        found.put_back = [path for path, _, _ in self._tiles(state, progress) if path not in there]
        if found.put_back and not dry_run:
            lost = set(found.put_back)
            for path, data, is_full in self._tiles(state, progress):
                if path in lost:
                    self.published.put_once(path, data, self.now(), locked=is_full)

        # 2. Digests, newest first: each is the one whose hash its successor gives.
        for path, digest in self._lost_digests(state):
            if digest is None:
                found.lost.append(path)
                continue
            found.put_back.append(path)
            if not dry_run:
                self.published.put_once(path, digest, self.now(), locked=True, content_type=TEXT)
        return found

    def _tiles(
        self, state: PublishedState, progress: Progress
    ) -> Iterator[tuple[str, bytes, bool]]:
        """Return path, bytes and whether it is full of each tile and bundle of the published size.

        Raises at the end where their root is not the signed one.
        """
        head, growth = EMPTY, TileWriter.read(EMPTY, lambda _: None)
        while head.size < state.size:
            block = self._block(head.size)
            self.verify_block(block)
            checked = check_block(block, head)
            head = checked.head
            for path, data in growth.extend(checked.body.entry_bytes, checked.leaves):
                yield path, data, True
            progress(head.size, state.size)
        if head.size > state.size:
            raise VerificationError("the last block goes past the published size")
        require_published(head, state.checkpoint)
        for path, data in growth.partial_objects(0):
            yield path, data, False

    def _block(self, first_seq: int) -> Block:
        """Read a block from the archive, or from the table where the archive lacks it."""
        stored = self.archive.get(archived_name(first_seq))
        block = parse_block(stored.data) if stored else next(self.blocks.since(first_seq), None)
        if block is None or (block.origin, block.first_seq) != (self.origin, first_seq):
            raise NotFoundError(f"block {first_seq} is neither in the archive nor in the table")
        return block

    def _lost_digests(self, state: PublishedState) -> Iterator[tuple[str, bytes | None]]:
        """Return path and bytes of each digest that is not there any more, newest first.

        None for the bytes where no version is left that its successor names.
        """
        deleted = {path for path in self.published.deleted("digests/") if is_digest_name(path)}
        there = {path for path in self.published.names("digests/") if is_digest_name(path)}
        names = sorted(deleted | there | {state.digest_name}, key=digest_name_order, reverse=True)
        name, sha256_ = state.digest_name, sha256(state.digest).digest()
        data: bytes | None = state.digest
        for path in names:
            if path != name:
                continue  # of no chain: not the ledger's, `ledger verify` names it
            if path != state.digest_name:
                data = self._digest(path, sha256_, is_there=path in there)
            if data is None:
                yield path, None
                return  # nothing names those before it
            if path not in there:
                yield path, data
            name, sha256_ = previous_digest(data)
        if name:
            yield name, None

    def _digest(self, path: str, sha256_: bytes, *, is_there: bool) -> bytes | None:
        """Read the digest that has this hash: what is there now, or a version that was before.

        Somebody may have put others over it, and deleted them or not: none of these is believed.
        """
        present = self.published.get(path) if is_there else None
        candidates = chain([present.data] if present else [], self.published.versions(path))
        return next((data for data in candidates if sha256(data).digest() == sha256_), None)
