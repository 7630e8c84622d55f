"""The AuditEvent that is shown of a record: as submitted, or converted, or represented.

Its `id` is the event id, by which it can be read (`events.resource_id`). FHIR's `_elements` shows
some of its elements alone.
"""

from typing import Any, Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.resource_id import with_id
from audit_ledger.fhir_versions import convert
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.cloudevent_as_audit_event import represent

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


class ShownEvent(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """An AuditEvent as it is shown. `is_represented`: made by the ledger, not by the sender;
    `converted_from`: the release that was submitted, if another was requested.
    """

    SHOWN = ("release",)
    body: bytes
    release: Release
    is_represented: bool = False
    converted_from: Release | None = None


def shown_event(opened: OpenedEvent, release: Release) -> ShownEvent:
    """Return the AuditEvent of a record, of a CloudEvent the one that it carries, with its id here.

    Every other byte is the sender's. Where a CloudEvent carries none, one is made. One of another
    than the requested `release` is converted, unless it has not the shape that its own
    release demands: see `ShownEvent.release`.
    """
    found = opened.audit_event()
    if found is None:
        return ShownEvent(represent(opened, release), release, is_represented=True)
    own, event = found
    return _in_release(with_id(event, opened.event_id), own, release)


def _in_release(event: bytes, own: Release, requested: Release) -> ShownEvent:
    if requested == own:
        return ShownEvent(event, own)
    try:
        return ShownEvent(convert(event, requested), requested, converted_from=own)
    except FormatError:
        return ShownEvent(event, own)


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
