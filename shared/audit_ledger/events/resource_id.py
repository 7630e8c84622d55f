"""The id of a resource as this server has it, put into the bytes that were submitted.

    {"resourceType":"AuditEvent","recorded":…}
    {"resourceType":"AuditEvent","id":"<event id>","recorded":…}

    {"resourceType":"AuditEvent","id":"7", "extension":[{…}]}
    {"resourceType":"AuditEvent","id":"<event id>", "extension":[{…},{"url":
      "urn:audit-ledger:submitted-id","valueString":"7"}]}

FHIR (RESTful API, create and read): the server gives the id, and what is read by it carries it.
Every other byte stays as it was, white space, order and the digits of numbers included.
"""

import re
from typing import Final

import msgspec

from audit_ledger.errors import FormatError

SUBMITTED_ID: Final = "urn:audit-ledger:submitted-id"
"""URL of the extension that keeps the `id` of the sender."""

_START: Final = b'{"resourceType":"AuditEvent"'  # as most senders begin
_NAME: Final = re.compile(
    rb'[ \t\n\r]*+,?[ \t\n\r]*+("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\n\r]*+:[ \t\n\r]*+', re.DOTALL
)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_name = msgspec.json.Decoder(str)


def with_id(resource: bytes, resource_id: str) -> bytes:
    """Return a resource with `resource_id` as its `id`; a sender's own moves to an extension.

    `resource`: a JSON object in which no name occurs twice, as ingest accepts it; FormatError for
    anything else. An `id` that is empty or null is none. Where `extension` is something else than
    an array, which FHIR does not know, the sender's id is only in the submitted bytes.
    """
    try:
        members = _members.decode(resource)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _not_an_object() from None
    own = b'"id":' + msgspec.json.encode(resource_id)
    if "id" not in members:
        if resource.startswith(_START):
            return _START + b"," + own + resource[len(_START) :]
        start = resource.index(b"{") + 1
        return resource[:start] + own + (b"," if members else b"") + resource[start:]
    places = _places(resource, members)
    submitted = bytes(members["id"])
    edits = [(places["id"], msgspec.json.encode(resource_id))]
    if submitted not in (b"null", b'""'):
        kept = _extension(submitted)
        extensions = bytes(members.get("extension", msgspec.Raw(b"null")))
        if "extension" not in members:
            end = places["id"][1]
            edits.append(((end, end), b',"extension":[' + kept + b"]"))
        elif extensions == b"null":
            edits.append((places["extension"], b"[" + kept + b"]"))
        elif extensions.startswith(b"["):
            end = places["extension"][1] - 1
            comma = b"" if extensions[1:-1].strip(b" \t\n\r") == b"" else b","
            edits.append(((end, end), comma + kept))
    return _edited(resource, edits)


def _extension(submitted: bytes) -> bytes:
    """Keep an id that is a string as it is spelled, and anything else as the JSON that it was."""
    value = submitted
    if not submitted.startswith(b'"'):
        value = msgspec.json.encode(submitted.decode())
    return b'{"url":"' + SUBMITTED_ID.encode() + b'","valueString":' + value + b"}"


def _places(resource: bytes, members: dict[str, msgspec.Raw]) -> dict[str, tuple[int, int]]:
    """Say where the value of each member stands: [start, end)."""
    places: dict[str, tuple[int, int]] = {}
    position = resource.index(b"{") + 1
    for name, value in members.items():
        found = _NAME.match(resource, position)
        if found is None or _name.decode(found[1]) != name:
            raise _not_an_object()
        position = found.end() + len(bytes(value))
        places[name] = (found.end(), position)
    if resource[position:].strip(b" \t\n\r") != b"}":
        raise _not_an_object()
    return places


def _edited(resource: bytes, edits: list[tuple[tuple[int, int], bytes]]) -> bytes:
    parts: list[bytes] = []
    position = 0
    for (start, end), instead in sorted(edits):
        parts += (resource[position:start], instead)
        position = end
    return b"".join((*parts, resource[position:]))


def _not_an_object() -> FormatError:
    return FormatError("the resource is no JSON object in which each name occurs once")
