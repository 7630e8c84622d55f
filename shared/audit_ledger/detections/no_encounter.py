"""Rule: a user opens the record of a patient without an encounter in the user's department."""

from typing import ClassVar

from audit_ledger.detections import settings
from audit_ledger.detections.alert_suppression import SuppressedAlerts, is_news, pair_key
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.staff_directory import Directory

_DAY_MS = 86_400_000


class NoEncounterRule(Rule[SuppressedAlerts]):
    """Ignores users without a department in the directory, and patients without a name."""

    name: ClassVar[str] = "no-encounter"
    state_type = SuppressedAlerts

    def __init__(self, own: settings.NoEncounter) -> None:
        self.own = own
        self.severity = own.severity

    def not_applicable(self, directory: Directory) -> str | None:
        """Return a reason if there are no encounters, or no users with a department."""
        if not directory.has_encounters:
            return "the directory has no encounters"
        if any(user.department is not None for user in directory.users.values()):
            return None
        return "the directory has no users with a department"

    def observe(self, state: SuppressedAlerts, seen: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per user and patient within the quiet hours."""
        user, patient = seen.user, seen.patient
        if not (seen.is_access and seen.patient_mark and seen.has_plausible_time):
            return None
        if user is None or user.department is None or patient is None:
            return None
        if user.department in self.own.departments or seen.purposes & set(self.own.purposes):
            return None
        span_ms = self.own.days * _DAY_MS
        encounters = seen.directory.encounters_of(patient)
        for encounter in encounters:
            ends = encounter.to_ms is None or seen.time_ms < encounter.to_ms + span_ms
            begun = encounter.from_ms - span_ms <= seen.time_ms
            if encounter.department == user.department and begun and ends:
                return None
        if not is_news(state, pair_key(seen), seen, self.own.quiet_hours):
            return None
        elsewhere = sum(encounter.department != user.department for encounter in encounters)
        return self.found(
            seen,
            f"no encounter in the user's department within {self.own.days} days; "
            f"{elsewhere} in others",
        )
