"""Opened events to search in: the samples of HL7 and IHE, and events made here."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from audit_ledger.events import parse_audit_event, parse_cloudevent_structured
from audit_ledger.events.event import Format
from audit_ledger.events.event_details import read_details
from audit_ledger.records.opened_event import OpenedEvent
from tests.events.made import audit_event_samples

RECEIVED_MS = 1_795_672_740_456  # 2026-11-26T05:59:00.456Z
ENTRY_TIME = 1_795_672_741


def opened(body: bytes, *, seq: int = 7, **how: Any) -> OpenedEvent:
    """Open an AuditEvent or a CloudEvent as if it had gone through the ledger."""
    is_cloudevent = "specversion" in json.loads(body)
    event = parse_cloudevent_structured(body) if is_cloudevent else parse_audit_event(body)
    format_: Format = event.format
    known: dict[str, Any] = {
        "seq": seq,
        "entry_time": ENTRY_TIME,
        "event_id": sha256(body).hexdigest(),
        "time_ms": RECEIVED_MS if event.time_ms is None else event.time_ms,
        "portal": "ehr",
        "received": "2026-11-26T05:59:00.456Z",
        "format": format_,
        "resource": body,
        "flags": event.flags,
        "details": read_details(body, format_),
    }
    return OpenedEvent(**(known | how))


def enveloped(body: bytes, *, is_packed: bool) -> bytes:
    """Put an AuditEvent into a CloudEvent, as JSON or in base64; its bytes stay as they are."""
    envelope = b'{"specversion":"1.0","id":"1","source":"urn:lab","type":"fhir.audit","time":"'
    envelope += b'2020-01-01T00:00:00Z","datacontenttype":"application/fhir+json",'
    if is_packed:
        return envelope + b'"data_base64":"' + b64encode(body) + b'"}'
    return envelope + b'"data": ' + body + b" }"


def samples(shared_dir: Path) -> list[bytes]:
    """Every AuditEvent that HL7 and IHE published and we have."""
    return [path.read_bytes() for path in audit_event_samples(shared_dir)]
