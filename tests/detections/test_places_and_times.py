"""Encounters, hours, days of employment and consent: found beyond their bounds only."""

from typing import Any

import pytest

from audit_ledger.detections.hours import is_open, read_hours, read_time_zone
from audit_ledger.detections.staff_directory import Department, Directory, DirectoryEncounter
from audit_ledger.errors import FormatError
from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import AgentDetails
from tests.detections.rules import (
    DAY,
    HOUR,
    MINUTE,
    MORNING,
    access,
    at,
    entries,
    findings_of,
    only,
    patient,
    statement_of,
    user,
)

ENCOUNTER = only(no_encounter={"days": 7, "quiet_hours": 0, "departments": ["billing"]})


def treated(
    to_ms: int | None = MORNING + DAY, *, named: str = "reference|Patient/p1", dept: str = "ward"
) -> Directory:
    """Return a directory with a patient in a department from MORNING on."""
    return Directory(
        [user("u1", department="ward"), user("u2", department="billing"), user("u3")],
        patients=[patient("p1"), patient("p2")],
        encounters=[
            DirectoryEncounter(patient=named, department=dept, from_ms=MORNING, to_ms=to_ms)
        ],
    )


@pytest.mark.parametrize(
    ("later", "is_found"),
    [
        (-7 * DAY - 1000, True),
        (-7 * DAY, False),
        (0, False),
        (8 * DAY - 1000, False),
        (8 * DAY, True),
    ],
)
def test_encounter_covers_days_before_and_after(later: int, is_found: bool) -> None:
    """At its first and last moment."""
    findings = findings_of([access(time_ms=MORNING + later)], ENCOUNTER, treated())
    assert len(findings) == is_found


def test_encounter_may_be_ongoing() -> None:
    """It has no end yet."""
    assert findings_of([access(time_ms=MORNING + 400 * DAY)], ENCOUNTER, treated(None)) == []


@pytest.mark.parametrize(
    ("user_id", "patient_id", "dept", "statement"),
    [
        ("u1", "p1", "ward", None),
        ("u1", "p1", "er", "no encounter in the user's department within 7 days; 1 in others"),
        ("u1", "p2", "ward", "no encounter in the user's department within 7 days; 0 in others"),
        ("u2", "p2", "ward", None),
        ("u3", "p2", "ward", None),
        ("u9", "p2", "ward", None),
        ("u1", None, "ward", None),
    ],
)
def test_requires_encounters_of_users_with_a_department(
    user_id: str, patient_id: str | None, dept: str, statement: str | None
) -> None:
    """Except of exempt departments."""
    assert (
        statement_of(findings_of([access(user_id, patient_id)], ENCOUNTER, treated(dept=dept)))
        == statement
    )


def test_encounter_may_use_another_name_of_the_patient() -> None:
    """If the directory has both names."""
    one = patient("p1")
    both = type(one)(names=(*one.names, "identifier|urn:mrn|7"))
    encounter = DirectoryEncounter(
        patient="identifier|urn:mrn|7", department="ward", from_ms=MORNING, to_ms=None
    )
    directory = Directory([user(department="ward")], patients=[both], encounters=[encounter])
    assert findings_of([access()], ENCOUNTER, directory) == []
    without = Directory([user(department="ward")], encounters=[encounter])
    assert entries(findings_of([access()], ENCOUNTER, without)) == [(1,)]


OFFICE = ["08:00-12:00;13:00-17:00"] * 5 + ["closed"] * 2


@pytest.mark.parametrize(
    ("time", "is_in"),
    [
        ("2026-11-23 07:29", False),
        ("2026-11-23 07:30", True),
        ("2026-11-23 12:30", True),
        ("2026-11-23 17:29", True),
        ("2026-11-23 17:30", False),
        ("2026-11-28 10:00", False),
    ],
)
def test_hours_have_a_grace_before_and_after(time: str, is_in: bool) -> None:
    """Of half an hour; closed on Saturday."""
    assert is_open(read_hours(OFFICE), read_time_zone("UTC"), at(time), 30) is is_in
    settings = only(after_hours={"hours": OFFICE})
    assert len(findings_of([access(time_ms=at(time))], settings)) == (not is_in)


@pytest.mark.parametrize(
    ("time", "is_in"),
    [
        ("2026-11-22 21:59", False),
        ("2026-11-22 22:00", True),  # Sunday night, which ends on Monday
        ("2026-11-23 05:59", True),
        ("2026-11-23 06:00", False),
    ],
)
def test_hours_may_end_on_the_next_day(time: str, is_in: bool) -> None:
    """Also over the end of the week."""
    nights = read_hours(["22:00-06:00"] * 7)
    assert is_open(nights, read_time_zone("UTC"), at(time), 0) is is_in


def test_grace_extends_over_the_end_of_the_week() -> None:
    """Before Monday 00:00, Sunday 23:45 is within 15 minutes."""
    monday = read_hours(["00:00-24:00"] + ["closed"] * 6)
    zone = read_time_zone("UTC")
    assert is_open(monday, zone, at("2026-11-22 23:45"), 15)
    assert not is_open(monday, zone, at("2026-11-22 23:44"), 15)


