"""FHIR references and identifiers, brought to one form (R4 and R5, References, Section 2.3)."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from audit_ledger.events.elements import object_in, text_in
from audit_ledger.events.event import PatientReference
from audit_ledger.events.json_document import JsonObject

# An HL7 v2 CX, as ATNA systems put it into an identifier without system: id^^^&<OID>&ISO
_CX = re.compile(r"([^^&]+)\^\^\^[^^&]*&([0-9]+(?:\.[0-9]+)+)&ISO")


class Target(NamedTuple):
    """What a reference refers to. `normal` is `<type>/<id>` where that can be said."""

    type: str | None
    normal: str


def normalize_reference(reference: str) -> Target:
    """Bring a reference to its one form.

    `https://host/fhir/Patient/1/_history/2` and `Patient/1` are both `Patient/1`; `urn:uuid:…`
    comes in lower case; a fragment (`#p1`), a search (`Patient?identifier=…`) and the rest stay.
    """
    if reference[:4].lower() == "urn:":
        return Target(
            None, reference.lower() if reference[:9].lower() == "urn:uuid:" else reference
        )
    path, question_mark, _ = reference.partition("?")
    segments = path.rstrip("/").split("/")
    if question_mark:
        return Target(segments[-1] if is_type_name(segments[-1]) else None, reference)
    if len(segments) > 3 and segments[-2] == "_history":
        del segments[-2:]
    if len(segments) > 1 and is_type_name(segments[-2]):
        return Target(segments[-2], f"{segments[-2]}/{segments[-1]}")
    return Target(segments[0] if is_type_name(segments[0]) else None, reference)


def is_type_name(segment: str) -> bool:
    """Say whether a path segment looks like the name of a resource type."""
    return segment.isalpha() and segment[0].isupper()


def identifiers_of(reference: JsonObject, place: str) -> tuple[tuple[str, str], ...]:
    """Give what a FHIR Reference names by identifier: (system, value), system "" where absent."""
    found: list[tuple[str, str]] = []
    identifier = object_in(reference, "identifier", place)
    if identifier is not None:
        found += identifier_pairs(identifier, f"{place}.identifier")
    target = reference.get("reference")
    if isinstance(target, str) and "?" in target:
        for name, text in parse_qsl(target.partition("?")[2]):
            if name == "identifier":
                system, bar, value = text.partition("|")
                found.append((system, value) if bar else ("", text))
    return tuple(dict.fromkeys(found))


def identifier_pairs(identifier: JsonObject, place: str) -> list[tuple[str, str]]:
    """Give (system, value) of a FHIR Identifier; a CX in it is taken apart as well."""
    value = text_in(identifier, "value", place)
    if not value:
        return []
    system = text_in(identifier, "system", place) or ""
    pairs = [(system, value)]
    if not system and "^" in value and (cx := _CX.fullmatch(value)):
        pairs.append((f"urn:oid:{cx[2]}", cx[1]))
    return pairs


def patient_reference(reference: JsonObject | None, place: str) -> PatientReference:
    """Read a FHIR Reference that names a patient."""
    if reference is None:
        return PatientReference()
    target = text_in(reference, "reference", place)
    return PatientReference(
        normalize_reference(target).normal if target else None, identifiers_of(reference, place)
    )
