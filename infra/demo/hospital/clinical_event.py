"""Events of the hospital, independent of the format in which a portal reports them."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from infra.demo.hospital.population import Encounter, Organisation, Patient, Staff

# The hospital's system that recorded the event, and so the portal that reports it.
System = Literal["ehr", "app", "lab"]

Interaction = Literal["read", "search", "create", "update", "delete", "export", "login", "logout"]

# v3-ActReason: treatment, break the glass, patient request, payment, record management, operations,
# public health
Purpose = Literal["TREAT", "BTG", "PATRQT", "HPAYMT", "RECORDMGT", "HOPERAT", "PUBHLTH"]

# Faults that real senders make, seeded on purpose: accepted by the ledger, and flagged.
Flaw = Literal["display-only-who", "no-requestor", "no-action"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - its zone would only have to be taken off again


@dataclass(frozen=True, slots=True)
class ClinicalEvent:
    """One access or record event, from which an AuditEvent or CloudEvent is then written.

    `time_ms`: milliseconds since 1970. `actor`: a patient acts through the app; None is a job
    without a user. `patients`: those whose record it concerns; several if a list was opened,
    none for searches across patients and for sessions. `what`: relative reference of the resource.
    `document`: SHA-256 (32 bytes) of a document that was filed, changed or removed, else empty.
    In `lab`, each operation on a document is reported as a record event. `refused`: the reason of
    a denial; empty if allowed. `recipient`: of an export of `ehr` to somebody else than `actor`.
    """

    time_ms: int
    system: System
    interaction: Interaction
    actor: Staff | Patient | None
    patients: tuple[Patient, ...] = ()
    encounter: Encounter | None = None
    what: str = ""
    query: str = ""
    purpose: Purpose = "TREAT"
    document: bytes = b""
    refused: str = ""
    flaw: Flaw | None = None
    recipient: Organisation | None = None

    @property
    def recorded(self) -> str:
        """The time as a FHIR instant in UTC with milliseconds."""
        moment = _EPOCH + timedelta(milliseconds=self.time_ms)
        return f"{moment.isoformat(timespec='milliseconds')}Z"

    @property
    def digest(self) -> str:
        """The document's digest as RFC 6920 writes it: `ni:///sha-256;<base64url, no padding>`."""
        return f"ni:///sha-256;{urlsafe_b64encode(self.document).decode().rstrip('=')}"

    @property
    def workstation(self) -> str:
        """The name of the actor's machine."""
        if self.actor is None:
            return "scheduler"
        return f"ws-{self.actor.name.lower().replace(' ', '-')}"

    @property
    def entries(self) -> int:
        """The number of its entries: one record per patient, or one of the ledger itself."""
        return len(self.patients) or 1
