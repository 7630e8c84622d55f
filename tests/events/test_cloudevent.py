"""CloudEvents in JSON: envelope, data, batches; AuditEvents inside of them."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events import (
    Event,
    PatientReference,
    RejectedEventError,
    parse_audit_event,
    parse_cloudevent_structured,
    parse_cloudevents_batch,
)
from audit_ledger.events.batch import MAX_EVENTS
from tests.builders.audit_event import MRN, audit_event_samples, encoded, patient_entity, r4, r5
from tests.events.enveloped import envelope, parsed, refusal

FHIR = "application/fhir+json"


def test_an_audit_event_inside_says_what_it_would_say_alone(shared_dir: Path) -> None:
    """Every sample: the same patient, agents, action, time and flags; the record is all of it."""
    for path in audit_event_samples(shared_dir):
        alone = parse_audit_event(path.read_bytes())
        body = b'{"specversion":"1.0","id":"1","source":"s","type":"t","data": %s}' % (
            path.read_bytes()
        )
        inside = parse_cloudevent_structured(body)
        assert inside.parts[0].patient == alone.parts[0].patient, path.name
        assert inside.parts[0].resource == body, path.name
        assert (inside.agents, inside.action, inside.time_ms, inside.flags) == (
            alone.agents,
            alone.action,
            alone.time_ms,
            alone.flags,
        )


def test_the_time_is_the_audit_event_s_own_or_the_envelope_s_or_none() -> None:
    """In that order. Without any the caller takes the time of receipt, and it is flagged."""
    assert parsed(data=r4(recorded="2020-01-01T00:00:00Z")).time_ms == 1577836800000
    assert parsed(type="record.created", data={}).time_ms == 1795327140500
    event = parsed(time=None)
    assert event.time_ms is None
    assert "cloudevents.no-time" in event.flags


def test_the_sender_s_id_is_source_and_id_told_apart() -> None:
    """No two pairs of source and id give the same."""
    pairs = [("a", "b"), ("a:b", "c"), ("a", "b:c"), ("1:a", "b"), ("é", "x"), ("a\nb", "c")]
    ids = {parsed(source=source, id=id_).sender_id for source, id_ in pairs}
    assert len(ids) == len(pairs)
    assert parsed().sender_id == "7:urn:ehr:a-1"
    assert parsed(data=r4()).sender_id == parsed(data=r5(), type="x").sender_id


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("value", [None, ""])
def test_required_attributes_are_required(name: str, value: Any) -> None:
    """Absent, empty, or null."""
    assert refusal(**{name: value}) == (422, "required", f"CloudEvent.{name}")
    body = encoded({**envelope(), name: None})
    with pytest.raises(RejectedEventError, match=f"CloudEvent.{name}"):
        parse_cloudevent_structured(body)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"specversion": "0.3"}, (422, "not-supported", "CloudEvent.specversion")),
        ({"specversion": "1.0.1"}, (422, "not-supported", "CloudEvent.specversion")),
        ({"specversion": 1.0}, (422, "structure", "CloudEvent.specversion")),
        ({"id": 7}, (422, "structure", "CloudEvent.id")),
        ({"time": "yesterday"}, (422, "value", "CloudEvent.time")),
        ({"time": "2026-11-22"}, (422, "value", "CloudEvent.time")),
        ({"time": 1}, (422, "structure", "CloudEvent.time")),
        ({"data": {}, "data_base64": "e30="}, (422, "invalid", "CloudEvent")),
        ({"data_base64": "not base64"}, (422, "value", "CloudEvent.data_base64")),
        ({"data_base64": "é"}, (422, "value", "CloudEvent.data_base64")),
        ({"data_base64": 1}, (422, "structure", "CloudEvent.data_base64")),
        ({"data": {"resourceType": "Bundle"}}, (422, "not-supported", "CloudEvent.data")),
        ({"data": r4(recorded=None)}, (422, "required", "CloudEvent.data.recorded")),
        ({"data": r4(agent={})}, (422, "structure", "CloudEvent.data.agent")),
        (
            {"data": "<AuditEvent/>", "datacontenttype": "application/fhir+xml"},
            (415, "not-supported", "CloudEvent.data"),
        ),
        (
            {"data_base64": "PA==", "datacontenttype": "application/fhir+xml"},
            (415, "not-supported", "CloudEvent.data_base64"),
        ),
        (
            {"data": r4(), "datacontenttype": f"{FHIR}; fhirVersion=5.0"},
            (422, "invalid", "CloudEvent.data"),
        ),
        (
            {"data": r4(), "datacontenttype": f'{FHIR};FHIRVERSION="3.0"'},
            (415, "not-supported", "CloudEvent.data"),
        ),
        (
            {"data_base64": b64encode(b"{").decode(), "datacontenttype": FHIR},
            (400, "structure", "CloudEvent.data_base64"),
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place(
    attributes: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    """Status, FHIR issue type and place."""
    assert refusal(**attributes) == expected


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"x"', b"7", b"{", b'{"id":"1","id":"2"}', b"[" * 10**5]
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    """400 or 422, and nothing else."""
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevent_structured(body)
    assert caught.value.status in (400, 422)


def test_an_event_over_256_kb_is_refused() -> None:
    """With 413."""
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevent_structured(encoded(envelope(data="x" * 256 * 1024)))
    assert caught.value.status == 413


def test_data_in_base64_is_read_where_its_type_says_json() -> None:
    """A FHIR AuditEvent packed by a binary-minded SDK."""
    packed = b64encode(encoded(r5(patient={"reference": "Patient/1"}))).decode()
    event = parsed(data_base64=packed, datacontenttype=f"{FHIR}; fhirVersion=5.0")
    assert event.parts[0].patient == PatientReference("Patient/1")
    assert event.agents != ()


def test_packed_data_of_several_patients_is_refused() -> None:
    """Nobody can cut spans out of base64."""
    packed = encoded(r4(entity=[patient_entity("Patient/1"), patient_entity("Patient/2")]))
    attributes = {"data_base64": b64encode(packed).decode(), "datacontenttype": FHIR}
    assert refusal(**attributes) == (422, "not-supported", "CloudEvent.data_base64")


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"data": None},
        {"data": {"some": "thing"}},
        {"data": [1, 2]},
        {"data": "text", "datacontenttype": "text/plain"},
        {"data": {"resourceType": "AuditEvent"}, "datacontenttype": "text/plain"},
        {"data": "<x/>", "datacontenttype": "application/xml"},
        {"data_base64": "AAECAw=="},
        {"data_base64": b64encode(b'{"resourceType":"AuditEvent"}').decode()},
        {"data": {"resourceType": "Observation"}},
    ],
)
def test_other_data_is_kept_unread_and_flagged(attributes: dict[str, Any]) -> None:
    """It may be about anyone; only the subject can say whom."""
    event = parsed(**attributes)
    assert event.flags == ("cloudevents.opaque-data",)
    assert event.parts[0].patient is None
    event = parsed(**attributes, subject="https://ehr.example/Patient/1/_history/2")
    assert event.parts[0].patient == PatientReference("https://ehr.example/Patient/1")


@pytest.mark.parametrize("subject", ["Observation/1", "patient 7", "", "Patient", "Patient?x=1"])
def test_a_subject_that_is_no_reference_to_a_patient_names_none(subject: str) -> None:
    """CloudEvents' subject is whatever a sender finds useful."""
    assert parsed(subject=subject).parts[0].patient is None


