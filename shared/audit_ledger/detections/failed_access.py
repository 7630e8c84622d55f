"""Rule: many failures of one user within minutes, e.g. guessed passwords or denied accesses."""

from typing import ClassVar

from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.settings import FailedAccess
from audit_ledger.detections.windows import Windows, add

_MINUTE_MS = 60_000


class FailedAccessRule(Rule[Windows, FailedAccess]):
    """Counts logins and accesses; a failed event about several patients is one failure."""

    name: ClassVar[str] = "failed-access"
    state_type = Windows

    def observe(self, state: Windows, access: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per burst."""
        if not (access.has_failed and access.who_mark and access.has_plausible_time):
            return None
        # The parts of one event were received together; other events count one by one.
        what = f"{access.opened.received} {access.time_ms}" if access.opened.cut else ""
        limit, minutes = self.settings.failures, self.settings.minutes
        burst = add(state, access, what, limit=limit, span_ms=minutes * _MINUTE_MS)
        if burst is None:
            return None
        return self.finding(
            access,
            f"{len(burst)} failures within {minutes} minutes",
            [(item.entry, item.event_id) for item in burst],
        )
