"""Findings about entries that the follower left out, identified by number alone."""

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
        "differs from what ingest sent: a message in the queue or a table was altered; it may "
        "concern any patient",
    ),
    "unprocessed": (
        UNPROCESSED,
        "medium",
        "unaltered, but rules, sequence numbers or documents could not process it completely",
    ),
}


def finding_of(kind: Kind, entries: Sequence[int], time: int) -> DetectionFinding:
    """Return the finding about entries of one block. `time`: the block's, seconds since 1970."""
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
