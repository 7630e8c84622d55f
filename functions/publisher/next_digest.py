"""Next digest: the statement of a run about the blocks that it verified."""

from dataclasses import dataclass

from audit_ledger.ledger.digest import MAX_MISSING, MAX_PORTALS, NO_DIGEST, Digest
from audit_ledger.ledger.entry import ControlEntry
from audit_ledger.ledger.follower_views import Gaps
from audit_ledger.ledger.head import CheckedBlock, Head
from audit_ledger.ledger.signed_digest import SignedDigest
from audit_ledger.ledger.tile_writer import TileWriter
from audit_ledger.runs.index_writer import IndexWriter


@dataclass
class VerifiedBlocks:
    """The verified blocks after the published head. `first_entry_time`: whole seconds.

    `head`: after the last of them; `tile_writer`, `index_writer`: the right edge of the tree and
    the index of that head.
    """

    head: Head
    tile_writer: TileWriter
    index_writer: IndexWriter
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


def next_digest(
    origin: str,
    previous: SignedDigest | None,
    batch: VerifiedBlocks,
    time: int,
    index: bytes,
    checkpoint: bytes,
    gaps: Gaps | None,
) -> Digest:
    """Return the digest after `previous` (None: the ledger's first), which ends at `time`.

    `index`: the hash of the index after `batch`; `checkpoint`: the signed one of its tree; `gaps`:
    see `_gap_counts`.
    """
    before = previous.digest if previous else None
    followed, missing_events, missing_portals = _gap_counts(before, gaps)
    return Digest(
        origin=origin,
        period_from=before.period_to if before else batch.first_entry_time,
        period_to=time,
        size_before=before.size_after if before else 0,
        size_after=batch.head.size,
        index=index,
        entries=batch.entries,
        control_entries=batch.control_entries,
        blocks=batch.blocks,
        followed=followed,
        missing_events=missing_events,
        missing_portals=missing_portals,
        previous_name=before.name if before else "",
        previous_sha256=previous.sha256 if previous else NO_DIGEST,
        checkpoint=checkpoint,
    )


def _gap_counts(before: Digest | None, gaps: Gaps | None) -> tuple[int, int, int]:
    """Return up to where numbered events were counted, how many are missing, of how many portals.

    If the counts are unknown (None), or include entries that are not published, the digest repeats
    those of the digest before it: they remain true, and no derived data stops publishing.
    """
    if before is None:
        return 0, 0, 0
    if gaps is None or gaps.followed > before.size_after:
        return before.followed, before.missing_events, before.missing_portals
    largest = sorted(gaps.missing.values(), reverse=True)[:MAX_PORTALS]
    return gaps.followed, sum(min(n, MAX_MISSING) for n in largest), len(largest)
