"""Rule: a user opens a record while the user's department is closed."""

from typing import ClassVar

from audit_ledger.detections.alert_suppression import QuietRule
from audit_ledger.detections.hours import is_open, read_time_zone
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.settings import AfterHours
from audit_ledger.detections.staff_directory import Directory


class AfterHoursRule(QuietRule[AfterHours]):
    """Uses hours and time zone of the department, or else those of the settings."""

    name: ClassVar[str] = "after-hours"

    def __init__(self, settings: AfterHours) -> None:
        super().__init__(settings)
        self.hours = settings.default_hours()

    def not_applicable(self, directory: Directory) -> str | None:
        """Return a reason if neither the settings nor any department has hours."""
        has_hours = any(one.hours is not None for one in directory.departments.values())
        if self.hours is not None or (has_hours and directory.users):
            return None
        return "neither settings nor a user's department have opening hours"

    def suppression_key(self, access: ObservedAccess) -> str:
        """Return the user: all accesses of a night are one finding."""
        return access.who_mark

    def judge(self, access: ObservedAccess) -> str | None:
        """Compare the time with the hours of the user's department, or else of the settings."""
        if not (access.is_timed_staff_access and access.who_mark):
            return None
        of_user = None if access.user is None else access.user.department
        department = None if of_user is None else access.directory.departments.get(of_user)
        hours, zone = self.hours, self.settings.time_zone
        if department is not None:
            hours = self.hours if department.hours is None else department.hours
            zone = department.time_zone or zone
        if hours is None:
            return None
        grace_minutes = self.settings.grace_minutes
        if is_open(hours, read_time_zone(zone), access.time_ms, grace_minutes):
            return None
        return f"more than {grace_minutes} minutes out of hours"
