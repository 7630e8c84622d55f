"""A seeded hospital's day: nothing is found but what was planted in it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from audit_ledger.detections import DetectionFinding, Detector, Directory, make_rules, read_settings
from infra.demo.hospital import (
    Happening,
    World,
    break_the_glass,
    copied_out,
    curious_colleagues,
    guessed_password,
    happenings_of,
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
def ordinary() -> tuple[Happening, ...]:
    """A day without the patterns: no broken glass, no namesakes."""
    told = happenings_of(WORLD, SEED, EVENTS)
    return tuple(
        happening
        for happening in told
        if happening.purpose != "BTG"
        and not (
            isinstance(happening.actor, Staff)
            and surname(happening.actor) in map(surname, happening.patients)
        )
    )


def found(more: list[Happening], directory: Directory | None = None) -> list[DetectionFinding]:
    """What is found in the ordinary day with more happenings."""
    told = sorted([*ordinary(), *more], key=lambda happening: happening.time_ms)
    known = directory or directory_of(WORLD, ordinary())
    looking = Detector(make_rules(SETTINGS), known, mark)
    assert directory is not None or set(looking.not_applicable) == LACKING
    return [finding for opened in opened_day(told, SEED) for finding in looking.observe(opened)]


def test_an_ordinary_day_has_no_finding() -> None:
    """With every rule at work but that of consents."""
    assert len(ordinary()) > 500
    assert found([]) == []


def test_a_guessed_password_is_found() -> None:
    """Once: ten failures of one account, whatever others fail at that time."""
    attack = planted(WORLD, 3, guessed_password(attempts=25))
    findings = found(attack)
    assert [finding.rule for finding in findings] == ["failed-access"]
    (finding,) = findings
    assert len(finding.entries) == 10
    actor = attack[0].actor
    assert isinstance(actor, Staff)
    assert finding.who == f"reference|{actor.reference}"


def test_nine_failures_are_not() -> None:
    """One fewer than the limit, by who has no other failure that day."""
    attack = planted(WORLD, 3, guessed_password(attempts=9))
    assert found(attack) == []


@pytest.mark.parametrize(("patients", "count"), [(19, 0), (20, 1), (40, 1)])
def test_what_is_copied_out_is_found(patients: int, count: int) -> None:
    """Twenty patients' exports within an hour."""
    theft = planted(WORLD, 1, copied_out(patients=patients))
    findings = found(theft, Directory())
    bulk = [finding for finding in findings if finding.rule == "bulk-access"]
    assert len(bulk) == count
    if bulk:
        assert len(bulk[0].entries) == 20
        assert bulk[0].statement == "20 patients exported within 60 minutes"


def test_curious_colleagues_are_found() -> None:
    """Each whose department does not treat the patient, by name of user and patient."""
    looks = planted(WORLD, 3, curious_colleagues(patient_index=7, viewers=12))
    treated = {
        (patient, happening.actor.department)
        for happening in ordinary()
        if isinstance(happening.actor, Staff) and not happening.refused
        for patient in happening.patients
    }
    strangers = set()
    for look in looks:
        assert isinstance(look.actor, Staff)
        if (look.patients[0], look.actor.department) not in treated:
            strangers.add(look.actor)
    assert len(strangers) > 3
    findings = [finding for finding in found(looks) if finding.rule == "no-encounter"]
    assert sorted(str(finding.who) for finding in findings) == sorted(
        f"reference|{actor.reference}" for actor in strangers
    )
    (patient,) = {finding.patient for finding in findings}
    assert patient is not None
    assert patient.reference == WORLD.patients[7].reference


def test_a_broken_glass_is_found() -> None:
    """Once for four reads; the refusal before it is none."""
    findings = found(planted(WORLD, 2, break_the_glass(patient_index=3)))
    assert [f.rule for f in findings if f.rule == "break-the-glass"] == ["break-the-glass"]
    assert {f.rule for f in findings} <= {"break-the-glass", "no-encounter"}


def test_an_employee_who_looks_at_the_own_record_is_found() -> None:
    """And at the record of who lives in the same household."""
    employee = WORLD.staff[4]

    def looks(world: World, random: Random, time_ms: int) -> Iterator[Happening]:
        for number in (10, 11):
            encounter = world.encounters[number]
            patients = (encounter.patient,)
            yield Happening(time_ms, "ehr", "read", employee, patients, encounter, "Condition/1")
            time_ms += 60_000

    directory = directory_of(WORLD, ordinary(), employees=[(4, 10)])
    rules = [finding.rule for finding in found(planted(WORLD, 5, looks), directory)]
    assert rules.count("self-access") == 1
    assert rules.count("same-household") == 1


def test_namesakes_are_found() -> None:
    """A pair of the world's own people who share a surname, if someone of them looks."""
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
    findings = [finding for finding in found([look]) if finding.rule == "same-surname"]
    assert [finding.who for finding in findings] == [f"reference|{actor.reference}"]


def test_a_user_who_has_left_is_found() -> None:
    """From the moment on at which employment ended: each who then acted, once."""
    noon = WORLD.at(12)
    findings = found([], directory_of(WORLD, ordinary(), left_ms=noon))
    acted = {
        happening.actor.id
        for happening in ordinary()
        if isinstance(happening.actor, Staff) and happening.time_ms >= noon
    }
    assert {finding.rule for finding in findings} == {"ended-user"}
    assert len(findings) == len(acted) > 10
