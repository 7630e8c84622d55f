"""FHIR NDJSON (R4 and R5, ndjson; Bulk Data Access): one AuditEvent per line, as submitted.

    AuditEvent-r4.ndjson   AuditEvents of R4, also those contained in CloudEvents
    AuditEvent-r5.ndjson   AuditEvents of R5, likewise
    CloudEvent.ndjson      CloudEvents with other content, whole, in the JSON format

Importers of Bulk Data support one release, hence a file for each; all three contain all events. An
AuditEvent has the `id` by which the API reads it (see `events.resource_id` for the sender's).
Nothing else is encoded again: a line is the submitted bytes without white space between their
tokens, so numbers, escapes and the order of members are the sender's.
"""

import re
from typing import Final

from audit_ledger.errors import FormatError
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.resource_id import with_id
from audit_ledger.records.opened_event import OpenedEvent

R4_FILE: Final = "AuditEvent-r4.ndjson"
R5_FILE: Final = "AuditEvent-r5.ndjson"
CLOUDEVENT_FILE: Final = "CloudEvent.ndjson"
_FILES: Final[dict[Release, str]] = {"fhir-r4": R4_FILE, "fhir-r5": R5_FILE}

# A string; anything between strings and white space; a quote that begins no string.
_TOKENS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^ \t\n\r"]++|"', re.DOTALL)


def without_white_space(body: bytes) -> bytes:
    r"""Return JSON without the white space outside its strings; every other byte stays.

    {"a" : [1.50, "b c"]}⏎   →   {"a":[1.50,"b c"]}

    `body` must be valid JSON: then the result has no line break, because a string has none.
    """
    return b"".join(_TOKENS.findall(body))


def fhir_line(event: OpenedEvent) -> tuple[str, bytes]:
    r"""Return the file of an event, and its line with `\n` at the end.

    Raise FormatError if the resource is not JSON as ingest accepts it.
    """
    try:
        audit_event = event.audit_event()
        file, resource = CLOUDEVENT_FILE, event.resource
        if audit_event is not None:
            release, resource = audit_event
            file = _FILES[release]
            resource = with_id(resource, event.event_id)
    except (RejectedEventError, ValueError):
        raise _not_json(event) from None
    line = without_white_space(resource)
    if b"\n" in line or b"\r" in line:
        raise _not_json(event)
    return file, line + b"\n"


def _not_json(event: OpenedEvent) -> FormatError:
    return FormatError(f"entry {event.seq}: the resource is not JSON as ingest accepts it")
