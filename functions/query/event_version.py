"""HTTP headers of an event's version: it has one, 1, since an event never changes."""

from datetime import UTC, datetime
from email.utils import format_datetime

from audit_ledger.records.opened_event import OpenedEvent

VERSION = "1"
ENTRY = "Ledger-Entry"
"""The header that gives the number of an event's entry."""


def version_headers(event: OpenedEvent) -> dict[str, str]:
    """Return ETag (the version, FHIR http.html) and Last-Modified: the time of its entry."""
    entered = datetime.fromtimestamp(event.entry_time, UTC)
    return {
        "ETag": f'W/"{VERSION}"',
        "Last-Modified": format_datetime(entered, usegmt=True),
        ENTRY: str(event.seq),
    }
