"""Carry elements that the other release lacks in extensions, and restore them from there.

The URLs are those of HL7's cross-version extensions (FHIR R5, "Extensions for converting between
versions"): `http://hl7.org/fhir/<version>/StructureDefinition/extension-AuditEvent.<path>`.
Elements that a release requires but the event lacks are made and marked, so that converting back
removes them.
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
"""Data types of the members of objects without a data type (backbone elements)."""

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
    """Return a made value with its mark."""
    return {**value, "extension": [MADE]}


def is_made(value: Any) -> bool:
    """Return whether a value has the mark of made values."""
    return isinstance(value, dict) and MADE in _list(value.get("extension"))


def carry(holder: JsonObject, url: str, kind: str, value: Any) -> None:
    """Add an extension to an object; `kind`: the data type, as in `valueCoding`."""
    _extensions(holder).append({"url": url, f"value{kind}": value})


def carry_primitive(holder: JsonObject, url: str, kind: str, element: str) -> None:
    """Move a primitive element and its `_element` into an extension."""
    value = popped(holder, element, f"value{kind}")
    if value:
        _extensions(holder).append({"url": url, **value})


def popped(holder: JsonObject, element: str, name: str) -> JsonObject:
    """Remove a primitive element and its `_element`; return both under another name."""
    return {
        prefix + name: holder.pop(prefix + element)
        for prefix in ("", "_")
        if prefix + element in holder
    }


def put(holder: JsonObject, element: str, extension: JsonObject) -> None:
    """Put an extension's `value…` and `_value…` into an element and its `_element`."""
    for name, value in extension.items():
        if name.startswith(("value", "_value")):
            holder[("_" if name.startswith("_") else "") + element] = value


def carry_object(holder: JsonObject, url: str, value: JsonObject, kinds: Mapping[str, str]) -> None:
    """Add an extension for an object without a data type, member by member.

    `kinds`: data types of its members. Raise FormatError if it has other members.
    """
    underscored = {f"_{name}" for name, one in value.items() if not isinstance(one, list)} | {
        f"_{name}" for name in kinds if name not in value
    }
    if not set(value) <= {*kinds, *underscored, "extension", "id"}:
        raise FormatError("AuditEvent: an element has members that its release does not define")
    parts: list[JsonObject] = []
    for name in dict.fromkeys(name.removeprefix("_") for name in value if name != "extension"):
        kind = "String" if name == "id" else kinds[name]
        member = value.get(name)
        if isinstance(member, list):
            parts += ({"url": name, f"value{kind}": one} for one in member)
        else:
            parts.append({"url": name, **popped(dict(value), name, f"value{kind}")})
    own = value.get("extension", [])
    if not isinstance(own, list):
        raise FormatError("AuditEvent.extension: expected a list")
    _extensions(holder).append({"url": url, "extension": [*parts, *own]})


def object_of(extension: JsonObject, kinds: Mapping[str, str], lists: Set[str]) -> JsonObject:
    """Return the object in an extension of `carry_object`; `lists`: its members that are lists."""
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
        raise FormatError("AuditEvent.extension: expected a list")
    return extensions


def taken(
    holder: JsonObject, prefix: str, *, one: Set[str] = NONE, lists: Set[str] = NONE
) -> dict[str, list[JsonObject]]:
    """Remove the carried elements from an object: path below `prefix` → extensions.

    `one`: paths with at most one extension; `lists`: paths with several. All other extensions stay,
    also those of HL7 that have no meaning here.
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
    """Return an extension's value; None if it has none."""
    return next((value for name, value in extension.items() if name.startswith("value")), None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[JsonObject]:
    """Return the objects in a list; none if the value is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
