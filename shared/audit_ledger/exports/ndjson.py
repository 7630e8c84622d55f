"""FHIR NDJSON (R4 and R5, ndjson; Bulk Data Access): one AuditEvent a line, as submitted, but `id`.

    AuditEvent-r4.ndjson   AuditEvents of R4, also those that a CloudEvent carried
    AuditEvent-r5.ndjson   AuditEvents of R5, likewise
    CloudEvent.ndjson      CloudEvents that carry something else, whole, in the JSON format

A file of each release, since an importer of Bulk Data knows one release. For all events, take all
three files. An AuditEvent has the `id` by which it is read here (see `events.resource_id` for
the sender's). Nothing else is encoded again: a line is the submitted bytes without white space
between their tokens, so numbers, escapes and the order of members are the sender's.
"""

import re
from base64 import b64decode
from binascii import Error
from typing import Any, Final

from audit_ledger.errors import FormatError
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.resource_id import with_id
from audit_ledger.events.strict_json import read_json, slice_members
from audit_ledger.records.opened_event import OpenedEvent

R4_FILE: Final = "AuditEvent-r4.ndjson"
R5_FILE: Final = "AuditEvent-r5.ndjson"
CLOUDEVENT_FILE: Final = "CloudEvent.ndjson"

# A string; what stands between strings and white space; a quote that begins no string.
_TOKENS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^ \t\n\r"]++|"', re.DOTALL)


def without_white_space(body: bytes) -> bytes:
    r"""Return JSON without the white space outside of its strings; every other byte stays.

    {"a" : [1.50, "b c"]}⏎   →   {"a":[1.50,"b c"]}

    `body` must have been read as JSON: then no line break is left, for a string has none.
    """
    return b"".join(_TOKENS.findall(body))


def fhir_line(event: OpenedEvent) -> tuple[str, bytes]:
    r"""Return the file that an event goes to, and its line with `\n` at the end.

    FormatError where the resource is not the JSON that ingest accepts.
    """
    return _line(event, has_id=True)


def fhir_line_as_submitted(event: OpenedEvent) -> tuple[str, bytes]:
    """Return file and line as exports had them before lines had the `id` by which events are read.

    FormatError as `fhir_line`.
    """
    return _line(event, has_id=False)


def _line(event: OpenedEvent, *, has_id: bool) -> tuple[str, bytes]:
    try:
        file, resource = _resource(event)
        if has_id and file != CLOUDEVENT_FILE:
            resource = with_id(resource, event.event_id)
    except (RejectedEventError, FormatError):
        raise _not_json(event) from None
    line = without_white_space(resource)
    if b"\n" in line or b"\r" in line:
        raise _not_json(event)
    return file, line + b"\n"


def _resource(event: OpenedEvent) -> tuple[str, bytes]:
    if event.format == "fhir-r4":
        return R4_FILE, event.resource
    if event.format == "fhir-r5":
        return R5_FILE, event.resource
    carried = event.document.audit_event
    if carried is None:
        return CLOUDEVENT_FILE, event.resource
    # As events.details tells the releases of a carried AuditEvent apart.
    return R4_FILE if carried.get("code") is None else R5_FILE, _carried_bytes(event)


def _carried_bytes(event: OpenedEvent) -> bytes:
    members = slice_members(event.resource, "CloudEvent")
    packed: Any = read_json(members.get("data_base64", b"null"), "CloudEvent.data_base64")
    if packed is None:
        return members["data"]
    try:
        return b64decode(packed, validate=True)
    except (Error, ValueError):
        raise _not_json(event) from None


def _not_json(event: OpenedEvent) -> FormatError:
    return FormatError(f"entry {event.seq}: the resource is not JSON as ingest accepts it")