@pytest.mark.parametrize(
    ("time", "is_found"),
    [
        ("2026-07-06 06:00", False),  # summer: 08:00 in Vienna
        ("2026-11-23 06:00", True),  # winter: 07:00
        ("2026-11-23 07:00", False),
    ],
)
def test_hours_are_in_the_time_zone_of_the_department(time: str, is_found: bool) -> None:
    """With summer time."""
    ward = Department(id="ward", hours=read_hours(OFFICE), time_zone="Europe/Vienna")
    directory = Directory([user(department="ward")], [ward])
    settings = only(after_hours={"grace_minutes": 0})
    assert len(findings_of([access(time_ms=at(time))], settings, directory)) == is_found


def test_after_hours_concerns_staff_only() -> None:
    """Not patients and relatives; a night is one finding."""
    night = at("2026-11-23 02:00")
    events = [
        access(time_ms=night, who={"reference": "Patient/p1"}),
        access(time_ms=night, who={"reference": "RelatedPerson/r1"}),
        access(time_ms=night, outcome="4"),
        access(time_ms=night + MINUTE),
        access(patient="p2", time_ms=night + HOUR),
    ]
    assert entries(findings_of(events, only(after_hours={"hours": OFFICE}))) == [(4,)]


@pytest.mark.parametrize(
    ("time_ms", "statement"),
    [
        (MORNING - 1000, "before the user's first day"),
        (MORNING, None),
        (MORNING + DAY - 1000, None),
        (MORNING + DAY, "after the user's last day"),
    ],
)
def test_user_may_act_from_the_first_to_the_last_day(time_ms: int, statement: str | None) -> None:
    """With a grace, if settings state one."""
    directory = Directory([user(valid_from_ms=MORNING, valid_to_ms=MORNING + DAY)])
    assert (
        statement_of(findings_of([access(time_ms=time_ms)], only(ended_user={}), directory))
        == statement
    )
    later = findings_of([access(time_ms=time_ms)], only(ended_user={"grace_hours": 1}), directory)
    assert later == []


def test_failures_of_inactive_users_are_reported() -> None:
    """Also a login, which is about no patient."""
    directory = Directory([user(valid_to_ms=MORNING)])
    login = access(patient=None, outcome="8", type={"code": "110114"})
    (finding,) = findings_of([login], only(ended_user={}), directory)
    assert finding.statement == "after the user's last day (it failed)"
    assert finding.patient is None


class Revoked:
    """Consents of one patient, revoked at MORNING."""

    def denied(self, patient: PatientReference, agent: AgentDetails, time_ms: int) -> str | None:
        is_one = patient.reference == "Patient/p1" and "u9" not in str(agent.agent.candidates)
        return "revoked" if is_one and time_ms >= MORNING else None


def test_reports_access_after_consent_was_revoked() -> None:
    """Not earlier, not of another patient, not by users whom the consent still permits."""
    events = [
        access(time_ms=MORNING - 1000),
        access(time_ms=MORNING),
        access(patient="p2", time_ms=MORNING + 1000),
        access("u9", time_ms=MORNING + 2000),
        access("u2", time_ms=MORNING + 3000, outcome="4"),
        access(time_ms=MORNING + 4000, who={"reference": "Patient/p1"}),
        access("u2", time_ms=MORNING + 5000),
    ]
    findings = findings_of(events, only(consent_denied={}), consents=Revoked())
    assert entries(findings) == [(2,), (7,)]
    assert findings[0].statement == "consent denied: revoked"


def test_reason_that_is_no_code_is_an_error() -> None:
    """The statement would contain it."""

    class WithText:
        def denied(self, patient: Any, agent: Any, time_ms: int) -> str | None:
            return "Jane said no"

    with pytest.raises(ValueError, match="expected a code") as raised:
        findings_of([access()], only(consent_denied={}), consents=WithText())
    assert "Jane" not in str(raised.value)


@pytest.mark.parametrize("time_ms", [1000, MORNING + DAY + 2000, -62_135_596_800_000])
def test_event_with_implausible_time_yields_no_finding(time_ms: int) -> None:
    """Before 1970, or more than a day after the entry."""
    event = access(time_ms=MORNING)
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    wrong = type(event)(**fields | {"time_ms": time_ms})
    settings = only(
        after_hours={"hours": ["closed"] * 7}, no_encounter={}, ended_user={}, consent_denied={}
    )
    directory = Directory(
        [user(department="ward", valid_from_ms=MORNING + DAY)],
        encounters=treated(dept="er").encounters_of(PatientReference("Patient/p1")),
    )
    assert findings_of([wrong], settings, directory, Revoked()) == []
    assert len(findings_of([event], settings, directory, Revoked())) == 4


@pytest.mark.parametrize(
    "day", ["", "8:00-12:00", "08:00-24:01", "08:00-08:00", "08:00", "25:00-26:00", "Closed", ";"]
)
def test_rejects_malformed_hours(day: str) -> None:
    """The message contains the weekday only."""
    days = ["closed"] * 7
    days[3] = day
    with pytest.raises(FormatError, match=r"^thursday: closed, or hours like .* expected$"):
        read_hours(days)


@pytest.mark.parametrize("name", ["Nowhere/Town", "", "/etc/passwd", "../UTC", "a\0b", "x" * 5000])
def test_rejects_unknown_time_zones(name: str) -> None:
    """With the same message for every name."""
    with pytest.raises(FormatError, match=r"^time zone: a name of the IANA database expected$"):
        read_time_zone(name)
