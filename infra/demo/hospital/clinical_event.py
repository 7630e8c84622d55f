"""Events of the hospital, independent of the format in which a portal reports them."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from infra.demo.hospital.population import Encounter, Organisation, Patient, Staff

# Which of the hospital's systems saw it, and so which portal reports it.
System = Literal["ehr", "app", "lab"]

Interaction = Literal["read", "search", "create", "update", "delete", "export", "login", "logout"]

# v3-ActReason: treatment, break the glass, patient request, payment, record management, operations,
# public health
Purpose = Literal["TREAT", "BTG", "PATRQT", "HPAYMT", "RECORDMGT", "HOPERAT", "PUBHLTH"]

# Faults that real senders make, seeded on purpose: accepted by the ledger, and flagged.
Flaw = Literal["display-only-who", "no-requestor", "no-action"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - its zone would only have to be taken off again


@dataclass(frozen=True, slots=True)
class Happening:
    """One access or record event: what an AuditEvent or CloudEvent is then written about.

    `time_ms`: milliseconds since 1970. `actor`: a patient acts through the app; None is a job
    without a user. `patients`: those whose record it concerns; several where a list was opened,
    none for searches across patients and for sessions. `what`: relative reference of the resource.
    `document`: SHA-256 (32 bytes) of a document that was filed, changed or removed, else empty.
    In `lab`, each act on a document (read, create, update, delete) is reported as a record event.
    `refused`: why it was denied; empty where it was allowed. `recipient`: who an export of `ehr`
    went to, where that is not who did it.
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
        """When it happened, as a FHIR instant in UTC with milliseconds."""
        moment = _EPOCH + timedelta(milliseconds=self.time_ms)
        return f"{moment.isoformat(timespec='milliseconds')}Z"

    @property
    def digest(self) -> str:
        """The document's digest as RFC 6920 writes it: `ni:///sha-256;<base64url, no padding>`."""
        return f"ni:///sha-256;{urlsafe_b64encode(self.document).decode().rstrip('=')}"

    @property
    def workstation(self) -> str:
        """The name of the machine that it was done at."""
        if self.actor is None:
            return "scheduler"
        return f"ws-{self.actor.name.lower().replace(' ', '-')}"

    @property
    def entries(self) -> int:
        """How many entries it becomes: one record per patient, or one of the ledger itself."""
        return len(self.patients) or 1
