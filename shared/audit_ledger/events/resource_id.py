"""Put this server's id of a resource into the submitted bytes.

    {"resourceType":"AuditEvent","recorded":…}
    {"resourceType":"AuditEvent","id":"<event id>","recorded":…}

    {"resourceType":"AuditEvent","id":"7", "extension":[{…}]}
    {"resourceType":"AuditEvent","id":"<event id>", "extension":[{…},{"url":
      "urn:audit-ledger:submitted-id","valueString":"7"}]}

FHIR (RESTful API, create and read): the server assigns the id, and the resource read by that id
contains it. All other bytes stay unchanged, including white space, order and digits of numbers.
"""

import re
from typing import Final

import msgspec

from audit_ledger.errors import FormatError

SUBMITTED_ID: Final = "urn:audit-ledger:submitted-id"
"""URL of the extension that stores the sender's `id`."""

_START: Final = b'{"resourceType":"AuditEvent"'  # of most senders' events
_NAME: Final = re.compile(
    rb'[ \t\n\r]*+,?[ \t\n\r]*+("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\n\r]*+:[ \t\n\r]*+', re.DOTALL
)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_name = msgspec.json.Decoder(str)


def with_id(resource: bytes, resource_id: str) -> bytes:
    """Return a resource with `resource_id` as its `id`; move the sender's `id` to an extension.

    `resource` is a JSON object without repeated names, as ingest accepts it; raise FormatError for
    anything else. An empty or null `id` counts as absent. If `extension` is no array, which
    violates FHIR, the sender's id remains in the submitted bytes only.
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
        added = _extension(submitted)
        extensions = bytes(members.get("extension", msgspec.Raw(b"null")))
        if "extension" not in members:
            end = places["id"][1]
            edits.append(((end, end), b',"extension":[' + added + b"]"))
        elif extensions == b"null":
            edits.append((places["extension"], b"[" + added + b"]"))
        elif extensions.startswith(b"["):
            end = places["extension"][1] - 1
            comma = b"" if extensions[1:-1].strip(b" \t\n\r") == b"" else b","
            edits.append(((end, end), comma + added))
    return _edited(resource, edits)


def _extension(submitted: bytes) -> bytes:
    """Return the extension of a submitted id: a string verbatim, anything else as JSON text."""
    value = submitted
    if not submitted.startswith(b'"'):
        value = msgspec.json.encode(submitted.decode())
    return b'{"url":"' + SUBMITTED_ID.encode() + b'","valueString":' + value + b"}"


def _places(resource: bytes, members: dict[str, msgspec.Raw]) -> dict[str, tuple[int, int]]:
    """Return the range of each member's value: [start, end)."""
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
    for (start, end), replacement in sorted(edits):
        parts += (resource[position:start], replacement)
        position = end
    return b"".join((*parts, resource[position:]))


def _not_an_object() -> FormatError:
    return FormatError("resource: expected a JSON object without repeated names")
