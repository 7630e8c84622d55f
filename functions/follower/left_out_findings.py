"""Findings of the follower itself: entries that it had to leave out, by number and nothing else."""

from collections.abc import Sequence

from audit_ledger.detections import DetectionFinding
from audit_ledger.detections.finding import Severity, finding_id
from audit_ledger.views.skipped_entries import Kind

ALTERED = "altered-entry"
UNPROCESSED = "unprocessed-entry"

_RULES: dict[Kind, tuple[str, Severity, str]] = {
    "altered": (
        ALTERED,
        "high",
        "not as ingest sent it: a message in the queue or a table was altered; it may be about "
        "anybody",
    ),
    "unprocessed": (
        UNPROCESSED,
        "medium",
        "as it was sent, but rules, numbers or documents could not all take it up",
    ),
}


def finding_of(kind: Kind, entries: Sequence[int], time: int) -> DetectionFinding:
    """Make the finding of entries of one block. `time`: the block's, seconds since 1970."""
    rule, severity, statement = _RULES[kind]
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
