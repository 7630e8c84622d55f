"""Self-access, same household and same surname."""

import json
from typing import Any

import pytest

from audit_ledger.detections.staff_directory import Directory
from audit_ledger.detections.surnames import is_same, of_display, of_surname
from tests.builders.audit_event import PATIENT_ROLE, r5
from tests.builders.cloudevent import cloudevent
from tests.builders.opened_event import opened
from tests.detections.rules import (
    HOUR,
    MORNING,
    access,
    entries,
    findings_of,
    only,
    patient,
    statement_of,
    user,
)

SELF, SURNAME, HOUSEHOLD = (
    only(self_access={}),
    only(same_surname={}),
    only(same_household={}),
)
STAFF = Directory(
    [user("u1", surname="Roe"), user("u2", surname="Müller")],
    patients=[patient("p1", surname="Doe", employee="u1"), patient("p2", surname="ROE")],
)


def test_finds_an_employee_in_the_own_record() -> None:
    """By the directory; others may open it, and the employee may open other records."""
    events = [access("u2", "p1"), access("u1", "p2"), access("u1", "p1", MORNING + HOUR)]
    (finding,) = findings_of(events, SELF, STAFF)
    assert (finding.rule, finding.severity, finding.entries) == ("self-access", "medium", (3,))
    assert finding.who == "reference|Practitioner/u1"
    assert finding.patient is not None
    assert finding.patient.reference == "Patient/p1"
    assert finding.time_ms == MORNING + HOUR
    assert finding.ledger_time == (MORNING + HOUR) // 1000 + 1


def test_finds_an_agent_who_is_the_patient() -> None:
    """By reference, or by an identifier that both have."""
    as_patient = access(who={"reference": "https://ehr.example/Patient/p1"})
    identifier = {"system": "urn:ssn", "value": "7"}
    by_number = access(
        patient=None,
        who={"reference": "Practitioner/u9", "identifier": identifier},
        entities=[{"what": {"identifier": identifier}, "role": PATIENT_ROLE}],
    )
    other = access(who={"reference": "Patient/p2"})
    events = [as_patient, by_number, other]
    assert entries(findings_of(events, SELF)) == [(2,)]  # a patient, who may
    elsewhere = only(self_access={"portals_for_patients": ["app"]})
    assert entries(findings_of(events, elsewhere)) == [(1,), (2,)]


DEVICE = {"who": {"reference": "Device/d"}, "requestor": True}
ONE, OTHER = (
    {"who": {"reference": "Practitioner/u1"}},
    {"who": {"reference": "Practitioner/u2"}},
)


@pytest.mark.parametrize(
    ("agents", "is_u1"),
    [
        ([DEVICE, {**OTHER, "requestor": False}, {**ONE, "requestor": True}], True),
        ([DEVICE, {**ONE, "requestor": False}, {**OTHER, "requestor": True}], False),
        ([DEVICE, ONE, OTHER], True),
        ([DEVICE, OTHER, ONE], False),
        ([DEVICE], False),
    ],
)
def test_user_is_the_requesting_person(agents: list[Any], is_u1: bool) -> None:
    """Else the first person; never a device."""
    event = access("u9", "p1")
    document = json.loads(event.resource) | {"agent": agents}
    assert len(findings_of([opened(document, time_ms=MORNING)], SELF, STAFF)) == is_u1


@pytest.mark.parametrize(
    ("event", "settings"),
    [
        (access(who={"reference": "Patient/p1"}, purpose={"coding": [{"code": "PATRQT"}]}), {}),
        (access(who={"reference": "Patient/p1"}), {}),
        (access(who={"reference": "Patient/p1"}, portal="app"), {"portals_for_patients": ["app"]}),
        (access(patient=None, who={"reference": "Patient/p1"}, type={"code": "110114"}), {}),
        (access("u1", "p1", outcome="4"), {}),
    ],
)
def test_patient_may_read_the_own_record(event: Any, settings: dict[str, Any]) -> None:
    """In portals and for purposes of patients; a login or a failure is no access."""
    assert findings_of([event], only(self_access=settings), STAFF) == []


@pytest.mark.parametrize(("hours", "expected"), [(24, [(1,), (4,)]), (0, [(1,), (2,), (3,), (4,)])])
def test_quiet_hours_suppress_further_findings(hours: int, expected: list[tuple[int, ...]]) -> None:
    """To the millisecond."""
    times = [0, 1, 24 * HOUR - 1, 24 * HOUR]
    events = [access("u1", "p1", MORNING + later) for later in times]
    assert entries(findings_of(events, only(self_access={"quiet_hours": hours}), STAFF)) == expected


