"""Parse CloudEvents 1.0 over HTTP in binary mode: attributes in `ce-` headers, data as the body.

The record contains the same event in the JSON format: attributes in a fixed order, so that a
redelivery yields the same bytes, and a JSON body verbatim as `data`.

    {"specversion":"1.0","id":…,"source":…,"type":…,"subject":…,"datacontenttype":…,"data":…}
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from audit_ledger.events.cloudevent import parse_cloudevent_structured
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.event import Event
from audit_ledger.events.limits import require_size
from audit_ledger.events.media_type import parse_media_type
from audit_ledger.events.strict_json import read_json

_PREFIX: Final = "ce-"
_NAME: Final = re.compile(r"[a-z0-9]+")
_FIRST: Final = ("specversion", "id", "source", "type")
_DAMAGED: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
"""Controls, which occur in truncated UTF-8 that was decoded as Latin-1; undecodable bytes."""
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


def parse_cloudevent_binary(headers: Mapping[str, str], body: bytes) -> Event:
    """Parse one event in binary mode; `headers` have lower-case names.

    Raise RejectedEventError, and no other error.
    """
    return parse_cloudevent_structured(structured_form(headers, body))


def structured_form(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the event in the JSON format, which contains a JSON `body` verbatim."""
    require_size(body, "CloudEvent.data")
    attributes = {
        name.removeprefix(_PREFIX): _attribute(name, value)
        for name, value in headers.items()
        if name.startswith(_PREFIX)
    }
    content_type = headers.get("content-type", "")
    ordered: dict[str, str] = {name: attributes.pop(name) for name in _FIRST if name in attributes}
    ordered |= dict(sorted(attributes.items()))
    if content_type:
        ordered["datacontenttype"] = content_type
    try:
        members = [msgspec.json.encode(ordered)[1:-1]] if ordered else []
    except UnicodeEncodeError:
        raise RejectedEventError(400, "value", "headers", "header values in UTF-8") from None
    if body and parse_media_type(content_type).is_json:
        read_json(body, "CloudEvent.data")
        members.append(b'"data":' + body)
    elif body:
        members.append(b'"data_base64":"' + b64encode(body) + b'"')
    return b"{" + b",".join(members) + b"}"


def _repaired(value: str) -> str:
    """Return a header value as its sender wrote it, including UTF-8 without percent-encoding.

    The binding requires percent-encoding beyond printable ASCII (3.1.3.2); the Go and Java SDKs
    send raw UTF-8. Intermediaries decode header bytes as Latin-1 (RFC 9110, Section 5.5), so UTF-8
    arrives as several characters for one, or as UTF-8, or with U+FFFD for undecodable bytes. Raise
    RejectedEventError (400) if the original value cannot be determined.
    """
    if value.isascii():
        return value
    with suppress(UnicodeError):  # if it was decoded correctly, as UTF-8 or Latin-1
        value = value.encode("latin-1").decode("utf-8")
    if _DAMAGED.search(value):
        raise RejectedEventError(400, "value", "headers", "percent-encoded UTF-8 beyond ASCII")
    return value


def _attribute(header: str, value: str) -> str:
    """Decode a header value (HTTP binding, Section 3.1.3.2): quotes first, then one round of %."""
    name = header.removeprefix(_PREFIX)
    if not _NAME.fullmatch(name) or name in ("data", "datacontenttype"):
        raise RejectedEventError(
            400, "structure", "headers", "ce- headers of attributes other than the data's"
        )
    text = _repaired(value).strip(" \t")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _QUOTED_PAIR.sub(r"\1", text[1:-1])
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeError:
        raise RejectedEventError(400, "value", "headers", "percent-encoded UTF-8") from None
