"""Contained resources: a reference `#p1` names what the event itself brings along."""

from collections.abc import Mapping
from typing import Final

from audit_ledger.events.elements import Identifier, Reference, read_elements
from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.references import pairs_of, type_of

Contained = Mapping[str, JsonObject]  # by what refers to it: "#p1"

NOTHING_CONTAINED: Final[Contained] = {}


def contained_by_reference(resources: list[JsonObject]) -> Contained:
    """Give contained resources by what refers to them."""
    return {f"#{item['id']}": item for item in resources if type(item.get("id")) is str}


def resolved_type(reference: Reference, contained: Contained) -> str | None:
    """Give the resource type of what is referred to, contained or not; None where none is said."""
    resource = contained.get(reference.reference) if reference.reference else None
    if resource is None:
        return type_of(reference)
    kind = resource.get("resourceType")
    return kind if isinstance(kind, str) else None


def resolved_identifiers(
    reference: Reference, contained: Contained, place: str
) -> list[tuple[str, str]]:
    """Give the identifiers of the contained resource that is referred to; none for any other."""
    resource = contained.get(reference.reference) if reference.reference else None
    identifiers = resource and resource.get("identifier")
    if not isinstance(identifiers, list):
        identifiers = [identifiers] if identifiers else []
    return pairs_of(
        read_elements(i, Identifier, f"{place}.resolve().identifier") for i in identifiers
    )
