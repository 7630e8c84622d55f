"""Rule: many failures of one user within minutes, e.g. guessed passwords or denied accesses."""

from typing import ClassVar

from audit_ledger.detections import settings
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.windows import Windows, add

_MINUTE_MS = 60_000


class FailedAccessRule(Rule[Windows]):
    """Counts logins and accesses; a failed event about several patients is one failure."""

    name: ClassVar[str] = "failed-access"
    state_type = Windows

    def __init__(self, own: settings.FailedAccess) -> None:
        self.own = own
        self.severity = own.severity

    def observe(self, state: Windows, seen: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per burst."""
        if not (seen.has_failed and seen.who_mark and seen.has_plausible_time):
            return None
        # The parts of one event were received together; other events count one by one.
        what = f"{seen.opened.received} {seen.time_ms}" if seen.opened.cut else ""
        limit, minutes = self.own.failures, self.own.minutes
        burst = add(state, seen, what, limit=limit, span_ms=minutes * _MINUTE_MS)
        if burst is None:
            return None
        return self.found(
            seen,
            f"{len(burst)} failures within {minutes} minutes",
            [(item.entry, item.event_id) for item in burst],
        )
