"""CloudEvents over HTTP in binary mode: the record is the same event in the JSON format."""

import json
from base64 import b64decode
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.events import (
    PatientReference,
    RejectedEventError,
    parse_cloudevent_binary,
    parse_cloudevent_structured,
)
from tests.builders.audit_event import audit_event_samples, encoded, patient_entity, r4

RAW = ("é", "Müller", "Ångström", "…", "Zoë 😀", "日本", "Łódź", "à", "Å", "ÿ")
"""Sent by the Go and Java SDKs as UTF-8, and decoded as Latin-1 in transit."""
HEADERS = {
    "host": "api.example",
    "ce-specversion": "1.0",
    "ce-id": "a-1",
    "ce-source": "urn:ehr",
    "ce-type": "fhir.auditevent",
    "content-type": "application/fhir+json; fhirVersion=4.0",
    "content-length": "17",
}


def test_the_record_contains_json_data_verbatim(shared_dir: Path) -> None:
    """Every sample as a body: the record is a structured CloudEvent that contains these bytes."""
    for path in audit_event_samples(shared_dir):
        headers = HEADERS | {"content-type": "application/fhir+json"}
        event = parse_cloudevent_binary(headers, path.read_bytes())
        record = event.parts[0].resource
        assert record.endswith(b',"data":' + path.read_bytes() + b"}"), path.name
        assert event == parse_cloudevent_structured(record), path.name


def test_the_record_has_attributes_in_a_fixed_order() -> None:
    """A redelivery with headers in another order has the same bytes."""
    headers = HEADERS | {"ce-subject": "Patient/1", "ce-about": "x"}
    expected = (
        b'{"specversion":"1.0","id":"a-1","source":"urn:ehr","type":"fhir.auditevent",'
        b'"about":"x","subject":"Patient/1",'
        b'"datacontenttype":"application/fhir+json; fhirVersion=4.0","data":' + encoded(r4()) + b"}"
    )
    for order in (headers, dict(reversed(headers.items()))):
        (part,) = parse_cloudevent_binary(order, encoded(r4())).parts
        assert part.resource == expected


@given(st.text(min_size=1, max_size=20))
def test_any_text_survives_percent_encoding(text: str) -> None:
    """Python's encoder encodes all that the binding requires and more."""
    headers = HEADERS | {"ce-note": quote(text, safe="")}
    record = parse_cloudevent_binary(headers, encoded(r4())).parts[0].resource
    assert json.loads(record)["note"] == text


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%e2%82%ac", "€"),
        ('"two words"', "two words"),
        (r'"a \"quote\" and a \\"', 'a "quote" and a \\'),
        ('"100%25"', "100%"),
        ("%2525", "%25"),  # one round only
        ("  padded\t", "padded"),
        ('"', '"'),
        ("%zz", "%zz"),
        ("€", "€"),
        *((text.encode().decode("latin-1"), text) for text in RAW),
        (f"  {'Café à'.encode().decode('latin-1')}\t", "Café à"),  # its last byte is no space
        ("J\xfcrgen", "Jürgen"),  # Latin-1, or decoded as UTF-8 in transit
        ("Fran\u00c3\u00a7ois%20%C3%A9", "François é"),
    ],
)
def test_header_values_are_decoded_as_the_binding_requires(value: str, decoded: str) -> None:
    """Quotes first, then one round of percent-decoding; the first case is the binding's example."""
    record = parse_cloudevent_binary(HEADERS | {"ce-note": value}, b"{}").parts[0].resource
    assert json.loads(record)["note"] == decoded


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"ce-note": "%C0%A0"}, b"", 400),  # an overlong encoding
        ({"ce-note": "%ff"}, b"", 400),
        ({"ce-note": "\ud800"}, b"", 400),
        ({"ce-note": "caf\ufffd"}, b"", 400),  # replaced in transit
        ({"ce-note": "\xe2\x82"}, b"", 400),  # two of the three bytes of a €
        ({"ce-note": "\x93quoted\x94"}, b"", 400),  # Windows-1252, undeclared
        ({"content-type": "\ud800"}, b"", 400),
        ({"ce-data": "x"}, b"", 400),
        ({"ce-datacontenttype": "text/plain"}, b"", 400),
        ({"ce-no_such": "x"}, b"", 400),
        ({"ce-": "x"}, b"", 400),
        ({}, b"{", 400),
        ({}, b"\xef\xbb\xbf{}", 400),
        ({}, b'{"a":1,"a":2}', 400),
        ({}, b'{}, "id": "other"', 400),
        ({}, b'"x"}, {"y": "', 400),
        ({"ce-id": ""}, b"{}", 422),
        ({"ce-specversion": "0.3"}, b"{}", 422),
        ({"ce-time": "now"}, b"{}", 422),
        ({"content-type": "application/fhir+xml"}, b"<AuditEvent/>", 415),
        ({}, b'"' + b"x" * 256 * 1024 + b'"', 413),
    ],
)
def test_an_invalid_request_is_rejected(headers: dict[str, str], body: bytes, status: int) -> None:
    """Also a body that would break out of its place in the record."""
    with pytest.raises(RejectedEventError) as caught:
        parse_cloudevent_binary(HEADERS | headers, body)
    assert caught.value.status == status


def test_required_headers_are_required() -> None:
    """The rejection names the attribute."""
    for name in ("specversion", "id", "source", "type"):
        headers = {n: v for n, v in HEADERS.items() if n != f"ce-{name}"}
        with pytest.raises(RejectedEventError) as caught:
            parse_cloudevent_binary(headers, b"{}")
        assert caught.value.expression == f"CloudEvent.{name}"
    with pytest.raises(RejectedEventError):
        parse_cloudevent_binary({}, b"")


@pytest.mark.parametrize("content_type", ["application/pdf", "text/plain", None])
def test_the_record_contains_other_data_as_base64(content_type: str | None) -> None:
    """It decodes to the same bytes; a missing content type stays missing."""
    headers = {n: v for n, v in HEADERS.items() if n != "content-type"}
    if content_type is not None:
        headers["content-type"] = content_type
    body = b'\x00\xff{"not": "read"}'
    event = parse_cloudevent_binary(headers, body)
    record = json.loads(event.parts[0].resource)
    assert b64decode(record["data_base64"]) == body
    assert record.get("datacontenttype") == content_type
    assert "cloudevents.opaque-data" in event.flags


def test_an_event_may_have_no_body() -> None:
    """Its record has no data."""
    record = json.loads(parse_cloudevent_binary(HEADERS, b"").parts[0].resource)
    assert not {"data", "data_base64"} & set(record)


def test_an_event_about_several_patients_becomes_structured_parts() -> None:
    """Paths in `cut` begin at the envelope."""
    body = encoded(r4(entity=[patient_entity("Patient/a"), patient_entity("Patient/b")]))
    first, second = parse_cloudevent_binary(HEADERS, body).parts
    assert (first.patient, first.cut) == (PatientReference("Patient/a"), ("data.entity[1]",))
    assert (second.patient, second.cut) == (PatientReference("Patient/b"), ("data.entity[0]",))
