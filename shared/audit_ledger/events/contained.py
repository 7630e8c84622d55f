"""Whom a reference names: elsewhere, or by `#p1` in what the event itself contains."""

from collections.abc import Mapping
from typing import Final

import msgspec

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.fhir_model import Identifier, Reference, read_elements
from audit_ledger.events.json_cut import spell_path
from audit_ledger.events.limits import (
    MAX_CONTAINED_IDENTIFIER_BYTES,
    MAX_IDENTIFIERS,
    require_few,
    too_many,
)
from audit_ledger.events.references import (
    base_of,
    identifiers_of,
    normalize_reference,
    pairs_of,
)
from audit_ledger.events.strict_json import JsonObject

Contained = Mapping[str, JsonObject]  # by what refers to it: "#p1"

NOTHING_CONTAINED: Final[Contained] = {}


class NamedResource(msgspec.Struct, gc=False):
    """What is known of whom a reference names.

    `type` is the resource type, where it is said. `reference` is in its one form, None where there
    is none that means anything outside of the event; `base`: of the server that it names, "" if
    none. `identifiers` are (system, value), each once.
    """

    type: str | None
    reference: str | None
    identifiers: tuple[tuple[str, str], ...]
    base: str = ""


def contained_by_reference(resources: list[JsonObject]) -> Contained:
    """Return contained resources by what refers to them."""
    return {f"#{item['id']}": item for item in resources if type(item.get("id")) is str}


def resolve(reference: Reference, contained: Contained, *place: str | int) -> NamedResource:
    """Find out whom a reference names.

    RejectedEventError where the identifiers of a contained resource are not of FHIR's shape;
    `place`, in pieces, says where the reference stands: `"AuditEvent", "agent", 0, "who"`.
    """
    identifiers: list[tuple[str, str]] = []
    kind = normal = None
    base = ""
    target = reference.reference
    if reference.identifier is not None or (target and "?" in target):
        identifiers = identifiers_of(reference)
    if target and target[0] == "#":
        resource = contained.get(target, {})
        if type(declared := resource.get("resourceType")) is str:
            kind = declared
        where = f"{spell_path(place)}.resolve().identifier"
        inside = resource.get("identifier") or []
        require_few(inside, where, MAX_IDENTIFIERS, "identifiers")
        for identifier in inside if isinstance(inside, list) else [inside]:
            found = read_elements(identifier, Identifier, where)
            identifiers += pairs_of((found,))
        if sum(len(s) + len(v) for s, v in identifiers) > MAX_CONTAINED_IDENTIFIER_BYTES:
            expected = f"identifiers of at most {MAX_CONTAINED_IDENTIFIER_BYTES >> 10} KB together"
            raise RejectedEventError(413, "too-costly", where, expected)
    elif target:
        kind, normal = normalize_reference(target)
        if normal is not target:
            base = base_of(target)
    if kind is None and reference.type:
        kind = reference.type.rpartition("/")[2]
    if len(identifiers) > 1:
        identifiers = list(dict.fromkeys(identifiers))
        if len(identifiers) > 2 * MAX_IDENTIFIERS:  # a CX makes two of one
            raise too_many(spell_path(place), len(identifiers), MAX_IDENTIFIERS, "identifiers")
    return NamedResource(kind, normal, tuple(identifiers), base)
