"""Rebuild blocks and index of one ledger from its archive, under the same origin.

A rebuild cannot be undone, because nobody can change or delete a block. So the whole archive is
verified against the published state before the first write, and again while writing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.events_table import NO_ROWS, EventsTable, Repaired
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.errors import LostRaceError, NotFoundError, VerificationError
from audit_ledger.ledger.block import Block, archived_name, parse_block
from audit_ledger.ledger.block_signature import VerifyBlock
from audit_ledger.ledger.head import EMPTY, CheckedBlock, Head, check_block
from audit_ledger.ledger.index import stored_entries
from audit_ledger.ledger.publish_checks import require_published
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.verify.entries import Progress

REBUILDING = "being rebuilt from the archive"


@dataclass
class RebuildResult:
    """The result of a rebuild.

    `blocks_put`, `blocks_there`: blocks of the archive that were put, or in the table already;
    `blocks_unarchived`: the blocks after them, in the table alone; `rows`: of the index;
    `lost_rows`: rows of entries without a block; `frozen`: why the ledger is still frozen, None if
    it continues.
    """

    published: PublishedState
    size: int = 0
    blocks_put: int = 0
    blocks_there: int = 0
    blocks_unarchived: int = 0
    rows: Repaired = NO_ROWS
    lost_rows: int = 0
    frozen: str | None = None


@dataclass(frozen=True)
class Rebuild:
    """One ledger's rebuild; `verify_block` checks the sequencer's signature.

    `settle`: waits until every sequencer has ended that read the published state before the freeze,
    as long as one batch can take (a minute).
    """

    origin: str
    blocks: BlocksTable
    index: EventsTable
    state: LedgersTable
    archive: LedgerObjects
    verify_block: VerifyBlock
    settle: Callable[[], None]

    def run(self, *, dry_run: bool = False, progress: Progress = lambda *_: None) -> RebuildResult:
        """Fill blocks and index from the archive. `dry_run`: only report what would be done.

        Raise FormatError or VerificationError if archive, table and published state are not of one
        history: nothing was written, unless they changed during the run. Raise NotFoundError
        without a published state. The next run completes one that was interrupted.
        """
        # 1. Verify everything without a write.
        found = self._fill(self._read_published(), dry_run=True, progress=progress)
        if dry_run:
            found.lost_rows = self.index.give_up_from(found.size, dry_run=True)
            found.frozen = found.published.frozen
            return found

        # 2. Freeze: with half an index a sequencer would append again what the ledger has. The
        # reason of an earlier freeze remains, and this command does not lift it.
        self.state.freeze(REBUILDING)
        self.settle()

        # 3. Verify again, and write. A crash leaves a frozen ledger and a prefix of its blocks.
        done = self._fill(self._read_published(), dry_run=False, progress=progress)

        # 4. Mark rows of entries without a block as lost. Otherwise their events would be taken for
        # duplicates for ever, and be lost even if a portal sent them again.
        done.lost_rows = self.index.give_up_from(done.size, dry_run=False)

        # 5. Lift the freeze, if it is this command's.
        done.frozen = done.published.frozen
        if done.frozen == REBUILDING:
            self.state.lift(done.published)
            done.frozen = None
        return done

    def _read_published(self) -> PublishedState:
        state = self.state.published()
        if state is None:
            raise NotFoundError(
                f"{self.origin} has no published state: it returns from point-in-time recovery "
                "of the ledgers table, before the rebuild"
            )
        return state

    def _fill(
        self, published: PublishedState, *, dry_run: bool, progress: Progress
    ) -> RebuildResult:
        """Check archive, then table, from entry 0; put and index each verified block."""
        done = RebuildResult(published)
        there = {b.first_seq: sha256(b.to_bytes()).digest() for b in self.blocks.since(0)}
        head = EMPTY
        while (block := self._read_archived(head.size)) is not None:
            checked = self._check(block, head, published)
            head = checked.head
            known = there.pop(block.first_seq, None)
            if known is None:
                done.blocks_put += 1
            elif known == sha256(block.to_bytes()).digest():
                done.blocks_there += 1
            else:
                raise _differing_blocks(block.first_seq)
            # Rows before the block: if a later block is there, this one is indexed.
            entries = stored_entries(block.first_seq, checked.body)
            done.rows += self.index.repair(entries, dry_run=dry_run)
            if known is None and not dry_run:
                self._put(block)
            progress(head.size, max(head.size, published.size))
        strays = [first_seq for first_seq in there if first_seq < head.size]
        if strays:
            raise VerificationError(f"block {min(strays)} of the table is none of the archive's")
        for block in self.blocks.since(head.size):
            checked = self._check(block, head, published)
            head = checked.head
            done.blocks_unarchived += 1
            entries = stored_entries(block.first_seq, checked.body)
            done.rows += self.index.repair(entries, dry_run=dry_run)
        if head.size < published.size:
            raise VerificationError(
                f"entries {head.size} to {published.size - 1} are published, but neither in the "
                "archive nor in the table"
            )
        done.size = head.size
        return done

    def _read_archived(self, first_seq: int) -> Block | None:
        """Read the archived block that begins at an entry; None at the end of the archive."""
        name = archived_name(first_seq)
        stored = self.archive.get(name)
        if stored is None:
            return None
        block = parse_block(stored.data)
        if (block.origin, block.first_seq) != (self.origin, first_seq):
            raise VerificationError(f"{name}: block {block.first_seq} of {block.origin}")
        return block

    def _check(self, block: Block, head: Head, published: PublishedState) -> CheckedBlock:
        """Check signature, body, links, order and frontier, and the tree at the published size."""
        self.verify_block(block)
        checked = check_block(block, head)
        if checked.head.size == published.size:
            require_published(checked.head, published.checkpoint)
        elif head.size < published.size < checked.head.size:
            raise VerificationError(f"block {block.first_seq} goes past the published size")
        return checked

    def _put(self, block: Block) -> None:
        try:
            self.blocks.put_if_absent(block)
        except LostRaceError:  # put by another run, or by this one in a call that timed out
            if next(self.blocks.since(block.first_seq), None) != block:
                raise _differing_blocks(block.first_seq) from None


def _differing_blocks(first_seq: int) -> VerificationError:
    return VerificationError(f"block {first_seq}: archive and table hold different ones")
