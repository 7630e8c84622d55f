"""Opened events to start tests from."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from audit_ledger.events.event import Format
from audit_ledger.events.event_details import read_details
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.records.opened_event import OpenedEvent
from tests.events.made import audit_event_samples

ORIGIN = "audit.example.org/x"


def opened(resource: bytes, format_: Format, seq: int = 1, **fields: Any) -> OpenedEvent:
    """An event as whoever opens records has it."""
    details = read_details(resource, format_)
    time_ms = 1_795_327_140_123 if details.time is None else parse_instant_ms(details.time)
    known: dict[str, Any] = {
        "seq": seq,
        "entry_time": 1_795_327_200,
        "event_id": f"{seq:064x}",
        "time_ms": time_ms,
        "portal": "ehr",
        "received": "2026-11-22T05:59:00.456Z",
        "format": format_,
        "resource": resource,
        "details": details,
    }
    return OpenedEvent(**(known | fields))


def opened_json(document: Any, format_: Format = "fhir-r4", **fields: Any) -> OpenedEvent:
    """The same of a document, pretty-printed as some portals do."""
    return opened(json.dumps(document, indent=2).encode(), format_, **fields)


def opened_samples(shared_dir: Path) -> list[OpenedEvent]:
    """Every AuditEvent that HL7 and IHE publish as an example, in one ledger."""
    return [
        opened(path.read_bytes(), "fhir-r5" if path.parent.name == "r5" else "fhir-r4", seq)
        for seq, path in enumerate(audit_event_samples(shared_dir), start=1)
    ]


def carried(document: Any, **attributes: Any) -> dict[str, Any]:
    """A CloudEvent that carries a document as JSON; or in base64, with `base64=True`."""
    in_base64 = attributes.pop("base64", False)
    data = (
        {
            "datacontenttype": "application/fhir+json",
            "data_base64": b64encode(json.dumps(document, indent=1).encode()).decode(),
        }
        if in_base64
        else {"data": document}
    )
    envelope = {"specversion": "1.0", "id": "1", "source": "urn:ehr", "type": "org.example.fhir"}
    return envelope | data | attributes
