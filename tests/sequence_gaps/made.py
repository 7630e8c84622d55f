"""Opened events with numbers, to start tests from."""

import json
from typing import Any

from audit_ledger.events.event import Format
from audit_ledger.events.event_details import read_details
from audit_ledger.records.opened_event import OpenedEvent

URL = "urn:audit-ledger:audit-sequence"
START_MS = 1_795_000_000_000  # November 2026


def audit_event(*extensions: Any, observer: Any = None) -> dict[str, Any]:
    """An R4 AuditEvent with these extensions."""
    event = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-11-22T05:59:00Z",
        "agent": [{"who": {"reference": "Practitioner/doc"}, "requestor": True}],
        "source": {"observer": observer or {"reference": "Device/ehr"}},
    }
    return event | ({"extension": list(extensions)} if extensions else {})


def cloudevent(**attributes: Any) -> dict[str, Any]:
    """A CloudEvent with these attributes."""
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:lab",
        "type": "record.result.filed",
        **attributes,
    }


def opened(document: Any, seq: int = 0, format_: Format = "fhir-r4", **other: Any) -> OpenedEvent:
    """An event as it is opened; a second passes from entry to entry."""
    resource = json.dumps(document).encode()
    fields: dict[str, Any] = {
        "seq": seq,
        "entry_time": START_MS // 1000 + seq,
        "event_id": f"{seq:064x}",
        "time_ms": START_MS + seq * 1000,
        "portal": "ehr",
        "received": f"2026-11-22T05:59:00.{seq % 1000:03d}Z",
        "format": format_,
        "resource": resource,
        "details": read_details(resource, format_),
    }
    return OpenedEvent(**fields | other)


def numbered(number: int, seq: int, **other: Any) -> OpenedEvent:
    """An event with this number, made at a time that rises with the number unless said."""
    event = audit_event({"url": URL, "valueInteger": number})
    return opened(event, seq, **{"time_ms": START_MS + number * 1000} | other)
