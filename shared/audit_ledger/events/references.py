"""FHIR references and identifiers, brought to one form (R4 and R5, References)."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from audit_ledger.events.elements import Identifier, Reference

# An HL7 v2 CX, as ATNA systems put it into an identifier without system: id^^^&<OID>&ISO
_CX = re.compile(r"([^^&]+)\^\^\^[^^&]*&([0-9]+(?:\.[0-9]+)+)&ISO")

Target = tuple[str | None, str]  # (resource type where it can be told, the reference's one form)


def normalize_reference(reference: str) -> Target:
    """Bring a reference to its one form.

    `https://host/fhir/Patient/1/_history/2` and `Patient/1` are both `Patient/1`; `urn:uuid:…`
    comes in lower case; a fragment (`#p1`), a search (`Patient?identifier=…`) and the rest stay.
    """
    head, _, tail = reference.partition("/")
    if tail and head.isalpha() and head[0].isupper() and "/" not in tail and "?" not in tail:
        return head, reference
    if reference[:4].lower() == "urn:":
        return None, reference.lower() if reference[:9].lower() == "urn:uuid:" else reference
    path, question_mark, _ = reference.partition("?")
    segments = path.rstrip("/").split("/")
    if question_mark:
        return segments[-1] if is_type_name(segments[-1]) else None, reference
    if len(segments) > 3 and segments[-2] == "_history":
        del segments[-2:]
    if len(segments) > 1 and is_type_name(segments[-2]):
        return segments[-2], f"{segments[-2]}/{segments[-1]}"
    return segments[0] if is_type_name(segments[0]) else None, reference


def is_type_name(segment: str) -> bool:
    """Say whether a path segment looks like the name of a resource type."""
    return segment.isalpha() and segment[0].isupper()


def identifiers_of(reference: Reference) -> list[tuple[str, str]]:
    """Give what a Reference names by identifier: (system, value), system "" where absent."""
    found = [] if reference.identifier is None else pairs_of((reference.identifier,))
    if reference.reference and "?" in reference.reference:
        for name, text in parse_qsl(reference.reference.partition("?")[2]):
            if name == "identifier":
                system, bar, value = text.partition("|")
                found.append((system, value) if bar else ("", text))
    return found


def pairs_of(identifiers: Iterable[Identifier]) -> list[tuple[str, str]]:
    """Give (system, value) of FHIR Identifiers; a CX in one is taken apart as well."""
    found = []
    for identifier in identifiers:
        if identifier.value:
            found.append((identifier.system or "", identifier.value))
            if not identifier.system and "^" in identifier.value:
                cx = _CX.fullmatch(identifier.value)
                found += [(f"urn:oid:{cx[2]}", cx[1])] if cx else []
    return found
