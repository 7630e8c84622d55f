"""What the other release has no place for is carried in extensions, and found there again.

The URLs are those of HL7's cross-version extensions (FHIR R5, "Extensions for converting between
versions"): `http://hl7.org/fhir/<version>/StructureDefinition/extension-AuditEvent.<path>`. What a
release demands and the event does not have is made, and marked, so that it is taken away again.
"""

from collections.abc import Mapping, Set
from typing import Any, Final

from audit_ledger.errors import FormatError
from audit_ledger.events.strict_json import JsonObject

R4: Final = "http://hl7.org/fhir/4.0/StructureDefinition/extension-AuditEvent."
R5: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-AuditEvent."

NETWORK: Final = {"address": "String", "type": "Code"}
OUTCOME: Final = {"code": "Coding", "detail": "CodeableConcept"}
OUTCOME_LISTS: Final = frozenset({"detail"})
AGENT: Final = {
    "type": "CodeableConcept",
    "role": "CodeableConcept",
    "who": "Reference",
    "requestor": "Boolean",
    "location": "Reference",
    "policy": "Uri",
    "networkReference": "Reference",
    "networkUri": "Uri",
    "networkString": "String",
    "authorization": "CodeableConcept",
}
AGENT_LISTS: Final = frozenset({"role", "policy", "authorization"})
"""Data types of the members of objects that have none of their own."""

NONE: Final[frozenset[str]] = frozenset()
MADE: Final[JsonObject] = {"url": "urn:audit-ledger:made", "valueBoolean": True}
UNKNOWN: Final[JsonObject] = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        },
        MADE,
    ]
}


def made(value: JsonObject) -> JsonObject:
    """Mark a value that the event does not have."""
    return {**value, "extension": [MADE]}


def is_made(value: Any) -> bool:
    """Whether a value was made."""
    return isinstance(value, dict) and MADE in _list(value.get("extension"))


def carry(holder: JsonObject, url: str, kind: str, value: Any) -> None:
    """Add an extension to an object; `kind`: the data type, as in `valueCoding`."""
    _extensions(holder).append({"url": url, f"value{kind}": value})


def carry_primitive(holder: JsonObject, url: str, kind: str, element: str) -> None:
    """Move a primitive element into an extension, with what stands beside it under `_element`."""
    value = popped(holder, element, f"value{kind}")
    if value:
        _extensions(holder).append({"url": url, **value})


def popped(holder: JsonObject, element: str, name: str) -> JsonObject:
    """Take a primitive element and what stands beside it, both under another name."""
    return {
        prefix + name: holder.pop(prefix + element)
        for prefix in ("", "_")
        if prefix + element in holder
    }


def put(holder: JsonObject, element: str, extension: JsonObject) -> None:
    """Put the value that an extension carries, and what stands beside it, into an element."""
    for name, value in extension.items():
        if name.startswith(("value", "_value")):
            holder[("_" if name.startswith("_") else "") + element] = value


def carry_object(holder: JsonObject, url: str, value: JsonObject, kinds: Mapping[str, str]) -> None:
    """Add an extension for an object that has no data type of its own, member by member.

    `kinds`: data types of its members; FormatError where it has others.
    """
    beside = {f"_{name}" for name, one in value.items() if not isinstance(one, list)} | {
        f"_{name}" for name in kinds if name not in value
    }
    if not set(value) <= {*kinds, *beside, "extension", "id"}:
        raise FormatError("AuditEvent: an element has members that its release does not have")
    parts: list[JsonObject] = []
    for name in dict.fromkeys(name.removeprefix("_") for name in value if name != "extension"):
        kind = "String" if name == "id" else kinds[name]
        given = value.get(name)
        if isinstance(given, list):
            parts += ({"url": name, f"value{kind}": one} for one in given)
        else:
            parts.append({"url": name, **popped(dict(value), name, f"value{kind}")})
    own = value.get("extension", [])
    if not isinstance(own, list):
        raise FormatError("AuditEvent: extension is no list")
    _extensions(holder).append({"url": url, "extension": [*parts, *own]})


def object_of(extension: JsonObject, kinds: Mapping[str, str], lists: Set[str]) -> JsonObject:
    """Return the object that `carry_object` carried; `lists`: its members that are lists."""
    found: JsonObject = {}
    for part in _list(extension.get("extension")):
        name = str(part.get("url")) if isinstance(part, dict) else ""
        if name in lists:
            found.setdefault(name, []).append(value_of(part))
        elif name in kinds or name == "id":
            put(found, name, part)
        else:
            found.setdefault("extension", []).append(part)
    return found


def _extensions(holder: JsonObject) -> list[Any]:
    extensions = holder.setdefault("extension", [])
    if not isinstance(extensions, list):
        raise FormatError("AuditEvent: extension is no list")
    return extensions


def taken(
    holder: JsonObject, prefix: str, *, one: Set[str] = NONE, lists: Set[str] = NONE
) -> dict[str, list[JsonObject]]:
    """Take what was carried out of an object: path below `prefix` → extensions.

    `one`: paths of which there is one at most; `lists`: those of which there may be more. All other
    extensions stay, also those of HL7's that have no meaning here.
    """
    extensions = holder.get("extension")
    if not isinstance(extensions, list):
        return {}
    found: dict[str, list[JsonObject]] = {}
    left = []
    for extension in extensions:
        url = extension.get("url") if isinstance(extension, dict) else None
        path = url.removeprefix(prefix) if isinstance(url, str) else ""
        if path != url and (path in lists or (path in one and path not in found)):
            found.setdefault(path, []).append(extension)
        else:
            left.append(extension)
    if left or not found:
        holder["extension"] = left
    else:
        del holder["extension"]
    return found


def value_of(extension: JsonObject) -> Any:
    """Return the value that an extension carries; None where it carries none."""
    return next((value for name, value in extension.items() if name.startswith("value")), None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[JsonObject]:
    """Return the objects of a list; none of what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
