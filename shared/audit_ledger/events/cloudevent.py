"""CloudEvents 1.0 in JSON: one event (structured mode), and batches of them.

What an event is about is read from its data: a FHIR AuditEvent, or, for types `record.*`, the shape
in `record_event`. Other data is kept and not read; who it is about is then known from the `subject`
alone, where that is a reference to a Patient.
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
from audit_ledger.events.limits import require_few_values, require_size
from audit_ledger.events.media_type import MediaType, parse_media_type
from audit_ledger.events.record_event import read_record_event
from audit_ledger.events.references import patient_reference
from audit_ledger.events.split_by_patient import split_by_patient
from audit_ledger.events.strict_json import JsonObject, read_json, slice_elements


class _Attributes(msgspec.Struct):
    """The context attributes that are read, and `data_base64`. JSON null means absent."""

    specversion: str | None = None
    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: str | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    data_base64: str | None = None


class _Data(msgspec.Struct):
    """Data, decoded where it is JSON. `base` is the member that holds it."""

    value: Any
    base: str
    media_type: MediaType


def parse_cloudevent_structured(body: bytes, place: str = "CloudEvent") -> Event:
    """Parse one event in the JSON format (`application/cloudevents+json`), of at most 256 KB.

    Raises RejectedEventError, and nothing else.
    """
    require_size(body, place)
    document = read_json(body, place)
    if not isinstance(document, dict):
        raise RejectedEventError(422, "structure", place, "a JSON object")
    require_few_values(document, body, place)
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
        reading = read_audit_event(
            data.value, data.media_type.fhir_version, data_place, base=(data.base,), subject=subject
        )
        if data.base != "data" and len(reading.patients) > 1:
            raise RejectedEventError(
                422, "not-supported", data_place, "several patients only in data, as JSON"
            )
        parts = split_by_patient(body, document, reading.patients, data_place, (data.base,))
        action, agents, flags = reading.action, reading.agents, reading.flags
        time_ms = reading.time_ms
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

    Each event keeps its bytes as they stand in the batch, and has its own outcome.
    RejectedEventError when the batch is no JSON array (400) or too long (413).
    """
    elements = slice_elements(body, "CloudEvents", MAX_EVENTS, "events")
    return parse_each(elements, parse_cloudevent_structured, "CloudEvents")


def _check_required(attributes: _Attributes, place: str) -> tuple[str, str]:
    """Return the sender's own id of the event, and its type.

    Source and id are joined so that no two pairs give the same: `<length of source>:<source>:<id>`.
    """
    if not attributes.specversion:
        raise RejectedEventError(422, "required", f"{place}.specversion", "the version 1.0")
    if attributes.specversion != "1.0":
        raise RejectedEventError(422, "not-supported", f"{place}.specversion", "the version 1.0")
    for name in ("id", "source", "type"):
        if not getattr(attributes, name):
            raise RejectedEventError(
                422, "required", f"{place}.{name}", "a string that is not empty"
            )
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
    """Return the data, decoded where its content type says JSON.

    `data` without a content type is JSON; `data_base64` without one may be anything (JSON format,
    Section 3.1). FHIR in XML is refused (415): nobody could say whom it is about.
    """
    packed = attributes.data_base64
    base = "data" if packed is None else "data_base64"
    assumed = "application/json" if packed is None else "application/octet-stream"
    media_type = parse_media_type(attributes.datacontenttype or assumed)
    if packed is not None and document.get("data") is not None:
        raise RejectedEventError(422, "invalid", place, "either data or data_base64, not both")
    if media_type.is_xml and "fhir" in media_type.essence:
        raise RejectedEventError(415, "not-supported", f"{place}.{base}", "FHIR as JSON")
    if packed is None:
        return _Data(document.get("data") if media_type.is_json else None, base, media_type)
    try:
        unpacked = b64decode(packed, validate=True)
    except (Error, ValueError):
        raise RejectedEventError(422, "value", f"{place}.data_base64", "base64") from None
    value = None
    if media_type.is_json:
        value = read_json(unpacked, f"{place}.data_base64")
        if type(value) in (dict, list):
            require_few_values(value, unpacked, f"{place}.data_base64")
    return _Data(value, base, media_type)
