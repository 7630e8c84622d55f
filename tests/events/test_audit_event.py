"""A single AuditEvent: what it must contain, what is only flagged, what a rejection reveals."""

from typing import Any

import pytest

from audit_ledger.events import MAX_EVENT_BYTES, RejectedEventError, parse_audit_event
from tests.builders.audit_event import encoded, parsed, patient_entity, r4, r5

SECRET = "Jane-Roe-4711"

REFUSED: dict[str, tuple[Any, int, str, str]] = {
    # fault: document, status, issue type, place
    "no object": ([], 422, "structure", "AuditEvent"),
    "a string": (SECRET, 422, "structure", "AuditEvent"),
    "no resource type": (r4(resourceType=None), 422, "not-supported", "AuditEvent.resourceType"),
    "another resource": (
        {"resourceType": "Patient", "id": SECRET},
        422,
        "not-supported",
        "AuditEvent.resourceType",
    ),
    "a resource type of another shape": (
        r4(resourceType=[SECRET]),
        422,
        "not-supported",
        "AuditEvent.resourceType",
    ),
    "no recorded": (r4(recorded=None), 422, "required", "AuditEvent.recorded"),
    "no recorded in R5": (r5(recorded=None), 422, "required", "AuditEvent.recorded"),
    "recorded as a number": (r4(recorded=20261122), 422, "structure", "AuditEvent.recorded"),
    "recorded as a date": (r4(recorded="2026-11-22"), 422, "value", "AuditEvent.recorded"),
    "recorded without zone": (
        r4(recorded="2026-11-22T05:59:00"),
        422,
        "value",
        "AuditEvent.recorded",
    ),
    "recorded as text": (r4(recorded=SECRET), 422, "value", "AuditEvent.recorded"),
    "neither R4 nor R5": (r4(type=None), 422, "required", "AuditEvent"),
    "both R4 and R5": (r4(code={"text": SECRET}), 422, "invalid", "AuditEvent"),
    "agents that are no list": (r4(agent={"who": SECRET}), 422, "structure", "AuditEvent.agent"),
    "an agent that is no object": (
        r4(agent=[{}, SECRET]),
        422,
        "structure",
        "AuditEvent.agent[1]",
    ),
    "a who that is no object": (
        r4(agent=[{}, {"who": SECRET}]),
        422,
        "structure",
        "AuditEvent.agent[1].who",
    ),
    "a requestor that is no boolean": (
        r4(agent=[{"requestor": SECRET}]),
        422,
        "structure",
        "AuditEvent.agent[0].requestor",
    ),
    "a reference that is no string": (
        r4(entity=[{"what": {"reference": 1}}]),
        422,
        "structure",
        "AuditEvent.entity[0].what.reference",
    ),
    "several identifiers where one belongs": (
        r4(entity=[{"what": {"identifier": [{"value": SECRET}]}}]),
        422,
        "structure",
        "AuditEvent.entity[0].what.identifier",
    ),
    "a patient that is no object": (r5(patient=SECRET), 422, "structure", "AuditEvent.patient"),
    "entities that are no list": (r4(entity=SECRET), 422, "structure", "AuditEvent.entity"),
    "a source that is a list": (r4(source=[SECRET]), 422, "structure", "AuditEvent.source"),
    "contained that is no list": (r4(contained={}), 422, "structure", "AuditEvent.contained"),
    "an agent as before R4": (
        r4(agent=[{"userId": {"value": SECRET}}]),
        422,
        "not-supported",
        "AuditEvent.agent[0]",
    ),
    "an entity as before R4": (
        r4(entity=[{}, {"reference": {"reference": f"Patient/{SECRET}"}}]),
        422,
        "not-supported",
        "AuditEvent.entity[1]",
    ),
    "an AuditEvent of DSTU2": (
        {"resourceType": "AuditEvent", "event": {"dateTime": "2012-01-01"}, "object": [SECRET]},
        422,
        "required",
        "AuditEvent",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_rejection_names_the_place_and_quotes_no_content(case: str) -> None:
    """Status, FHIR issue type and FHIRPath; neither message nor outcome quotes the event."""
    document, status, code, place = REFUSED[case]
    with pytest.raises(RejectedEventError) as caught:
        parsed(document)
    rejected = caught.value
    assert (rejected.status, rejected.code, rejected.expression) == (status, code, place)
    assert SECRET not in str(rejected)
    outcome: dict[str, Any] = rejected.operation_outcome()
    assert SECRET not in str(outcome)
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert issue["severity"] == "error"
    assert issue["code"] == code
    assert issue["expression"] == [place]
    assert issue["diagnostics"].startswith("expected ")


def test_the_place_begins_with_the_place_of_the_event() -> None:
    """An event in a Bundle is named by its place there."""
    with pytest.raises(RejectedEventError) as caught:
        parsed(r4(recorded=None), place="Bundle.entry[3].resource")
    assert caught.value.expression == "Bundle.entry[3].resource.recorded"


@pytest.mark.parametrize("version", ["4.0", "4.0.1", "4.3", "4.3.0"])
def test_r4_may_be_declared(version: str) -> None:
    """R4B has R4's AuditEvent. R5 content contradicts it."""
    assert parsed(r4(), fhir_version=version).format == "fhir-r4"
    with pytest.raises(RejectedEventError) as caught:
        parsed(r5(), fhir_version=version)
    assert (caught.value.status, caught.value.code) == (422, "invalid")


@pytest.mark.parametrize("version", ["5.0", "5.0.0"])
def test_r5_may_be_declared(version: str) -> None:
    """R4 content contradicts it."""
    assert parsed(r5(), fhir_version=version).format == "fhir-r5"
    with pytest.raises(RejectedEventError) as caught:
        parsed(r4(), fhir_version=version)
    assert (caught.value.status, caught.value.code) == (422, "invalid")


@pytest.mark.parametrize("version", ["", "3.0", "6.0", "4", "R4", "5.0.1"])
def test_another_declared_release_is_an_unsupported_media_type(version: str) -> None:
    """The status is 415, whatever the content."""
    with pytest.raises(RejectedEventError) as caught:
        parsed(r4(), fhir_version=version)
    assert caught.value.status == 415


def test_a_declared_release_replaces_a_missing_type_or_code() -> None:
    """The media type states the release; the missing element is flagged."""
    event = parsed(r4(type=None), fhir_version="4.0")
    assert (event.format, event.flags) == ("fhir-r4", ("fhir.no-type",))
    event = parsed(r5(code=None), fhir_version="5.0")
    assert (event.format, event.flags) == ("fhir-r5", ("fhir.no-code",))


def test_elements_of_the_other_release_are_flagged() -> None:
    """R4 with severity, R5 with subtype."""
    assert parsed(r4(severity="notice")).flags == ("fhir.mixed-releases",)
    assert parsed(r5(subtype=[{"code": "x"}])).flags == ("fhir.mixed-releases",)


def test_an_event_of_256_kb_is_accepted_and_one_byte_more_is_not() -> None:
    """The larger one is rejected with 413."""
    body = encoded(r4())
    largest = body + b" " * (MAX_EVENT_BYTES - len(body))
    assert parse_audit_event(largest).parts[0].resource == largest
    with pytest.raises(RejectedEventError) as caught:
        parse_audit_event(largest + b" ")
    assert caught.value.status == 413


@pytest.mark.parametrize("indent", [None, 0, 2, 7])
def test_a_part_contains_the_submitted_bytes(indent: int | None) -> None:
    """With all white space, and with numbers and escapes as spelled."""
    body = b" \n" + encoded(r4(entity=[patient_entity("Patient/1", name="M\u00fcller")]), indent)
    body = body.rstrip(b"}") + b', "extension": [{"url": "x", "valueDecimal": 1.500}]}\n\n'
    assert parse_audit_event(body).parts[0].resource == body


@pytest.mark.parametrize(
    ("elements", "flags"),
    [
        ({}, ()),
        ({"agent": None}, ("fhir.no-agent",)),
        ({"agent": []}, ("fhir.no-agent",)),
        ({"source": None}, ("fhir.no-source",)),
        ({"action": None}, ()),
        ({"action": "X"}, ("fhir.action",)),
        ({"action": ["R"]}, ("fhir.action",)),
        ({"agent": [{}]}, ("agent.unidentified",)),
        ({"entity": [{}]}, ()),
        ({"entity": [{"type": 3, "role": "x", "what": None}]}, ()),
        ({"type": "rest"}, ()),
        ({"outcome": {"code": {}}}, ()),
    ],
)
def test_missing_or_invalid_elements_are_accepted_and_flagged(
    elements: dict[str, Any], flags: tuple[str, ...]
) -> None:
    """The base specification requires them; an audit trail can do without."""
    assert parsed(r4() | elements).flags == flags


@pytest.mark.parametrize("action", ["C", "R", "U", "D", "E"])
def test_the_action_is_one_of_five(action: str) -> None:
    """FHIR's audit actions; another action stays in the record and is not indexed."""
    assert parsed(r4(action=action)).action == action
    assert parsed(r4(action=action.lower())).action is None


def test_an_audit_event_has_no_sender_id() -> None:
    """The sending server assigned its `id`; ingest reads the Idempotency-Key."""
    assert parsed(r4(id="a1")).sender_id is None


def test_the_repr_of_an_event_reveals_no_content() -> None:
    """A log that contains it by mistake reveals nothing about anyone."""
    event = parsed(
        r4(
            agent=[{"who": {"reference": f"Patient/{SECRET}"}, "name": SECRET}],
            entity=[patient_entity(f"Patient/{SECRET}", name=SECRET)],
        )
    )
    assert SECRET not in repr(event)
    assert SECRET not in str(event.parts)
    assert SECRET not in f"{event.agents}"
