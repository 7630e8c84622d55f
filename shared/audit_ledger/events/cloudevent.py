"""Parse CloudEvents 1.0 in JSON: one event (structured mode), and batches.

The data is interpreted if it is a FHIR AuditEvent or, for types `record.*`, has the shape in
`record_event`. Other data is stored without being interpreted: its patient is known from `subject`
alone, if that is a reference to a Patient.
"""

from base64 import b64decode
from binascii import Error
from typing import Any

import msgspec

from audit_ledger.events.audit_event import read_audit_event
from audit_ledger.events.batch import MAX_EVENTS, parse_each
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.event import Agent, Event, Part, PatientReference
from audit_ledger.events.fhir_model import read_elements
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.events.limits import require_size, require_value_limit
from audit_ledger.events.media_type import MediaType, parse_media_type
from audit_ledger.events.record_event import read_record_event
from audit_ledger.events.references import patient_reference
from audit_ledger.events.split_by_patient import split_by_patient
from audit_ledger.events.strict_json import JsonObject, read_json, slice_elements


class _Attributes(msgspec.Struct):
    """The context attributes in use, and `data_base64`. JSON null means absent."""

    specversion: str | None = None
    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: str | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    data_base64: str | None = None


class _Data(msgspec.Struct):
    """Data, decoded if it is JSON. `base` is the member that contains it."""

    value: Any
    base: str
    media_type: MediaType


def parse_cloudevent_structured(body: bytes, place: str = "CloudEvent") -> Event:
    """Parse one event in the JSON format (`application/cloudevents+json`), of at most 256 KB.

    Raise RejectedEventError, and no other error.
    """
    require_size(body, place)
    document = read_json(body, place)
    if not isinstance(document, dict):
        raise RejectedEventError(422, "structure", place, "a JSON object")
    require_value_limit(document, body, place)
    attributes = read_elements(document, _Attributes, place)
    sender_id, type_ = _check_required(attributes, place)
    time_ms = _time(attributes, place)
    subject = _patient_subject(attributes.subject)
    data = _data(document, attributes, place)
    data_place = f"{place}.{data.base}"
    resource_type = data.value.get("resourceType") if isinstance(data.value, dict) else None
    if resource_type == "Bundle":
        raise RejectedEventError(422, "not-supported", data_place, "one AuditEvent a CloudEvent")
    agents: tuple[Agent, ...]
    if resource_type == "AuditEvent":
        parsed = read_audit_event(
            data.value, data.media_type.fhir_version, data_place, base=(data.base,), subject=subject
        )
        if data.base != "data" and len(parsed.patients) > 1:
            raise RejectedEventError(
                422, "not-supported", data_place, "several patients only in data, as JSON"
            )
        parts = split_by_patient(body, document, parsed.patients, data_place, (data.base,))
        action, agents, flags = parsed.action, parsed.agents, parsed.flags
        time_ms = parsed.time_ms
    elif type_.startswith("record."):
        record = read_record_event(
            {} if data.value is None else data.value, type_, subject, data_place
        )
        parts = (Part(record.patient, body),)
        action, agents, flags = record.action, record.agents, record.flags
    else:
        parts = (Part(subject, body),)
        action, agents, flags = None, (), {"cloudevents.opaque-data"}
    if time_ms is None:
        flags.add("cloudevents.no-time")
    return Event("cloudevents", sender_id, time_ms, action, parts, agents, tuple(sorted(flags)))


def parse_cloudevents_batch(body: bytes) -> tuple[Event | RejectedEventError, ...]:
    """Parse a batch in the JSON format (`application/cloudevents-batch+json`), of at most 5,000.

    Each event has its bytes in the batch, unchanged, and its own outcome.
    Raise RejectedEventError if the batch is no JSON array (400) or too long (413).
    """
    elements = slice_elements(body, "CloudEvents", MAX_EVENTS, "events")
    return parse_each(elements, parse_cloudevent_structured, "CloudEvents")


def _check_required(attributes: _Attributes, place: str) -> tuple[str, str]:
    """Return the sender's id of the event, and its type.

    Join source and id unambiguously: `<length of source>:<source>:<id>`.
    """
    if not attributes.specversion:
        raise RejectedEventError(422, "required", f"{place}.specversion", "the version 1.0")
    if attributes.specversion != "1.0":
        raise RejectedEventError(422, "not-supported", f"{place}.specversion", "the version 1.0")
    for name in ("id", "source", "type"):
        if not getattr(attributes, name):
            raise RejectedEventError(422, "required", f"{place}.{name}", "a non-empty string")
    source = attributes.source or ""
    return f"{len(source)}:{source}:{attributes.id}", attributes.type or ""


def _time(attributes: _Attributes, place: str) -> int | None:
    if attributes.time is None:
        return None
    try:
        return parse_instant_ms(attributes.time)
    except ValueError:
        raise RejectedEventError(422, "value", f"{place}.time", "an RFC 3339 date-time") from None


def _patient_subject(subject: str | None) -> PatientReference | None:
    reference = None if subject is None else patient_reference(subject)
    return None if reference is None else PatientReference(reference)


def _data(document: JsonObject, attributes: _Attributes, place: str) -> _Data:
    """Return the data, decoded if its content type is JSON.

    `data` without a content type is JSON; `data_base64` without one may be anything (JSON format,
    Section 3.1). Reject FHIR in XML (415): its patients could not be determined.
    """
    encoded = attributes.data_base64
    base = "data" if encoded is None else "data_base64"
    assumed = "application/json" if encoded is None else "application/octet-stream"
    media_type = parse_media_type(attributes.datacontenttype or assumed)
    if encoded is not None and document.get("data") is not None:
        raise RejectedEventError(422, "invalid", place, "either data or data_base64, not both")
    if media_type.is_xml and "fhir" in media_type.essence:
        raise RejectedEventError(415, "not-supported", f"{place}.{base}", "FHIR as JSON")
    if encoded is None:
        return _Data(document.get("data") if media_type.is_json else None, base, media_type)
    try:
        decoded = b64decode(encoded, validate=True)
    except (Error, ValueError):
        raise RejectedEventError(422, "value", f"{place}.data_base64", "base64") from None
    value = None
    if media_type.is_json:
        value = read_json(decoded, f"{place}.data_base64")
        if type(value) in (dict, list):
            require_value_limit(value, decoded, f"{place}.data_base64")
    return _Data(value, base, media_type)
