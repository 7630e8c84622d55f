"""Republish: put lost published files back, from blocks, archive and old versions.

Tiles and entry bundles are computed again, from blocks whose tree is the published one; digests,
which cannot be signed again, come from the versions that Object Lock retained. Only absent files
are put: a file with other bytes is evidence, and remains. The publisher puts checkpoint and
`digests/latest`, which are in its state.
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
from audit_ledger.ledger.digest_name import digest_name_order, is_digest_name
from audit_ledger.ledger.head import EMPTY, check_block
from audit_ledger.ledger.publish_checks import previous_digest, require_published
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.ledger.tile_writer import TileWriter
from audit_ledger.verify.entries import Progress


@dataclass
class RepublishResult:
    """The result of a run: paths `put_back`, in order, and `lost` digests without a version.

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
        """Put lost files back; `dry_run`: only report them.

        Raise FormatError or VerificationError if the blocks are not those of the published tree:
        nothing was put. Raise NotFoundError if the ledger published nothing, or its blocks are
        lost. The next run completes one that was interrupted.
        """
        state = self.state.published()
        if state is None or not state.size:
            raise NotFoundError(f"{self.origin} has published nothing")
        result = RepublishResult(state.size)

        # 1. Tiles and bundles: compute all of them up to the signed root before any is put.
        present = set(self.published.names("tile/"))
        result.put_back = [
            path for path, _, _ in self._tiles(state, progress) if path not in present
        ]
        if result.put_back and not dry_run:
            lost = set(result.put_back)
            for path, data, is_full in self._tiles(state, progress):
                if path in lost:
                    self.published.put_once(path, data, self.now(), locked=is_full)

        # 2. Digests, newest first: each is the one whose hash is in its successor.
        for path, digest in self._lost_digests(state):
            if digest is None:
                result.lost.append(path)
                continue
            result.put_back.append(path)
            if not dry_run:
                self.published.put_once(path, digest, self.now(), locked=True, content_type=TEXT)
        return result

    def _tiles(
        self, state: PublishedState, progress: Progress
    ) -> Iterator[tuple[str, bytes, bool]]:
        """Yield path, bytes and whether it is full of each tile and bundle of the published size.

        Raise VerificationError at the end if their root is not the signed one.
        """
        head, tile_writer = EMPTY, TileWriter.read(EMPTY, lambda _: None)
        while head.size < state.size:
            block = self._block(head.size)
            self.verify_block(block)
            checked = check_block(block, head)
            head = checked.head
            for path, data in tile_writer.extend(checked.body.entry_bytes, checked.leaves):
                yield path, data, True
            progress(head.size, state.size)
        if head.size > state.size:
            raise VerificationError("the last block goes past the published size")
        require_published(head, state.checkpoint)
        for path, data in tile_writer.partial_objects(0):
            yield path, data, False

    def _block(self, first_seq: int) -> Block:
        """Read a block from the archive, or from the table if it is not archived."""
        stored = self.archive.get(archived_name(first_seq))
        block = parse_block(stored.data) if stored else next(self.blocks.since(first_seq), None)
        if block is None or (block.origin, block.first_seq) != (self.origin, first_seq):
            raise NotFoundError(f"block {first_seq} is neither in the archive nor in the table")
        return block

    def _lost_digests(self, state: PublishedState) -> Iterator[tuple[str, bytes | None]]:
        """Yield path and bytes of each missing digest, newest first.

        The bytes are None if no version is left that its successor names.
        """
        deleted = {path for path in self.published.deleted("digests/") if is_digest_name(path)}
        there = {path for path in self.published.names("digests/") if is_digest_name(path)}
        names = sorted(deleted | there | {state.digest_name}, key=digest_name_order, reverse=True)
        name, sha256_ = state.digest_name, sha256(state.digest).digest()
        data: bytes | None = state.digest
        for path in names:
            if path != name:
                continue  # outside the chain: `ledger verify` names it
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
        """Read the digest with this hash, the present version or an earlier one.

        Versions that others put over it have other hashes.
        """
        present = self.published.get(path) if is_there else None
        candidates = chain([present.data] if present else [], self.published.versions(path))
        return next((data for data in candidates if sha256(data).digest() == sha256_), None)
