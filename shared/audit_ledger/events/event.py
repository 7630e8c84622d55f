"""The types of a parsed event. Their content is private: no repr shows an identifier."""

from typing import Literal

import msgspec

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.settings.ledger import PatientRuleSettings

Format = Literal["fhir-r4", "fhir-r5", "cloudevents"]
BundleType = Literal["batch", "transaction", "collection"]


class ResourceIdentity(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """The reference and identifiers, (system, value) with system "" if absent, of a resource."""

    reference: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them as text: `Patient/1`, then each identifier as `<system>|<value>`."""
        pairs = (f"{system}|{value}" if system else value for system, value in self.identifiers)
        return (*(() if self.reference is None else (self.reference,)), *pairs)


class PatientReference(ResourceIdentity, frozen=True, gc=False):
    """The reference and identifiers by which an event names a patient.

    `reference` is in the normal form of `patient_reference`: `Patient/<id>`, or
    `https://host/fhir/Patient/<id>` if a server is named; or `urn:uuid:…`, or another reference.
    Both may be empty: the event then has a patient who cannot be looked up.
    """


class Agent(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """An agent. `candidates` are canonical identifiers, the best first (see `canonical_agent`).

    `patient` is set if the agent is a patient: erasing their secret must erase the pseudonym too.
    """

    SHOWN = ("requestor", "is_person")
    candidates: tuple[str, ...]
    requestor: bool
    is_person: bool
    patient: PatientReference | None = None


class Part(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """One patient's part of an event, stored in a record.

    `resource` contains the submitted bytes, without the spans that name other patients;
    `cut` lists the elements that were cut, as FHIRPath, e.g. `AuditEvent.entity[2]`.
    """

    patient: PatientReference | None
    resource: bytes
    cut: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of the event in its record, with the paths of the cut elements."""
        return len(self.resource) + sum(map(len, self.cut))


class Event(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """An accepted event. `time_ms`: milliseconds since 1970, None if a CloudEvent has no time.

    `sender_id` is the sender's id of the event if the format has one (CloudEvents source and id).
    `parts` has at least one element; `agents` lists requesting persons first; `flags` are sorted.
    """

    SHOWN = ("format", "flags")
    format: Format
    sender_id: str | None
    time_ms: int | None
    action: str | None
    parts: tuple[Part, ...]
    agents: tuple[Agent, ...]
    flags: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of the event in all its records, with the paths of the cut elements."""
        return sum(part.size for part in self.parts)


class Bundle(msgspec.Struct, frozen=True):
    """A FHIR Bundle: the outcome of each entry, in request order."""

    type: BundleType
    entries: tuple[Event | RejectedEventError, ...]


class PatientRule(msgspec.Struct, frozen=True):
    """How a portal identifies patients: by an identifier system, by references, or by both.

    `namespace` is the base of relative references, since `Patient/1` alone could be on any server:
    the declared base URL of the portal's FHIR server, or `portal:<id>` if none is declared. None:
    references do not identify this portal's patients.
    """

    system: str | None = None
    namespace: str | None = None


def patient_rule(portal: str, settings: PatientRuleSettings) -> PatientRule:
    """Return the rule of a portal from its settings, whose `base` has the form of `normal_base`."""
    namespace = settings.base or f"portal:{portal}"
    return PatientRule(settings.system, namespace if settings.reference else None)
