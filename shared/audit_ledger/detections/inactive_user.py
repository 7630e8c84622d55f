"""Rule: an event names a user whose employment has ended, or has not begun."""

from typing import ClassVar

from audit_ledger.detections.alert_suppression import QuietRule
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.settings import EndedUser
from audit_ledger.detections.staff_directory import Directory

_HOUR_MS = 3_600_000


class InactiveUserRule(QuietRule[EndedUser]):
    """Considers every event of such a user, including logins and failures."""

    name: ClassVar[str] = "ended-user"

    def not_applicable(self, directory: Directory) -> str | None:
        """Return a reason if no user has a first or last day."""
        for user in directory.users.values():
            if user.valid_from_ms is not None or user.valid_to_ms is not None:
                return None
        return "the directory has no users with a first or last day"

    def suppression_key(self, access: ObservedAccess) -> str:
        """Return the user."""
        return access.who_mark

    def judge(self, access: ObservedAccess) -> str | None:
        """Compare the time with the user's first and last day, with a grace."""
        user = access.user
        if user is None or not access.has_plausible_time:
            return None
        grace_ms = self.settings.grace_hours * _HOUR_MS
        if user.valid_to_ms is not None and access.time_ms >= user.valid_to_ms + grace_ms:
            statement = "after the user's last day"
        elif user.valid_from_ms is not None and access.time_ms < user.valid_from_ms - grace_ms:
            statement = "before the user's first day"
        else:
            return None
        return f"{statement}{' (it failed)' if access.has_failed else ''}"
