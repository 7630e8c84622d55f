"""Parse a FHIR Bundle of AuditEvents: batch, transaction or collection (IHE ITI-20).

Each entry has its own outcome here. The caller decides that one rejected entry fails a whole
transaction.
"""

from typing import Any, Final

from audit_ledger.events.audit_event import accept_audit_event
from audit_ledger.events.batch import MAX_EVENTS, parse_each
from audit_ledger.events.bundle_request import check_request
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.event import Bundle, BundleType, Event
from audit_ledger.events.limits import require_size
from audit_ledger.events.strict_json import read_json, slice_elements, slice_members

MAX_ENTRIES: Final = MAX_EVENTS
MAX_AROUND_BYTES: Final = 64 * 1024
"""Bytes of an entry outside its resource."""

_TYPES: Final[dict[Any, BundleType]] = {
    "batch": "batch",
    "transaction": "transaction",
    "collection": "collection",
}


def parse_bundle(body: bytes, fhir_version: str | None = None) -> Bundle:
    """Parse a Bundle of at most MAX_ENTRIES entries; the bytes of resources stay unchanged.

    Raise RejectedEventError if the Bundle itself is rejected: not JSON (400), another resource
    type or Bundle type (422), too many entries or patients (413).
    """
    members = slice_members(body, "Bundle")
    if _read(members, "resourceType") != "Bundle":
        raise RejectedEventError(
            422, "not-supported", "Bundle.resourceType", "the resource type Bundle"
        )
    type_ = _read(members, "type")
    bundle_type = _TYPES.get(type_) if isinstance(type_, str) else None
    if bundle_type is None:
        raise RejectedEventError(422, "not-supported", "Bundle.type", " or ".join(_TYPES))
    entries = slice_elements(members.get("entry", b"[]"), "Bundle.entry", MAX_ENTRIES, "entries")

    def parse(entry: bytes, place: str) -> Event:
        return _entry(entry, bundle_type, fhir_version, place)

    return Bundle(bundle_type, parse_each(entries, parse, "Bundle.entry"))


def _read(members: dict[str, bytes], name: str) -> Any:
    return read_json(members[name], f"Bundle.{name}") if name in members else None


def _entry(entry: bytes, bundle_type: BundleType, fhir_version: str | None, place: str) -> Event:
    members = slice_members(entry, place)
    resource = members.pop("resource", b"null")
    require_size(resource, f"{place}.resource")
    if len(entry) - len(resource) > MAX_AROUND_BYTES:
        expected = f"at most {MAX_AROUND_BYTES >> 10} KB around a resource"
        raise RejectedEventError(413, "too-long", place, expected)
    around = {name: read_json(value, f"{place}.{name}") for name, value in members.items()}
    if bundle_type != "collection":
        check_request(around.get("request"), f"{place}.request")
    place = f"{place}.resource"
    document = read_json(resource, place)
    if document is None:
        raise RejectedEventError(422, "required", place, "an AuditEvent")
    return accept_audit_event(resource, document, fhir_version, place)
