"""Rule: an event names a user whose employment has ended, or has not begun."""

from typing import ClassVar

from audit_ledger.detections import settings
from audit_ledger.detections.alert_suppression import SuppressedAlerts, is_news
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.staff_directory import Directory

_HOUR_MS = 3_600_000


class InactiveUserRule(Rule[SuppressedAlerts]):
    """Considers every event of such a user, including logins and failures."""

    name: ClassVar[str] = "ended-user"
    state_type = SuppressedAlerts

    def __init__(self, own: settings.EndedUser) -> None:
        self.own = own
        self.severity = own.severity

    def not_applicable(self, directory: Directory) -> str | None:
        """Return a reason if no user has a first or last day."""
        for user in directory.users.values():
            if user.valid_from_ms is not None or user.valid_to_ms is not None:
                return None
        return "the directory has no users with a first or last day"

    def observe(self, state: SuppressedAlerts, seen: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per user within the quiet hours."""
        user = seen.user
        if user is None or not seen.has_plausible_time:
            return None
        grace_ms = self.own.grace_hours * _HOUR_MS
        if user.valid_to_ms is not None and seen.time_ms >= user.valid_to_ms + grace_ms:
            statement = "after the user's last day"
        elif user.valid_from_ms is not None and seen.time_ms < user.valid_from_ms - grace_ms:
            statement = "before the user's first day"
        else:
            return None
        if not is_news(state, seen.who_mark, seen, self.own.quiet_hours):
            return None
        return self.found(seen, f"{statement}{' (it failed)' if seen.has_failed else ''}")
