"""A hospital's day as opened events, and a directory of the same hospital."""

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from audit_ledger.detections.hours import read_hours
from audit_ledger.detections.staff_directory import (
    Department,
    Directory,
    DirectoryEncounter,
    DirectoryPatient,
    User,
)
from audit_ledger.events import (
    Event,
    parse_audit_event,
    parse_bundle,
    parse_cloudevent_binary,
    parse_cloudevent_structured,
    parse_cloudevents_batch,
)
from audit_ledger.events.event_details import read_details
from audit_ledger.records.opened_event import OpenedEvent
from infra.demo.hospital import ClinicalEvent, Submission, World
from infra.demo.hospital.population import Staff
from infra.demo.hospital.portals import submissions_of
from infra.demo.hospital.workflows import Scenario


def opened_day(events: Iterable[ClinicalEvent], seed: int) -> Iterator[OpenedEvent]:
    """Yield the opened events of a day, entry by entry in order of sending."""
    seq = 0
    for sent in submissions_of(events, seed, resent_per_mille=0):
        for event in _events(sent):
            for part in event.parts:
                seq += 1
                yield OpenedEvent(
                    seq=seq,
                    entry_time=sent.sent_ms // 1000 + 1,
                    event_id=f"{seq:064x}",
                    time_ms=event.time_ms or sent.sent_ms,
                    portal=sent.portal,
                    received=str(sent.sent_ms),
                    format=event.format,
                    resource=part.resource,
                    cut=part.cut,
                    flags=event.flags,
                    details=read_details(part.resource, event.format),
                )


def _events(sent: Submission) -> list[Event]:
    version = sent.content_type.rpartition("fhirVersion=")[2]
    if sent.how == "audit-event":
        return [parse_audit_event(sent.body, version)]
    if sent.how == "cloudevent-structured":
        return [parse_cloudevent_structured(sent.body)]
    if sent.how == "cloudevent-binary":
        return [parse_cloudevent_binary(sent.headers, sent.body)]
    batch = parse_cloudevents_batch(sent.body) if sent.how == "cloudevents-batch" else ()
    entries = batch or parse_bundle(sent.body, version).entries
    return [event for event in entries if isinstance(event, Event)]


def planted(world: World, hour: int, scenario: Scenario) -> list[ClinicalEvent]:
    """Return the events of a scenario at an hour."""
    return list(scenario(world, Random(hour), world.at(hour)))


def directory_of(
    world: World,
    ordinary: Sequence[ClinicalEvent],
    *,
    employees: Sequence[tuple[int, int]] = (),
    left_ms: int | None = None,
) -> Directory:
    """Return the hospital's directory: encounters wherever the ordinary day has an access.

    `employees`: (number of the staff, number of the patient) who are one person;
    `left_ms`: when all have left.
    """
    own = {patient: world.staff[staff].id for staff, patient in employees}
    treated = {
        (patient.mrn, event.actor.department)
        for event in ordinary
        if isinstance(event.actor, Staff) and not event.refused
        for patient in event.patients
    }
    departments = sorted({person.department for person in world.staff})
    return Directory(
        [
            User(
                id=person.id,
                names=(f"reference|{person.reference}", f"display|{person.name}"),
                surname=person.name.split()[-1],
                department=person.department,
                valid_to_ms=world.end_ms if left_ms is None else left_ms,
            )
            for person in world.staff
        ],
        [Department(id=one, hours=read_hours(["00:00-24:00"] * 7)) for one in departments],
        [
            DirectoryPatient(
                names=(
                    f"identifier|https://elsewhere.example/mrn|{patient.mrn}",
                    f"reference|{patient.reference}",
                ),
                surname=patient.name.split()[-1],
                household=f"house-{number // 2}",
                employee=own.get(number),
            )
            for number, patient in enumerate(world.patients)
        ],
        [
            DirectoryEncounter(
                patient=f"identifier|https://elsewhere.example/mrn|{mrn}",
                department=department,
                from_ms=world.start_ms,
                to_ms=None,
            )
            for mrn, department in sorted(treated)
        ],
    )
