"""Whom a reference names: elsewhere, or by `#p1` in what the event itself contains."""

from collections.abc import Mapping
from typing import Final

import msgspec

from audit_ledger.events.elements import Identifier, Reference, read_elements
from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.json_spans import spell_path
from audit_ledger.events.references import identifiers_of, normalize_reference, pairs_of

Contained = Mapping[str, JsonObject]  # by what refers to it: "#p1"

NOTHING_CONTAINED: Final[Contained] = {}


class Named(msgspec.Struct, gc=False):
    """What is known of whom a reference names.

    `type` is the resource type, where it is said. `reference` is in its one form, None where there
    is none that means anything outside of the event. `identifiers` are (system, value), each once.
    """

    type: str | None
    reference: str | None
    identifiers: tuple[tuple[str, str], ...]


def contained_by_reference(resources: list[JsonObject]) -> Contained:
    """Give contained resources by what refers to them."""
    return {f"#{item['id']}": item for item in resources if type(item.get("id")) is str}


def resolve(reference: Reference, contained: Contained, *place: str | int) -> Named:
    """Find out whom a reference names.

    RejectedEvent where the identifiers of a contained resource are not of FHIR's shape; `place`, in
    pieces, says where the reference stands: `"AuditEvent", "agent", 0, "who"`.
    """
    identifiers: list[tuple[str, str]] = []
    kind = normal = None
    target = reference.reference
    if reference.identifier is not None or (target and "?" in target):
        identifiers = identifiers_of(reference)
    if target and target[0] == "#":
        resource = contained.get(target, {})
        if type(declared := resource.get("resourceType")) is str:
            kind = declared
        inside = resource.get("identifier") or []
        for identifier in inside if isinstance(inside, list) else [inside]:
            where = f"{spell_path(place)}.resolve().identifier"
            found = read_elements(identifier, Identifier, where)
            identifiers += pairs_of((found,))
    elif target:
        kind, normal = normalize_reference(target)
    if kind is None and reference.type:
        kind = reference.type.rpartition("/")[2]
    if len(identifiers) > 1:
        identifiers = list(dict.fromkeys(identifiers))
    return Named(kind, normal, tuple(identifiers))
