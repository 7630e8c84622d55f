"""A FHIR AuditEvent, R4 or R5: what is indexed of it, and the bytes that its records keep."""

from dataclasses import dataclass
from typing import Final

from audit_ledger.events.agents import read_agents
from audit_ledger.events.elements import object_in, objects_in, text_in
from audit_ledger.events.event import Agent, Event, Part, PatientReference
from audit_ledger.events.fhir_version import Release, declared_release, release_of
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.events.json_document import JsonObject, read_json
from audit_ledger.events.patients import (
    NamedPatient,
    Path,
    contained_in,
    merge,
    patient_named_by,
    patient_of_entity,
)
from audit_ledger.events.rejected import RejectedEvent

MAX_EVENT_BYTES: Final = 256 * 1024
ACTIONS: Final = ("C", "R", "U", "D", "E")


@dataclass(frozen=True)
class Reading:
    """What an AuditEvent says, before it is divided among its patients."""

    release: Release
    time_ms: int
    action: str | None
    patients: tuple[NamedPatient, ...]
    agents: tuple[Agent, ...]
    flags: set[str]


def parse_audit_event(
    body: bytes, fhir_version: str | None = None, place: str = "AuditEvent"
) -> Event:
    """Parse an AuditEvent of at most 256 KB.

    `fhir_version` is the `fhirVersion` of the media type, if any; `place` is where the event stands
    in what was sent. Raises RejectedEvent, and nothing else.
    """
    check_size(body, place)
    reading = read_audit_event(read_json(body, place), fhir_version, place)
    return Event(
        reading.release,
        None,
        reading.time_ms,
        reading.action,
        divide(body, reading.patients),
        reading.agents,
        tuple(sorted(reading.flags)),
    )


def check_size(body: bytes, place: str) -> None:
    """Refuse an event of more than MAX_EVENT_BYTES."""
    if len(body) > MAX_EVENT_BYTES:
        raise RejectedEvent(
            413, "too-long", place, f"at most {MAX_EVENT_BYTES // 1024} KB an event"
        )


def read_audit_event(resource: object, fhir_version: str | None, place: str) -> Reading:
    """Read a decoded AuditEvent."""
    if not isinstance(resource, dict):
        raise RejectedEvent(422, "structure", place, "an AuditEvent resource")
    if resource.get("resourceType") != "AuditEvent":
        raise RejectedEvent(
            422, "not-supported", f"{place}.resourceType", "the resource type AuditEvent"
        )
    flags: set[str] = set()
    release = release_of(resource, declared_release(fhir_version, place), place, flags)
    time_ms = _recorded(resource, place)
    if object_in(resource, "source", place) is None:
        flags.add("fhir.no-source")
    contained = contained_in(resource, place) if "contained" in resource else {}
    agents = read_agents(resource, contained, place, flags)
    patients = _patients(resource, contained, agents, place, flags)
    return Reading(release, time_ms, _action(resource, flags), patients, agents, flags)


def _recorded(resource: JsonObject, place: str) -> int:
    recorded = text_in(resource, "recorded", place)
    if recorded is None:
        raise RejectedEvent(422, "required", f"{place}.recorded", "when the event was recorded")
    try:
        return parse_instant_ms(recorded)
    except ValueError as error:
        raise RejectedEvent(
            422, "value", f"{place}.recorded", f"a FHIR instant, with seconds and zone: {error}"
        ) from None


def _action(resource: JsonObject, flags: set[str]) -> str | None:
    action = resource.get("action")
    if action is None or action in ACTIONS:
        return action
    flags.add("fhir.action")
    return None


def _patients(
    resource: JsonObject,
    contained: dict[str, JsonObject],
    agents: tuple[Agent, ...],
    place: str,
    flags: set[str],
) -> tuple[NamedPatient, ...]:
    """Find whom the event is about.

    An agent who is a patient acts, and is whom the event is about only when it names no patient
    otherwise (who logs in, or reads the own record): then the first such agent, requestors first.
    """
    named: list[tuple[Path, PatientReference]] = []
    if (subject := object_in(resource, "patient", place)) is not None:
        named.append((("patient",), patient_named_by(subject, contained, f"{place}.patient")))
    for index, entity in enumerate(objects_in(resource, "entity", place)):
        patient = patient_of_entity(entity, contained, f"{place}.entity[{index}]", flags)
        if patient is not None:
            named.append((("entity", index), patient))
    if not named:
        named += [((), agent.patient) for agent in agents if agent.patient is not None][:1]
    patients = merge(named, place)
    for one in patients:
        if one.patient.reference is None and not one.patient.identifiers:
            flags.add("patient.unidentified")
    return patients


def divide(body: bytes, patients: tuple[NamedPatient, ...]) -> tuple[Part, ...]:
    """Divide an event among its patients: the bytes as submitted when there is one or none."""
    if len(patients) < 2:
        return (Part(patients[0].patient if patients else None, body),)
    raise RejectedEvent(422, "not-supported", "AuditEvent.entity", "one patient (soon: several)")
