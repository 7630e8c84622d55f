"""A FHIR Bundle of AuditEvents: batch, transaction or collection (IHE ITI-20).

Each entry has its own outcome here. That one bad entry fails a whole transaction is for the caller
to decide, who sees them all.
"""

from typing import Any, Final

from audit_ledger.events.audit_event import accept_audit_event
from audit_ledger.events.bundle_request import check_request
from audit_ledger.events.event import Bundle, BundleType, Event
from audit_ledger.events.json_document import read_json, slice_elements, slice_members
from audit_ledger.events.outcomes import MAX_EVENTS, parse_each
from audit_ledger.events.rejected import RejectedEvent

MAX_ENTRIES: Final = MAX_EVENTS

_TYPES: Final[dict[Any, BundleType]] = {
    "batch": "batch",
    "transaction": "transaction",
    "collection": "collection",
}


def parse_bundle(body: bytes, fhir_version: str | None = None) -> Bundle:
    """Parse a Bundle of at most MAX_ENTRIES entries; resources keep the bytes they have in it.

    Raises RejectedEvent when the Bundle itself cannot be understood: not JSON (400), another
    resource or another type of Bundle (422), too many entries or patients in them (413).
    """
    members = slice_members(body, "Bundle")
    if _read(members, "resourceType") != "Bundle":
        raise RejectedEvent(422, "not-supported", "Bundle.resourceType", "the resource type Bundle")
    type_ = _read(members, "type")
    bundle_type = _TYPES.get(type_) if isinstance(type_, str) else None
    if bundle_type is None:
        raise RejectedEvent(422, "not-supported", "Bundle.type", " or ".join(_TYPES))
    entries = slice_elements(members.get("entry", b"[]"), "Bundle.entry", MAX_ENTRIES, "entries")

    def parse(entry: bytes, place: str) -> Event:
        return _entry(entry, bundle_type, fhir_version, place)

    return Bundle(bundle_type, parse_each(entries, parse, "Bundle.entry"))


def _read(members: dict[str, bytes], name: str) -> Any:
    return read_json(members[name], f"Bundle.{name}") if name in members else None


def _entry(entry: bytes, bundle_type: BundleType, fhir_version: str | None, place: str) -> Event:
    document = read_json(entry, place)
    if not isinstance(document, dict):
        raise RejectedEvent(422, "structure", place, "an object")
    if bundle_type != "collection":
        check_request(document.get("request"), f"{place}.request")
    place = f"{place}.resource"
    if document.get("resource") is None:
        raise RejectedEvent(422, "required", place, "an AuditEvent")
    resource = slice_members(entry, place)["resource"]
    return accept_audit_event(resource, document["resource"], fhir_version, place)
