"""Holds an AuditEvent against the StructureDefinition that HL7 publishes: names, counts, types."""

import json
import re
from pathlib import Path
from typing import Any

STRINGS = {
    "code": r"\S+", "id": r"[A-Za-z0-9\-.]{1,64}", "string": r".+", "uri": r"\S+",
    "base64Binary": r"[A-Za-z0-9+/=]+",
    "instant": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-].{5})",
    "http://hl7.org/fhirpath/System.String": r".+",
}  # fmt: skip
COMPLEX = {  # what we write of the data types, R4 and R5 alike
    "Coding": {"system", "code", "display"},
    "CodeableConcept": {"coding", "text"},
    "Reference": {"reference", "identifier", "display", "extension"},
    "Meta": {"tag"},
}


def faults(event: dict[str, Any], profiles: Path, release: str) -> list[str]:
    """Say what is not as the release (R4, R5) has it; empty when all is."""
    profile = json.loads((profiles / f"{release}-auditevent.profile.json").read_bytes())
    elements = {element["path"]: element for element in profile["snapshot"]["element"]}
    plain = {name: value for name, value in event.items() if name != "resourceType"}
    return [*_of_object(plain, "AuditEvent", elements)]


def _of_object(value: dict[str, Any], path: str, elements: dict[str, Any]) -> list[str]:
    below = {p: e for p, e in elements.items() if p.rpartition(".")[0] == path}
    found = [f"{path}.{name}: unknown" for name in value if f"{path}.{name}" not in below]
    for child, element in below.items():
        given = value.get(child.rpartition(".")[2])
        is_list = element["max"] == "*"
        if given is None:
            found += [f"{child}: missing"] if element["min"] else []
        elif is_list != isinstance(given, list):
            found.append(f"{child}: list or not")
        else:
            items = given if is_list else [given]
            found += [f"{child}: empty"] if not items else []
            for item in items:
                found += _of_value(item, child, element, elements)
    return found


def _of_value(item: Any, path: str, element: dict[str, Any], elements: dict[str, Any]) -> list[str]:
    (kind,) = {type_["code"] for type_ in element["type"]}
    if kind == "BackboneElement":
        return _of_object(item, path, elements)
    if kind == "boolean":
        return [] if isinstance(item, bool) else [f"{path}: no boolean"]
    if kind in STRINGS:
        is_one = isinstance(item, str) and re.fullmatch(STRINGS[kind], item)
        return [] if is_one else [f"{path}: no {kind}"]
    if not isinstance(item, dict) or not item or not set(item) <= COMPLEX[kind]:
        return [f"{path}: no {kind}"]
    return [f"{path}.{name}: empty" for name, inside in item.items() if inside in ("", [], {})]