def test_a_subject_is_the_data_s_patient_where_that_has_no_other_reference() -> None:
    """Once named by reference and once by identifier: one patient, nothing cut."""
    named = {"what": {"identifier": {"system": MRN, "value": "7"}}, "role": {"code": "1"}}
    event = parsed(subject="Patient/1", data=r4(entity=[named]))
    (part,) = event.parts
    assert part.patient == PatientReference("Patient/1", ((MRN, "7"),))
    unnamed = parsed(subject="Patient/1", data=r4(entity=[patient_entity(name="x")]))
    assert [part.patient for part in unnamed.parts] == [PatientReference("Patient/1")]


def test_a_subject_that_is_another_patient_has_a_part_of_its_own() -> None:
    """And is cut from the part of the data's patient."""
    event = parsed(subject="Patient/other-9", data=r4(entity=[patient_entity("Patient/one-1")]))
    first, second = event.parts
    assert first.cut == ("subject",)
    assert "subject" not in json.loads(first.resource)
    assert second.patient == PatientReference("Patient/other-9")
    assert second.cut == ("data.entity[0]",)


def test_a_batch_keeps_each_event_as_it_stands_in_it() -> None:
    """One outcome each, in order; a bad one is named by its number."""
    events = [encoded(envelope(id=str(n), data=r4()), n) for n in range(3)]
    bad = encoded(envelope(id=None))
    body = b" [ " + b" ,\n".join([*events, bad, b"7", b'{"id":1,"id":2}']) + b"\n] "
    found = parse_cloudevents_batch(body)
    for raw, event in zip(events, found, strict=False):
        assert isinstance(event, Event)
        assert event.parts[0].resource == raw
    places = [e.expression for e in found[3:] if isinstance(e, RejectedEventError)]
    assert places == ["CloudEvents[3].id", "CloudEvents[4]", "CloudEvents[5]"]


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[", b"[1,]", b"[" * 10**5])
def test_a_batch_that_is_no_array_is_refused(body: bytes) -> None:
    """With 400."""
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevents_batch(body)
    assert caught.value.status == 400


def test_batches_are_bounded_and_may_be_empty() -> None:
    """413 beyond the limit."""
    assert parse_cloudevents_batch(b"[]") == ()
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevents_batch(encoded([0] * (MAX_EVENTS + 1)))
    assert caught.value.status == 413


def test_one_bad_character_in_a_batch_is_that_event_s_fault() -> None:
    """Invalid UTF-8 in one event does not touch the others."""
    good = encoded(envelope())
    body = b"[" + good + b"," + good.replace(b"urn:ehr", b"urn:\xff") + b"]"
    assert [type(event) for event in parse_cloudevents_batch(body)] == [Event, RejectedEventError]
