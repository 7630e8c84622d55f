"""Some elements of an event alone: FHIR's `_elements`, and what FHIR demands beside them."""

from typing import Any, Final

import msgspec

from audit_ledger.events.fhir_version import Release

SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
_ALWAYS: Final = frozenset({"resourceType", "id", "meta", "implicitRules", "modifierExtension"})
_DEMANDED: Final[dict[Release, frozenset[str]]] = {
    "fhir-r4": frozenset({"type", "recorded", "agent", "source"}),
    "fhir-r5": frozenset({"code", "recorded", "agent", "source"}),
}

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def with_elements(event: bytes, elements: tuple[str, ...], release: Release) -> bytes:
    """Return an AuditEvent of `release` with these elements, its `meta.tag` saying so; JSON.

    What FHIR demands stays too, and what changes the meaning of the rest (R4 and R5, Search,
    Elements); each value keeps its bytes.
    """
    shown = {*elements, *_ALWAYS, *_DEMANDED[release]}
    members = _members.decode(event)
    chosen: dict[str, Any] = {
        name: value for name, value in members.items() if name.removeprefix("_") in shown
    }
    meta = msgspec.json.decode(chosen.get("meta", b"{}"))
    meta = meta if isinstance(meta, dict) else {}
    tags = meta.get("tag")
    chosen["meta"] = {**meta, "tag": [*(tags if isinstance(tags, list) else ()), SUBSETTED]}
    return msgspec.json.encode(chosen)
