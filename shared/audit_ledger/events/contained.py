"""Resolve references: to other resources, or by `#p1` to resources contained in the event."""

from collections.abc import Mapping
from typing import Final

import msgspec

from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.fhir_model import Identifier, Reference, read_elements
from audit_ledger.events.json_cut import spell_path
from audit_ledger.events.limits import (
    MAX_CONTAINED_IDENTIFIER_BYTES,
    MAX_IDENTIFIERS,
    require_at_most,
    too_many,
)
from audit_ledger.events.references import (
    base_of,
    identifiers_of,
    normalize_reference,
    pairs_of,
)
from audit_ledger.events.strict_json import JsonObject

Contained = Mapping[str, JsonObject]  # by reference: "#p1"

NOTHING_CONTAINED: Final[Contained] = {}


class ResolvedReference(msgspec.Struct, gc=False):
    """A resource named by a reference.

    `type` is the resource type, if stated. `reference` is in its normal form, None if it has no
    meaning outside the event; `base` is the base URL in it, "" if none. `identifiers` are (system,
    value), each once.
    """

    type: str | None
    reference: str | None
    identifiers: tuple[tuple[str, str], ...]
    base: str = ""


def contained_by_reference(resources: list[JsonObject]) -> Contained:
    """Return contained resources by the references to them."""
    return {f"#{item['id']}": item for item in resources if type(item.get("id")) is str}


def resolve(reference: Reference, contained: Contained, *place: str | int) -> ResolvedReference:
    """Return the resource that a reference names.

    `place` is the path of the reference: `"AuditEvent", "agent", 0, "who"`. Raise
    RejectedEventError if identifiers of a contained resource are malformed, too many or too large.
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
        require_at_most(inside, where, MAX_IDENTIFIERS, "identifiers")
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
        if len(identifiers) > 2 * MAX_IDENTIFIERS:  # a CX yields two identifiers
            raise too_many(spell_path(place), len(identifiers), MAX_IDENTIFIERS, "identifiers")
    return ResolvedReference(kind, normal, tuple(identifiers), base)
