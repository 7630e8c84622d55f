"""Rule: a user opens the record of a patient without an encounter in the user's department."""

from typing import ClassVar

from audit_ledger.detections.alert_suppression import QuietRule
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.settings import NoEncounter
from audit_ledger.detections.staff_directory import Directory

_DAY_MS = 86_400_000


class NoEncounterRule(QuietRule[NoEncounter]):
    """Ignores users without a department in the directory, and patients without a name."""

    name: ClassVar[str] = "no-encounter"

    def not_applicable(self, directory: Directory) -> str | None:
        """Return a reason if there are no encounters, or no users with a department."""
        if not directory.has_encounters:
            return "the directory has no encounters"
        if any(user.department is not None for user in directory.users.values()):
            return None
        return "the directory has no users with a department"

    def judge(self, access: ObservedAccess) -> str | None:
        """Search the patient's encounters for one in the user's department at that time."""
        user, patient = access.user, access.patient
        if not (access.is_access and access.patient_mark and access.has_plausible_time):
            return None
        if user is None or user.department is None or patient is None:
            return None
        if user.department in self.settings.departments or access.purposes & set(
            self.settings.purposes
        ):
            return None
        span_ms = self.settings.days * _DAY_MS
        encounters = access.directory.encounters_of(patient)
        for encounter in encounters:
            ends = encounter.to_ms is None or access.time_ms < encounter.to_ms + span_ms
            begun = encounter.from_ms - span_ms <= access.time_ms
            if encounter.department == user.department and begun and ends:
                return None
        elsewhere = sum(encounter.department != user.department for encounter in encounters)
        return (
            f"no encounter in the user's department within {self.settings.days} days; "
            f"{elsewhere} in others"
        )
