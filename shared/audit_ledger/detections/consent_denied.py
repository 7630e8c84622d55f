"""Rule: a user opens a record although the patient's consent does not (or no longer) permit it."""

import re
from typing import ClassVar, Final, Protocol

from audit_ledger.detections.alert_suppression import QuietRule
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.settings import ConsentDenied
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import AgentDetails

_REASON: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


class Consents(Protocol):
    """Patients' consents as recorded in the ledger before the current entry."""

    def denied(self, patient: PatientReference, agent: AgentDetails, time_ms: int) -> str | None:
        """Return the reason code for denying the access at that time; None if it is permitted."""


class ConsentDeniedRule(QuietRule[ConsentDenied]):
    """Checks the consent to each access by staff; patients may read their own records."""

    name: ClassVar[str] = "consent-denied"

    def __init__(self, settings: ConsentDenied, consents: Consents | None) -> None:
        super().__init__(settings)
        self.consents = consents

    def not_applicable(self, directory: Directory) -> str | None:  # noqa: ARG002 - as of all rules
        """Return a reason if no consents are recorded."""
        return "no consents are recorded" if self.consents is None else None

    def judge(self, access: ObservedAccess) -> str | None:
        """Check the consent as of the access.

        Raise ValueError if the reason is no code, since the finding's statement contains it.
        """
        if self.consents is None or not access.is_timed_staff_access:
            return None
        if access.patient is None or access.actor is None:
            return None
        reason = self.consents.denied(access.patient, access.actor, access.time_ms)
        if reason is None:
            return None
        if not _REASON.fullmatch(reason):
            raise ValueError("consents: reason: expected a code of a-z, 0-9, . and -")
        return f"consent denied: {reason}"
