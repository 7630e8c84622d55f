"""CloudEvents 1.0 over HTTP in binary mode: attributes in `ce-` headers, data as the body.

Its record is the same event in the JSON format, made here: attributes in a fixed order, so that a
redelivery gives the same bytes, and the body verbatim as `data` where it is JSON.

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
_LOST: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
"""Controls, of which UTF-8 that was read as Latin-1 and then cut is full; what was not read."""
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


def parse_cloudevent_binary(headers: Mapping[str, str], body: bytes) -> Event:
    """Parse one event in binary mode; `headers` have lower-case names.

    Raises RejectedEventError, and nothing else.
    """
    return parse_cloudevent_structured(structured_form(headers, body))


def structured_form(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the event in the JSON format, `body` verbatim in it where it is JSON."""
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
    """Return a header value as its sender wrote it, who may have sent UTF-8 without encoding it.

    The binding wants everything beyond printable ASCII percent-encoded (3.1.3.2); the Go and Java
    SDKs send it raw. What stands between reads header bytes as Latin-1 (RFC 9110, Section 5.5), so
    UTF-8 arrives as several characters for one, or as UTF-8, or with U+FFFD for what it could not
    read. RejectedEventError (400) where what was sent cannot be told.
    """
    if value.isascii():
        return value
    with suppress(UnicodeError):  # where it was read as what it is: UTF-8, or Latin-1
        value = value.encode("latin-1").decode("utf-8")
    if _LOST.search(value):
        raise RejectedEventError(400, "value", "headers", "percent-encoded UTF-8 beyond ASCII")
    return value


def _attribute(header: str, value: str) -> str:
    """Decode a header value (HTTP binding, Section 3.1.3.2): quotes first, then one round of %."""
    name = header.removeprefix(_PREFIX)
    if not _NAME.fullmatch(name) or name in ("data", "datacontenttype"):
        raise RejectedEventError(
            400, "structure", "headers", "ce- headers that name attributes other than data's"
        )
    text = _repaired(value).strip(" \t")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _QUOTED_PAIR.sub(r"\1", text[1:-1])
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeError:
        raise RejectedEventError(400, "value", "headers", "percent-encoded UTF-8") from None