@pytest.mark.parametrize(
    ("user_id", "patient_id", "statement"),
    [
        ("u1", "p2", "user and patient are of one household"),
        ("u2", "p3", "the user is a contact of the patient"),
        ("u1", "p1", None),
        ("u1", "p3", None),
        ("u2", "p2", None),
        ("u1", "p4", None),
        ("u9", "p2", None),
    ],
)
def test_finds_household_members_and_contacts(
    user_id: str, patient_id: str, statement: str | None
) -> None:
    """Own records belong to another rule."""
    directory = Directory(
        [user("u1"), user("u2")],
        patients=[
            patient("p1", employee="u1", household="h1"),
            patient("p2", household="h1"),
            patient("p3", household="h3", contacts=("u2",)),
            patient("p4"),
        ],
    )
    assert (
        statement_of(findings_of([access(user_id, patient_id)], HOUSEHOLD, directory)) == statement
    )


def test_finds_the_same_surname_of_another_person() -> None:
    """By the directory, regardless of case."""
    directory = Directory(
        [user("u1", surname="Roe")],
        patients=[
            patient("p1", surname="Roe", employee="u1"),
            patient("p2", surname="ROE"),
            patient("p3", surname="Rowe"),
        ],
    )
    events = [access("u1", "p1"), access("u1", "p3"), access("u1", "p2"), access("u9", "p2")]
    assert entries(findings_of(events, SURNAME, directory)) == [(3,)]
    assert findings_of(events, only(same_surname={"frequent": ["Roe"]}), directory) == []


def test_own_record_is_no_finding_of_surnames() -> None:
    """Agent and patient share an identifier."""
    identifier = {"system": "urn:ssn", "value": "7"}
    event = access(
        patient=None,
        who={"reference": "Practitioner/u9", "identifier": identifier, "display": "Jane Roe"},
        entities=[
            {"what": {"identifier": identifier}, "name": "Jane Roe", "role": PATIENT_ROLE},
        ],
    )
    assert findings_of([event], SURNAME) == []
    assert entries(findings_of([event], SELF)) == [(1,)]


def named(user_name: str, patient_name: str) -> Any:
    return access(
        patient=None,
        who={"reference": "Practitioner/u1", "display": user_name},
        entities=[
            {"what": {"reference": "Patient/p9"}, "name": patient_name, "role": PATIENT_ROLE}
        ],
    )


def test_compares_surnames_in_display_names() -> None:
    """If the directory contains neither."""
    events = [named("Dr Jane Roe", "Roe, Richard"), named("Jane Roe", "Roe Richard")]
    assert entries(findings_of(events, SURNAME)) == [(1,)]


def test_compares_surnames_in_other_formats() -> None:
    """R5's `patient`, and a record event."""
    patient = {"reference": "Patient/1", "display": "B Roe"}
    user = {"reference": "Practitioner/1", "display": "A Roe"}
    actor = {"reference": "Practitioner/2", "display": "C Roe"}
    audit_event = r5(agent=[{"who": user, "requestor": True}], patient=patient)
    record = cloudevent(type="record.result.read", data={"patient": patient, "actor": actor})
    events = [opened(audit_event, time_ms=MORNING), opened(record, time_ms=MORNING)]
    assert entries(findings_of(events, SURNAME)) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (of_surname("Roe"), of_surname("roe"), True),
        (of_surname("Müller"), of_surname("MULLER"), True),
        (of_surname("O'Neil"), of_surname("ONeil"), True),
        (of_surname("Roe"), of_surname("Roe Doe"), False),
        (of_surname("Roe-Doe"), of_surname("Doe"), False),
        (of_display("Jane van der Berg"), of_surname("van der Berg"), True),
        (of_display("van der Berg, Jane"), of_surname("van der Berg"), True),
        (of_display("Jane van der Berg"), of_surname("der Roe"), False),
        (of_display("Anh Do"), of_display("Minh Do"), True),
        (of_display("Anh Do"), of_surname("Do"), True),
        (of_display("Jane Roe, DO"), of_surname("Do"), False),
        (of_display("Jane Roe, DO"), of_display("Dr. John Roe"), True),
        (of_display("Jane Roe MD"), of_display("Prof. Dr. Roe, John"), True),
        (of_display("Jane Roe (Nurse)"), of_surname("Nurse"), False),
        (of_display("Jane Roe (Nurse)"), of_surname("Roe"), True),
        (of_display("Doe Jane [Ward 3]"), of_surname("Ward"), False),
        (of_display("अनिल शर्मा"), of_display("राजेश शर्मा"), True),
        (of_display("अनिल शर्मा"), of_display("राजेश वर्मा"), False),
        (of_display("สมชาย ใจดี"), of_display("สมหญิง มีดี"), False),
        (of_display("Jane Roe-Doe"), of_display("John Doe"), False),
        (of_display("Dr. Jane Roe, MD"), of_display("Roe, John Jr."), True),
        (of_display("Roe Jane"), of_display("Roe John"), False),
    ],
)
def test_compares_surnames(one: Any, other: Any, same: bool) -> None:
    """In both directions."""
    assert is_same(one, other) is same
    assert is_same(other, one) is same


@pytest.mark.parametrize("text", ["", "  ", "123", "Dr"])
def test_text_without_letters_is_no_surname(text: str) -> None:
    """It equals none."""
    assert of_surname(text) is None
    assert of_display(text) is None
