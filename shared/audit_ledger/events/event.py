"""What is known of an event once it is parsed. It is private: no repr shows an identifier."""

from dataclasses import dataclass, field
from typing import Literal

from audit_ledger.events.rejected import RejectedEvent

Format = Literal["fhir-r4", "fhir-r5", "cloudevents"]
BundleType = Literal["batch", "transaction", "collection"]


@dataclass(frozen=True)
class PatientReference:
    """How an event names a patient.

    `reference` is normal: `Patient/<id>` (base URL and version left out), or `urn:uuid:…`, or
    another reference as submitted; `identifiers` are (system, value), system "" where absent.
    Both may be empty: a patient is named, but by nothing that could be looked up.
    """

    reference: str | None = field(default=None, repr=False)
    identifiers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Agent:
    """Who did it. `candidates` are canonical identifiers, the best first (see `canonical_agent`).

    `patient` is set when the agent is a patient: their pseudonym must fall with their secret.
    """

    candidates: tuple[str, ...] = field(repr=False)
    requestor: bool
    is_person: bool
    patient: PatientReference | None = None


@dataclass(frozen=True)
class Part:
    """The share of one patient in an event: what its record keeps.

    `resource` holds the bytes as submitted, or with the spans cut out that name other patients;
    `cut` says which elements those were, as FHIRPath, e.g. `AuditEvent.entity[2]`.
    """

    patient: PatientReference | None
    resource: bytes = field(repr=False)
    cut: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """An accepted event. `time_ms`: milliseconds since 1970, None where a CloudEvent has no time.

    `sender_id` is the sender's own id of the event where the format has one (CloudEvents source and
    id). `parts` are one or more; `agents` come requesting persons first; `flags` are sorted codes.
    """

    format: Format
    sender_id: str | None = field(repr=False)
    time_ms: int | None
    action: str | None
    parts: tuple[Part, ...]
    agents: tuple[Agent, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Bundle:
    """A FHIR Bundle: what became of each entry, in request order."""

    type: BundleType
    entries: tuple[Event | RejectedEvent, ...]


@dataclass(frozen=True)
class PatientRule:
    """How a portal tells patients apart: by an identifier system, or by the relative reference."""

    system: str | None = None
    reference: bool = False
