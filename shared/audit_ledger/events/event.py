"""What is known of an event once it is parsed. It is private: no repr shows an identifier."""

from typing import Literal

import msgspec

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.settings.ledger import PatientRuleSettings

Format = Literal["fhir-r4", "fhir-r5", "cloudevents"]
BundleType = Literal["batch", "transaction", "collection"]


class PatientReference(msgspec.Struct, frozen=True, gc=False):
    """How an event names a patient.

    `reference` is in the one form of `patient_reference`: `Patient/<id>`, or
    `https://host/fhir/Patient/<id>` where a server is named; or `urn:uuid:…`, or another reference;
    `identifiers` are (system, value), system "" where absent.
    Both may be empty: a patient is named, but by nothing that could be looked up.
    """

    reference: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Say how many names there are, and none of them."""
        return f"PatientReference({int(self.reference is not None)}+{len(self.identifiers)})"


class Agent(msgspec.Struct, frozen=True, gc=False):
    """Who did it. `candidates` are canonical identifiers, the best first (see `canonical_agent`).

    `patient` is set when the agent is a patient: their pseudonym must fall with their secret.
    """

    candidates: tuple[str, ...]
    requestor: bool
    is_person: bool
    patient: PatientReference | None = None

    def __repr__(self) -> str:
        """Say what kind of agent, and not who."""
        return f"Agent(requestor={self.requestor}, is_person={self.is_person})"


class Part(msgspec.Struct, frozen=True, gc=False):
    """The share of one patient in an event: what its record keeps.

    `resource` holds the bytes as submitted, or with the spans cut out that name other patients;
    `cut` says which elements those were, as FHIRPath, e.g. `AuditEvent.entity[2]`.
    """

    patient: PatientReference | None
    resource: bytes
    cut: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that its record keeps of the event, with the names of what was cut."""
        return len(self.resource) + sum(map(len, self.cut))

    def __repr__(self) -> str:
        """Say how much there is, and nothing of it."""
        return f"Part({self.patient!r}, {len(self.resource)} bytes, {len(self.cut)} cut)"


class Event(msgspec.Struct, frozen=True, gc=False):
    """An accepted event. `time_ms`: milliseconds since 1970, None where a CloudEvent has no time.

    `sender_id` is the sender's own id of the event where the format has one (CloudEvents source and
    id). `parts` are one or more; `agents` come requesting persons first; `flags` are sorted codes.
    """

    format: Format
    sender_id: str | None
    time_ms: int | None
    action: str | None
    parts: tuple[Part, ...]
    agents: tuple[Agent, ...]
    flags: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes that its records keep of it, with the names of what was cut."""
        return sum(part.size for part in self.parts)

    def __repr__(self) -> str:
        """Say what kind of event, and nothing of whom or when."""
        return f"Event({self.format!r}, {self.parts!r}, {self.agents!r}, {self.flags!r})"


class Bundle(msgspec.Struct, frozen=True):
    """A FHIR Bundle: what became of each entry, in request order."""

    type: BundleType
    entries: tuple[Event | RejectedEventError, ...]


class PatientRule(msgspec.Struct, frozen=True):
    """How a portal tells patients apart: by an identifier system, by references, or by both.

    `namespace`: what a relative reference is relative to, without which `Patient/1` could be of
    any server: the declared base URL of the portal's FHIR server, or `portal:<id>` where none is
    declared. None: references do not tell this portal's patients apart.
    """

    system: str | None = None
    namespace: str | None = None


def patient_rule(portal: str, settings: PatientRuleSettings) -> PatientRule:
    """Return the rule of a portal by its settings, whose `base` has the form of `normal_base`."""
    namespace = settings.base or f"portal:{portal}"
    return PatientRule(settings.system, namespace if settings.reference else None)
