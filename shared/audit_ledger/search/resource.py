"""The AuditEvent that is shown of a record: the sender's bytes, or converted, or represented."""

from base64 import b64decode

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.details import audit_event_of
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.json_document import read_json, slice_members
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.releases import convert
from audit_ledger.search.represented import represent


class ShownEvent(msgspec.Struct, frozen=True, gc=False):
    """An AuditEvent as it is shown. `is_represented`: made by the ledger, not by the sender;
    `converted_from`: the release of what was submitted, where another was asked for.
    """

    body: bytes
    release: Release
    is_represented: bool = False
    converted_from: Release | None = None

    def __repr__(self) -> str:
        """Say which release, and nothing of what is inside."""
        return f"ShownEvent({self.release!r}, {len(self.body)} bytes)"


def shown_event(opened: OpenedEvent, release: Release | None) -> ShownEvent:
    """Give the AuditEvent of a record, byte for byte; of a CloudEvent the one that it carries.

    Where it carries none, one is made. One of another than the `release` that was asked for is
    converted, unless it has not the shape that its own release demands.
    """
    if opened.format != "cloudevents":
        return _in_release(opened.resource, opened.format, release)
    carried = audit_event_of(opened.resource, opened.format)
    if carried is None:
        made_in = release or "fhir-r4"
        return ShownEvent(represent(opened, made_in), made_in, is_represented=True)
    members = slice_members(opened.resource, "CloudEvent")
    packed = members.get("data_base64", b"null")
    own = members["data"] if packed == b"null" else b64decode(read_json(packed, "data_base64"))
    return _in_release(own, "fhir-r4" if carried.get("code") is None else "fhir-r5", release)


def _in_release(submitted: bytes, own: Release, asked: Release | None) -> ShownEvent:
    if asked in (None, own):
        return ShownEvent(submitted, own)
    try:
        return ShownEvent(convert(submitted, asked), asked, converted_from=own)
    except FormatError:
        return ShownEvent(submitted, own)
