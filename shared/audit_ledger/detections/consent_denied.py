"""Rule: a user opens a record although the patient's consent does not (or no longer) permit it."""

import re
from typing import ClassVar, Final, Protocol

from audit_ledger.detections import settings
from audit_ledger.detections.alert_suppression import SuppressedAlerts, is_news, pair_key
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import AgentDetails

_REASON: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


class Consents(Protocol):
    """Patients' consents as recorded in the ledger before the current entry."""

    def denied(self, patient: PatientReference, agent: AgentDetails, time_ms: int) -> str | None:
        """Return the reason code for denying the access at that time; None if it is permitted."""


class ConsentDeniedRule(Rule[SuppressedAlerts]):
    """Checks the consent to each access by staff; patients may read their own records."""

    name: ClassVar[str] = "consent-denied"
    state_type = SuppressedAlerts

    def __init__(self, own: settings.ConsentDenied, consents: Consents | None) -> None:
        self.own = own
        self.severity = own.severity
        self.consents = consents

    def not_applicable(self, directory: Directory) -> str | None:  # noqa: ARG002 - as of all rules
        """Return a reason if no consents are recorded."""
        return "no consents are recorded" if self.consents is None else None

    def observe(self, state: SuppressedAlerts, seen: ObservedAccess) -> DetectionFinding | None:
        """Report one finding per user and patient within the quiet hours.

        Raise ValueError if the reason is no code, since the finding's statement contains it.
        """
        if self.consents is None or not seen.is_access or not seen.has_plausible_time:
            return None
        if seen.patient is None or seen.actor is None or not seen.is_staff:
            return None
        reason = self.consents.denied(seen.patient, seen.actor, seen.time_ms)
        if reason is None:
            return None
        if not _REASON.fullmatch(reason):
            raise ValueError("consents: reason: expected a code of a-z, 0-9, . and -")
        if not is_news(state, pair_key(seen), seen, self.own.quiet_hours):
            return None
        return self.found(seen, f"consent denied: {reason}")
