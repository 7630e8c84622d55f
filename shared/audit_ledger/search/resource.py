"""The AuditEvent that is shown of a record: the sender's own bytes, or one represented."""

from base64 import b64decode

import msgspec

from audit_ledger.events.details import audit_event_of
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.json_document import read_json, slice_members
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.represented import represent


class ShownEvent(msgspec.Struct, frozen=True, gc=False):
    """An AuditEvent as it is shown. `is_represented`: made by the ledger, not by the sender."""

    body: bytes
    release: Release
    is_represented: bool = False

    def __repr__(self) -> str:
        """Say which release, and nothing of what is inside."""
        return f"ShownEvent({self.release!r}, {len(self.body)} bytes)"


def shown_event(opened: OpenedEvent, release: Release) -> ShownEvent:
    """Give the AuditEvent of a record, byte for byte; of a CloudEvent the one that it carries.

    Where it carries none, one is made in the `release` that was asked for.
    """
    if opened.format != "cloudevents":
        return ShownEvent(opened.resource, opened.format)
    carried = audit_event_of(opened.resource, opened.format)
    if carried is None:
        return ShownEvent(represent(opened, release), release, is_represented=True)
    members = slice_members(opened.resource, "CloudEvent")
    packed = members.get("data_base64", b"null")
    own = members["data"] if packed == b"null" else b64decode(read_json(packed, "data_base64"))
    return ShownEvent(own, "fhir-r4" if carried.get("code") is None else "fhir-r5")
