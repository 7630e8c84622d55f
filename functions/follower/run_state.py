"""The results of one run of the follower: not yet committed, and as reported."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from audit_ledger.detections.detector import Detector
from audit_ledger.detections.finding import DetectionFinding, Severity, finding_id
from audit_ledger.ledger.follower_views import FollowerCursor
from audit_ledger.sequence_gaps.counters import CountedState
from audit_ledger.views.skipped_entries import Kind, SkippedEntries

MAX_EVENTS_PER_COMMIT = 2000
MAX_PLACES_PER_COMMIT = 2000  # of documents; a single event may name as many
MAX_FINDINGS_PER_COMMIT = 200  # a single event may yield one per rule

_SKIPPED: dict[Kind, tuple[str, Severity, str]] = {
    "altered": (
        "altered-entry",
        "high",
        "differs from what ingest sent: a message in the queue or a table was altered; it may "
        "concern any patient",
    ),
    "unprocessed": (
        "unprocessed-entry",
        "medium",
        "unaltered, but rules, sequence numbers or documents could not process it completely",
    ),
}
"""Rule, severity and statement of findings about skipped entries."""


@dataclass(frozen=True)
class FollowResult:
    """The result of a run. `missing`: numbered events that never arrived, of settled gaps.

    `newly_missing`: the increase since the last report to the publisher, over all portals with an
    increase. `altered`, `unprocessed`: entries that this run skipped.
    `stopped`: why the run did not reach the end, if not for lack of time.
    """

    next_seq: int
    size: int
    generation: int
    opened: int
    erased: int
    altered: tuple[int, ...]
    unprocessed: tuple[int, ...]
    findings: int
    missing: int
    newly_missing: int
    stopped: str = ""


@dataclass
class RunState:
    """The uncommitted results of one run. `next_seq`: the first entry not processed yet."""

    cursor: FollowerCursor
    counted: CountedState
    detector: Detector
    skipped: SkippedEntries
    next_seq: int
    documents: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    findings: list[tuple[DetectionFinding, int]] = field(default_factory=list)
    noted: dict[Kind, list[int]] = field(default_factory=lambda: {"altered": [], "unprocessed": []})
    since_commit: int = 0
    opened: int = 0
    erased: int = 0
    altered: list[int] = field(default_factory=list)
    unprocessed: list[int] = field(default_factory=list)
    committed_findings: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to commit."""
        return (
            self.since_commit >= MAX_EVENTS_PER_COMMIT
            or sum(map(len, self.documents.values())) >= MAX_PLACES_PER_COMMIT
            or len(self.findings) >= MAX_FINDINGS_PER_COMMIT
        )

    def note(self, kind: Kind, seq: int) -> None:
        """Note that the current entry is skipped."""
        if self.noted[kind][-1:] != [seq]:
            self.noted[kind].append(seq)

    def close(self, time: int, first_seq: int) -> None:
        """Add findings of the noted entries, which are of one block; `time` is the block's."""
        for kind, entries in self.noted.items():
            if entries:
                self.skipped = self.skipped.with_entries(kind, entries)
                self.findings.append((_finding(kind, entries, time), first_seq))
                (self.altered if kind == "altered" else self.unprocessed).extend(entries)
        self.noted = {"altered": [], "unprocessed": []}


def _finding(kind: Kind, entries: Sequence[int], time: int) -> DetectionFinding:
    """Return the finding about skipped entries of a block of this time (seconds since 1970)."""
    rule, severity, statement = _SKIPPED[kind]
    return DetectionFinding(
        id=finding_id(rule, entries),
        rule=rule,
        severity=severity,
        entries=tuple(entries),
        event_ids=(),
        time_ms=time * 1000,
        ledger_time=time,
        who=None,
        patient=None,
        statement=statement,
    )
