"""Opened events: what a reader of the ledger has of a record."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from audit_ledger.events import parse_audit_event, parse_cloudevent_structured
from audit_ledger.events.event import Format
from audit_ledger.events.event_details import read_details
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.records.opened_event import OpenedEvent
from tests.builders.audit_event import audit_event_samples, encoded

RECEIVED = "2026-11-26T05:59:00.456Z"
RECEIVED_MS = 1_795_672_740_456
DELAY_SECONDS = 2  # from the event to its entry


def opened(
    document: dict[str, Any] | bytes, seq: int = 1, format_: Format | None = None, **fields: Any
) -> OpenedEvent:
    """Return an AuditEvent or a CloudEvent as it is opened at an entry.

    `format_`: recognized from the document if None. `time_ms` is the document's own time, or that
    of its receipt; `entry_time` is two seconds later.
    """
    resource = document if isinstance(document, bytes) else encoded(document)
    format_ = format_ or format_of(resource)
    details = read_details(resource, format_)
    time_ms = RECEIVED_MS if details.time is None else parse_instant_ms(details.time)
    time_ms = fields.pop("time_ms", time_ms)
    known: dict[str, Any] = {
        "seq": seq,
        "entry_time": time_ms // 1000 + DELAY_SECONDS,
        "event_id": f"{seq:064x}",
        "time_ms": time_ms,
        "portal": "ehr",
        "received": RECEIVED,
        "format": format_,
        "resource": resource,
        "details": details,
    }
    return OpenedEvent(**known | fields)


def accepted(body: bytes, seq: int = 1, **fields: Any) -> OpenedEvent:
    """Return an event as it is opened after ingest has parsed it: with its flags."""
    is_cloudevent = format_of(body) == "cloudevents"
    event = parse_cloudevent_structured(body) if is_cloudevent else parse_audit_event(body)
    return opened(body, seq, event.format, flags=event.flags, **fields)


def format_of(resource: bytes) -> Format:
    """Return the format of a document: R5's AuditEvent has a code, R4's a type."""
    document = json.loads(resource)
    if "specversion" in document:
        return "cloudevents"
    return "fhir-r5" if "code" in document else "fhir-r4"


def opened_sample(path: Path, seq: int = 1) -> OpenedEvent:
    """Return a published sample as it is opened."""
    return opened(path.read_bytes(), seq)


def opened_samples(shared_dir: Path) -> list[OpenedEvent]:
    """Return the AuditEvents that HL7 and IHE publish as examples, in one ledger."""
    return [opened_sample(path, seq) for seq, path in enumerate(audit_event_samples(shared_dir), 1)]


def ms(text: str) -> int:
    """Return the milliseconds since 1970 of an instant, by the standard library."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
