"""A random day of a hospital: rules find what was planted in it, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random

from audit_ledger.detections.detector import Detector, make_rules
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.settings import read_settings
from audit_ledger.detections.staff_directory import Directory
from infra.demo.hospital import (
    ClinicalEvent,
    World,
    break_the_glass,
    clinical_events,
    copied_out,
    curious_colleagues,
    guessed_password,
    world_of,
)
from infra.demo.hospital.population import Patient, Staff
from tests.detections.hospital import directory_of, opened_day, planted
from tests.detections.rules import mark

SEED, EVENTS = 5, 600
SETTINGS = read_settings(
    {
        "self_access": {"portals_for_patients": ["app"]},
        "failed_access": {"failures": 10, "minutes": 10},
        "bulk_access": {"exported_patients": 20, "export_minutes": 60},
    }
)
LACKING = {"consent-denied"}
WORLD = world_of(SEED, EVENTS)


def surname(person: Staff | Patient) -> str:
    return person.name.split()[-1]


@cache
def ordinary() -> tuple[ClinicalEvent, ...]:
    """Return a day without the patterns: no broken glass, no common surnames."""
    day = clinical_events(WORLD, SEED, EVENTS)
    return tuple(
        event
        for event in day
        if event.purpose != "BTG"
        and not (
            isinstance(event.actor, Staff) and surname(event.actor) in map(surname, event.patients)
        )
    )


def findings_of(
    more: list[ClinicalEvent], directory: Directory | None = None
) -> list[DetectionFinding]:
    """Return the findings in the ordinary day with more events."""
    day = sorted([*ordinary(), *more], key=lambda event: event.time_ms)
    detector = Detector(make_rules(SETTINGS), directory or directory_of(WORLD, ordinary()), mark)
    assert directory is not None or set(detector.not_applicable) == LACKING
    return [finding for opened in opened_day(day, SEED) for finding in detector.observe(opened)]


def test_ordinary_day_yields_no_finding() -> None:
    """With every rule but that of consents."""
    assert len(ordinary()) > 500
    assert findings_of([]) == []


def test_finds_a_guessed_password() -> None:
    """Once: ten failures of one account, whatever else fails at that time."""
    attack = planted(WORLD, 3, guessed_password(attempts=25))
    (finding,) = findings_of(attack)
    assert (finding.rule, len(finding.entries)) == ("failed-access", 10)
    actor = attack[0].actor
    assert isinstance(actor, Staff)
    assert finding.who == f"reference|{actor.reference}"


def test_finds_copied_records() -> None:
    """Exports of twenty patients within an hour."""
    (finding,) = findings_of(planted(WORLD, 1, copied_out(patients=40)), Directory())
    assert (finding.rule, len(finding.entries)) == ("bulk-access", 20)
    assert finding.statement == "20 patients exported within 60 minutes"


def test_finds_curious_colleagues() -> None:
    """All whose department does not treat the patient, by name of user and patient."""
    looks = planted(WORLD, 3, curious_colleagues(patient_index=7, viewers=12))
    treated = {
        (patient, event.actor.department)
        for event in ordinary()
        if isinstance(event.actor, Staff) and not event.refused
        for patient in event.patients
    }
    strangers = set()
    for look in looks:
        assert isinstance(look.actor, Staff)
        if (look.patients[0], look.actor.department) not in treated:
            strangers.add(look.actor)
    assert len(strangers) > 3
    findings = [finding for finding in findings_of(looks) if finding.rule == "no-encounter"]
    assert sorted(str(finding.who) for finding in findings) == sorted(
        f"reference|{actor.reference}" for actor in strangers
    )
    (patient,) = {finding.patient for finding in findings}
    assert patient is not None
    assert patient.reference == WORLD.patients[7].reference


def test_finds_a_broken_glass() -> None:
    """Once for four reads; the refusal before it yields none."""
    findings = findings_of(planted(WORLD, 2, break_the_glass(patient_index=3)))
    assert [f.rule for f in findings if f.rule == "break-the-glass"] == ["break-the-glass"]
    assert {f.rule for f in findings} <= {"break-the-glass", "no-encounter"}


def test_finds_an_employee_who_reads_the_own_record() -> None:
    """And a record of the same household."""
    employee = WORLD.staff[4]

    def looks(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
        for number in (10, 11):
            encounter = world.encounters[number]
            patients = (encounter.patient,)
            yield ClinicalEvent(
                time_ms, "ehr", "read", employee, patients, encounter, "Condition/1"
            )
            time_ms += 60_000

    directory = directory_of(WORLD, ordinary(), employees=[(4, 10)])
    rules = [finding.rule for finding in findings_of(planted(WORLD, 5, looks), directory)]
    assert rules.count("self-access") == 1
    assert rules.count("same-household") == 1


def test_finds_a_user_with_the_surname_of_the_patient() -> None:
    """Of two people of this hospital."""
    actor, number = next(
        (person, number)
        for person in WORLD.staff
        for number, patient in enumerate(WORLD.patients)
        if surname(person) == surname(patient)
    )
    encounter = WORLD.encounters[number]
    look = replace(ordinary()[0], time_ms=WORLD.at(4), system="ehr", interaction="read",
                   actor=actor, patients=(encounter.patient,), encounter=encounter,
                   what="Condition/1", refused="", purpose="TREAT", flaw=None)  # fmt: skip
    findings = [finding for finding in findings_of([look]) if finding.rule == "same-surname"]
    assert [finding.who for finding in findings] == [f"reference|{actor.reference}"]


def test_finds_users_who_have_left() -> None:
    """Each who acted after the end of employment, once."""
    noon = WORLD.at(12)
    findings = findings_of([], directory_of(WORLD, ordinary(), left_ms=noon))
    acted = {
        event.actor.id
        for event in ordinary()
        if isinstance(event.actor, Staff) and event.time_ms >= noon
    }
    assert {finding.rule for finding in findings} == {"ended-user"}
    assert len(findings) == len(acted) > 10
