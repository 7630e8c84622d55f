"""CloudEvents in JSON: envelope, data, batches, and AuditEvents in them."""

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


def test_an_audit_event_in_a_cloudevent_is_parsed_as_if_alone(shared_dir: Path) -> None:
    """Every sample has the same patient, agents, action, time and flags."""
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
    """In this order. Without any, the event is flagged; the caller takes the time of receipt."""
    assert parsed(data=r4(recorded="2020-01-01T00:00:00Z")).time_ms == 1577836800000
    assert parsed(type="record.created", data={}).time_ms == 1795327140500
    event = parsed(time=None)
    assert event.time_ms is None
    assert "cloudevents.no-time" in event.flags


def test_the_sender_id_separates_source_and_id() -> None:
    """Different pairs of source and id have different sender ids."""
    pairs = [("a", "b"), ("a:b", "c"), ("a", "b:c"), ("1:a", "b"), ("é", "x"), ("a\nb", "c")]
    ids = {parsed(source=source, id=id_).sender_id for source, id_ in pairs}
    assert len(ids) == len(pairs)
    assert parsed().sender_id == "7:urn:ehr:a-1"
    assert parsed(data=r4()).sender_id == parsed(data=r5(), type="x").sender_id


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("value", [None, ""])
def test_required_attributes_are_required(name: str, value: Any) -> None:
    """They may be neither absent nor empty nor null."""
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
def test_a_rejection_names_the_place(
    attributes: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    """With status and FHIR issue type."""
    assert refusal(**attributes) == expected


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"x"', b"7", b"{", b'{"id":"1","id":"2"}', b"[" * 10**5]
)
def test_a_body_that_is_not_a_json_object_is_rejected(body: bytes) -> None:
    """The status is 400 or 422."""
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevent_structured(body)
    assert caught.value.status in (400, 422)


def test_an_event_over_256_kb_is_rejected() -> None:
    """The status is 413."""
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevent_structured(encoded(envelope(data="x" * 256 * 1024)))
    assert caught.value.status == 413


def test_base64_data_with_a_json_content_type_is_read() -> None:
    """Some SDKs encode every body, also a FHIR AuditEvent."""
    packed = b64encode(encoded(r5(patient={"reference": "Patient/1"}))).decode()
    event = parsed(data_base64=packed, datacontenttype=f"{FHIR}; fhirVersion=5.0")
    assert event.parts[0].patient == PatientReference("Patient/1")
    assert event.agents != ()


def test_base64_data_about_several_patients_is_rejected() -> None:
    """Spans cannot be cut out of base64."""
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
def test_other_data_is_stored_unread_and_flagged(attributes: dict[str, Any]) -> None:
    """It may be about anyone; only the subject can name the patient."""
    event = parsed(**attributes)
    assert event.flags == ("cloudevents.opaque-data",)
    assert event.parts[0].patient is None
    event = parsed(**attributes, subject="https://ehr.example/Patient/1/_history/2")
    assert event.parts[0].patient == PatientReference("https://ehr.example/Patient/1")


@pytest.mark.parametrize("subject", ["Observation/1", "patient 7", "", "Patient", "Patient?x=1"])
def test_a_subject_that_does_not_reference_a_patient_is_ignored(subject: str) -> None:
    """Senders may set the subject to any text."""
    assert parsed(subject=subject).parts[0].patient is None


def test_the_subject_is_the_patient_whom_the_data_names_without_reference() -> None:
    """One reference and one identifier are one patient, and nothing is cut."""
    named = {"what": {"identifier": {"system": MRN, "value": "7"}}, "role": {"code": "1"}}
    event = parsed(subject="Patient/1", data=r4(entity=[named]))
    (part,) = event.parts
    assert part.patient == PatientReference("Patient/1", ((MRN, "7"),))
    unnamed = parsed(subject="Patient/1", data=r4(entity=[patient_entity(name="x")]))
    assert [part.patient for part in unnamed.parts] == [PatientReference("Patient/1")]


def test_a_subject_that_is_another_patient_has_a_part_of_its_own() -> None:
    """The subject is cut from the part of the data's patient."""
    event = parsed(subject="Patient/other-9", data=r4(entity=[patient_entity("Patient/one-1")]))
    first, second = event.parts
    assert first.cut == ("subject",)
    assert "subject" not in json.loads(first.resource)
    assert second.patient == PatientReference("Patient/other-9")
    assert second.cut == ("data.entity[0]",)


def test_a_batch_preserves_the_bytes_of_each_event() -> None:
    """Outcomes are in order; a rejection names the number of its event."""
    events = [encoded(envelope(id=str(n), data=r4()), n) for n in range(3)]
    bad = encoded(envelope(id=None))
    body = b" [ " + b" ,\n".join([*events, bad, b"7", b'{"id":1,"id":2}']) + b"\n] "
    outcomes = parse_cloudevents_batch(body)
    for raw, event in zip(events, outcomes, strict=False):
        assert isinstance(event, Event)
        assert event.parts[0].resource == raw
    places = [e.expression for e in outcomes[3:] if isinstance(e, RejectedEventError)]
    assert places == ["CloudEvents[3].id", "CloudEvents[4]", "CloudEvents[5]"]


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[", b"[1,]", b"[" * 10**5])
def test_a_batch_that_is_not_an_array_is_rejected(body: bytes) -> None:
    """The status is 400."""
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevents_batch(body)
    assert caught.value.status == 400


def test_batches_are_limited_and_may_be_empty() -> None:
    """The status of a larger one is 413."""
    assert parse_cloudevents_batch(b"[]") == ()
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevents_batch(encoded([0] * (MAX_EVENTS + 1)))
    assert caught.value.status == 413


def test_invalid_utf_8_in_a_batch_rejects_only_its_event() -> None:
    """The other events are accepted."""
    good = encoded(envelope())
    body = b"[" + good + b"," + good.replace(b"urn:ehr", b"urn:\xff") + b"]"
    assert [type(event) for event in parse_cloudevents_batch(body)] == [Event, RejectedEventError]
