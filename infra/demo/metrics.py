"""Figures of a day, from the published files, the functions' metrics and the meter."""

from dataclasses import dataclass, fields
from pathlib import Path

from audit_ledger.ledger.digest import Digest
from audit_ledger.ledger.signed_digest import parse_signed_digest
from infra.demo.posting import Portals
from infra.local.cloud import LocalCloud, LocalLedger
from infra.local.cost.list_prices import MILLION
from infra.local.cost.meter import Usage
from infra.local.lambda_runtime.function_log import metric_sums


@dataclass(frozen=True)
class Figures:
    """Of one ledger, or of all.

    `events`: as the API accepted them. `entries`, `control_entries`, `blocks`: as stated by the
    published digests. `duplicates`: records of resent requests that the sequencer left out.
    `batches`: invocations of the sequencer.
    """

    name: str
    events: int
    entries: int
    control_entries: int
    blocks: int
    digests: int
    duplicates: int
    lost_races: int
    batches: int
    sequencer_calls: int
    used: Usage

    @property
    def calls(self) -> int:
        """Calls to AWS of all kinds."""
        return self.used.calls().total()

    @property
    def calls_per_batch(self) -> float:
        """Calls of the sequencer for each batch."""
        return self.sequencer_calls / max(1, self.batches)

    @property
    def usd_per_million_events(self) -> float:
        """Cost at list price, for as many events as that."""
        return self.used.cost_usd() / max(1, self.events) * MILLION


def digests_of(published: Path) -> list[Digest]:
    """Read all digests of a published ledger, oldest first."""
    digests = [
        parse_signed_digest(file.read_bytes()).digest
        for file in (published / "digests").rglob("*-*")
        if file.is_file()
    ]
    return sorted(digests, key=lambda digest: (digest.size_after, digest.period_to))


def figures_of(
    cloud: LocalCloud, portals: Portals, ledger: LocalLedger, published: Path
) -> Figures:
    """Return the figures of one ledger."""
    digests = digests_of(published)
    used = _used_by(cloud, portals, ledger)
    metrics = metric_sums(cloud.runner.log_of(ledger.sequencer).lines)
    return Figures(
        name=ledger.id,
        events=portals.events[ledger.id],
        entries=sum(digest.entries for digest in digests),
        control_entries=sum(digest.control_entries for digest in digests),
        blocks=sum(digest.blocks for digest in digests),
        digests=len(digests),
        duplicates=int(metrics["Duplicates"]),
        lost_races=int(metrics["LostRaces"]),
        batches=cloud.runner.invocations[ledger.sequencer],
        sequencer_calls=used.calls(ledger.sequencer).total(),
        used=used,
    )


def total_of(figures: list[Figures], used: Usage) -> Figures:
    """Add up the ledgers; `used` is the usage of the whole app."""
    counts = {field.name for field in fields(Figures)} - {"name", "used"}
    sums = {count: sum(getattr(f, count) for f in figures) for count in counts}
    return Figures(name="total", used=used, **sums)


def _used_by(cloud: LocalCloud, portals: Portals, ledger: LocalLedger) -> Usage:
    """Return what a ledger used: its own functions, and ingest when it accepted for this ledger."""
    own = {ledger.sequencer, ledger.publisher, f"event source mapping of {ledger.sequencer}"}
    return cloud.meter.snapshot().by(own) + portals.used[ledger.id]
