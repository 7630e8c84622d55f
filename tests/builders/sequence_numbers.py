"""Events with sequence numbers of their portals."""

from typing import Any

from audit_ledger.records.opened_event import OpenedEvent
from tests.builders.audit_event import SEQUENCE_URL, r4
from tests.builders.opened_event import opened

START_MS = 1_795_000_000_000  # November 2026


def extended(*extensions: Any, observer: Any = None) -> dict[str, Any]:
    """Return an R4 AuditEvent with these extensions."""
    observer = observer or {"reference": "Device/ehr"}
    return r4(extension=list(extensions) or None, source={"observer": observer})


def at_entry(document: dict[str, Any], seq: int, **fields: Any) -> OpenedEvent:
    """Return an event as it is opened; the time rises by a second from entry to entry."""
    times = {"time_ms": START_MS + seq * 1000, "entry_time": START_MS // 1000 + seq}
    return opened(document, seq, **times | fields)


def numbered(number: int, seq: int, **fields: Any) -> OpenedEvent:
    """Return an event with this number; its time rises with the number by default."""
    event = extended({"url": SEQUENCE_URL, "valueInteger": number})
    return at_entry(event, seq, **{"time_ms": START_MS + number * 1000} | fields)
