"""Record events: actor, action, patient, document and its digest."""

from typing import Any

import pytest

from audit_ledger.events import PatientReference, canonical_agent
from tests.builders.audit_event import MRN, patient_entity, r4
from tests.events.enveloped import parsed, refusal

RECORD = {
    "patient": {"reference": "Patient/1", "identifier": {"system": MRN, "value": "7"}},
    "actor": {"reference": "Practitioner/2", "display": "Dr Two"},
    "document": {
        "reference": "DocumentReference/3",
        "digest": "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk",
    },
}


def test_a_record_event_states_patient_actor_and_action() -> None:
    """Patient and actor come from the data, the action from the last word of the type."""
    event = parsed(type="record.prescription.issued", data=RECORD)
    assert event.parts[0].patient == PatientReference("Patient/1", ((MRN, "7"),))
    assert [canonical_agent(agent) for agent in event.agents] == ["reference|Practitioner/2"]
    assert (event.agents[0].is_person, event.agents[0].requestor) == (True, True)
    assert (event.action, event.flags) == ("C", ())


@pytest.mark.parametrize(
    ("type_", "action", "expected", "flags"),
    [
        ("record.created", None, "C", ()),
        ("record.result.filed", None, "C", ()),
        ("record.document.changed", None, "U", ()),
        ("record.updated", None, "U", ()),
        ("record.deleted", None, "D", ()),
        ("record.read", None, "R", ()),
        ("record.archived", None, None, ("record.no-action",)),
        ("record.archived", "E", "E", ()),
        ("record.created", "C", "C", ()),
        ("record.created", "D", "D", ("record.action-differs",)),
        ("record.created", "X", "C", ("record.no-action",)),
        ("record.", None, None, ("record.no-action",)),
    ],
)
def test_the_action_comes_from_the_data_or_else_the_type(
    type_: str, action: str | None, expected: str | None, flags: tuple[str, ...]
) -> None:
    """A difference is flagged; the data is closer to what happened."""
    data = RECORD if action is None else {**RECORD, "action": action}
    event = parsed(type=type_, data=data)
    assert (event.action, event.flags) == (expected, flags)


def test_missing_members_of_a_record_event_are_flagged() -> None:
    """Even an empty record event is stored."""
    lacking = ("record.no-actor", "record.no-digest", "record.no-patient")
    assert parsed(type="record.created", data={}).flags == lacking
    assert parsed(type="record.created").flags == lacking
    assert parsed(type="record.created", data={"document": {}}).flags == lacking
    assert parsed(type="record.created", subject="Patient/1").flags == lacking[:2]


def test_an_audit_event_in_a_record_event_is_parsed_as_such() -> None:
    """The type of the CloudEvent does not change its data."""
    event = parsed(type="record.created", data=r4(entity=[patient_entity("Patient/1")]))
    assert event.parts[0].patient == PatientReference("Patient/1")
    assert (event.action, event.flags) == ("R", ())


@pytest.mark.parametrize(
    "digest",
    [
        "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk",
        "ni://ehr.example/sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk",
        "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk?ct=application/pdf",
        "ni:///sha-256;" + "A" * 43,
    ],
)
def test_digests_are_ni_uris_of_sha_256(digest: str) -> None:
    """RFC 6920's own example, with an authority, with a content type."""
    event = parsed(type="record.created", data={**RECORD, "document": {"digest": digest}})
    assert event.flags == ()


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk",
        "ni:///sha-256;",
        "ni:///sha-256;" + "A" * 42,
        "ni:///sha-256;" + "A" * 44,
        "ni:///sha-256;" + "A" * 43 + "=",
        "ni:///sha-256;" + "A" * 42 + "B",  # nonzero bits after the 256th
        "ni:///sha-256;" + "A" * 42 + "+",
        "ni:///sha-256-128;" + "A" * 22,
        "ni:///sha-512;" + "A" * 43,
        "NI:///sha-256;" + "A" * 43,
        "ni:/sha-256;" + "A" * 43,
        " ni:///sha-256;" + "A" * 43,
        "ni:///sha-256;" + "A" * 43 + "\n",
    ],
)
def test_a_digest_of_another_form_is_rejected(digest: str) -> None:
    """A digest that proves nothing would look valid."""
    data = {**RECORD, "document": {"digest": digest}}
    expected = (422, "value", "CloudEvent.data.document.digest")
    assert refusal(type="record.created", data=data) == expected


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], ""),
        ("x", ""),
        ({"patient": "Patient/1"}, ".patient"),
        ({"patient": {"identifier": "7"}}, ".patient.identifier"),
        ({"actor": [{}]}, ".actor"),
        ({"action": 1}, ".action"),
        ({"document": "x"}, ".document"),
        ({"document": {"digest": 1}}, ".document.digest"),
    ],
)
def test_a_record_event_of_another_shape_is_rejected(data: Any, place: str) -> None:
    """A patient in another shape would be overlooked."""
    status, _, expression = refusal(type="record.created", data=data)
    assert (status, expression) == (422, f"CloudEvent.data{place}")


def test_a_record_event_cannot_be_about_two_patients() -> None:
    """Subject and data must agree; the subject adds a reference to identifiers."""
    expected = (422, "invalid", "CloudEvent.data.patient")
    assert refusal(type="record.created", data=RECORD, subject="Patient/2") == expected
    by_identifier = {**RECORD, "patient": {"identifier": {"system": MRN, "value": "7"}}}
    event = parsed(type="record.created", data=by_identifier, subject="Patient/1")
    assert event.parts[0].patient == PatientReference("Patient/1", ((MRN, "7"),))
