"""Lift a freeze, once blocks, archive, published files and published state agree again.

Nothing is signed here: the publisher makes the same checks before it signs anything, and freezes
the ledger again if one fails.
"""

from dataclasses import dataclass

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.errors import NotFoundError, VerificationError
from audit_ledger.ledger.block import archived_name
from audit_ledger.ledger.block_signature import VerifyBlock
from audit_ledger.ledger.digest_name import LATEST
from audit_ledger.ledger.head import EMPTY, Head, check_block
from audit_ledger.ledger.publish_checks import (
    NOTHING_PUBLISHED,
    published_head,
    require_last,
    require_newest,
    require_reach,
)
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.ledger.tile_writer import TileWriter
from audit_ledger.tlog.tiles import CHECKPOINT


@dataclass(frozen=True)
class Agreement:
    """The result of the checks. `size`: committed entries, which can be published next."""

    frozen: PublishedState
    size: int


@dataclass(frozen=True)
class Unfreeze:
    """One ledger's freeze; `verify_block` checks the sequencer's signature."""

    origin: str
    blocks: BlocksTable
    state: LedgersTable
    tiles: LedgerObjects
    archive: LedgerObjects
    verify_block: VerifyBlock

    def check(self) -> Agreement:
        """Make the publisher's checks, from the published size to the last block, without a write.

        The publisher alone checks that the checkpoint keys signed the published state.

        Raise NotFoundError if the ledger is not frozen, and FormatError or VerificationError if
        something does not agree yet.
        """
        state = self.state.published()
        if state is None or state.frozen is None:
            raise NotFoundError(f"{self.origin} is not frozen")
        head = self._published_head(state)
        # A state without a published version is older than any digest.
        age = (state.size, state.time) if state.version else NOTHING_PUBLISHED
        require_newest(self._read(LATEST), self._read(CHECKPOINT), age)
        require_last(state.digest_name if state.version else None, self.tiles.names)
        if state.version:
            self._require_same(self.tiles, state.digest_name, state.digest)
        tile_writer = TileWriter.read(head, self._read)
        for block in self.blocks.since(head.size):
            self.verify_block(block)
            checked = check_block(block, head)
            head = checked.head
            self._require_same(self.archive, archived_name(block.first_seq), block.to_bytes())
            for path, data in tile_writer.extend(checked.body.entry_bytes, checked.leaves):
                self._require_same(self.tiles, path, data)
        return Agreement(state, head.size)

    def lift(self, agreement: Agreement) -> None:
        """Lift exactly the checked freeze; raise LostRaceError if the state changed since."""
        self.state.lift(agreement.frozen)

    def _published_head(self, state: PublishedState) -> Head:
        if not state.size:
            return EMPTY
        block = require_reach(self.blocks.ending_before(state.size), state.size)
        return published_head(block, state.checkpoint, self.verify_block)

    def _read(self, path: str) -> bytes | None:
        stored = self.tiles.get(path)
        return None if stored is None else stored.data

    def _require_same(self, objects: LedgerObjects, path: str, data: bytes) -> None:
        """Raise VerificationError if an object exists with other bytes than the publisher puts."""
        stored = objects.get(path)
        if stored is not None and stored.data != data:
            raise VerificationError(f"{path}: exists with other bytes")
