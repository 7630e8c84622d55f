"""Rule: a user opens a record while the user's department is closed."""

from typing import ClassVar

from audit_ledger.detections import settings
from audit_ledger.detections.alert_suppression import SuppressedAlerts, is_news
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.hours import is_open, read_time_zone
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.staff_directory import Directory


class AfterHoursRule(Rule[SuppressedAlerts]):
    """Uses hours and time zone of the department, or else those of the settings."""

    name: ClassVar[str] = "after-hours"
    state_type = SuppressedAlerts

    def __init__(self, own: settings.AfterHours) -> None:
        self.own = own
        self.severity = own.severity
        self.hours = own.default_hours()

    def not_applicable(self, directory: Directory) -> str | None:
        """Return a reason if neither the settings nor any department has hours."""
        known = any(one.hours is not None for one in directory.departments.values())
        if self.hours is not None or (known and directory.users):
            return None
        return "neither settings nor a user's department have opening hours"

    def observe(self, state: SuppressedAlerts, seen: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per user within the quiet hours."""
        if not (seen.is_access and seen.is_staff and seen.has_plausible_time and seen.who_mark):
            return None
        of_user = None if seen.user is None else seen.user.department
        department = None if of_user is None else seen.directory.departments.get(of_user)
        hours, zone = self.hours, self.own.time_zone
        if department is not None:
            hours = self.hours if department.hours is None else department.hours
            zone = department.time_zone or zone
        if hours is None:
            return None
        if is_open(hours, read_time_zone(zone), seen.time_ms, self.own.grace_minutes):
            return None
        if not is_news(state, seen.who_mark, seen, self.own.quiet_hours):
            return None
        return self.found(seen, f"more than {self.own.grace_minutes} minutes out of hours")
