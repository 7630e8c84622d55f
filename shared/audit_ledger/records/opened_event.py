"""An event as those may see it who open records: its record, opened and read, and its entry."""

from base64 import b64decode
from functools import cached_property

import msgspec

from audit_ledger.events.event import Format
from audit_ledger.events.event_details import (
    EventDetails,
    EventDocument,
    decode_document,
    details_of,
)
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.strict_json import read_json, slice_members
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.record import Record


class OpenedEvent(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One record of the ledger, opened.

    `seq`: its entry; `entry_time`: the entry's, whole seconds since 1970; `event_id`: what it is
    read by; `time_ms`: the event's own time, milliseconds since 1970; `received`: when ingest took
    it, an instant with milliseconds; `resource`: the bytes that the portal submitted, but for what
    `cut` names; `flags`: as in docs/events.md; `conflict`: its id was taken by other content;
    `subject`: the patient's pseudonym, of 16 bytes, which is nobody's once the subject is erased;
    None of the subject `ledger`.
    """

    SHOWN = ("seq",)
    seq: int
    entry_time: int
    event_id: str
    time_ms: int
    portal: str
    received: str
    format: Format
    resource: bytes
    cut: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    conflict: bool = False
    subject: bytes | None = None
    details: EventDetails

    @cached_property
    def document(self) -> EventDocument:
        """The resource, decoded: once, when the record was opened."""
        return decode_document(self.resource, self.format)

    def audit_event(self) -> tuple[Release, bytes] | None:
        """Return release and bytes of the AuditEvent: the resource, or what a CloudEvent carries.

        None if it carries none. Raise RejectedEventError or ValueError if it is no such JSON.
        """
        if self.format != "cloudevents":
            return self.format, self.resource
        carried = self.document.audit_event
        if carried is None:
            return None
        members = slice_members(self.resource, "CloudEvent")
        packed = read_json(members.get("data_base64", b"null"), "CloudEvent.data_base64")
        body = members["data"] if packed is None else b64decode(packed, validate=True)
        return ("fhir-r4" if carried.get("code") is None else "fhir-r5"), body

    def forget_document(self) -> None:
        """Free the memory of `document`, which is several times that of `resource`."""
        self.__dict__.pop("document", None)


def opened_event(
    record: Record, row: IndexRow, *, seq: int, entry_time: int, event_id: str, conflict: bool
) -> OpenedEvent:
    """Read an opened record; `event_id` is its key in the index."""
    resource = bytes(record.resource)
    format_: Format = record.format  # type: ignore[assignment]  # parse_record lets no other pass
    document = decode_document(resource, format_)
    event = OpenedEvent(
        seq=seq,
        entry_time=entry_time,
        event_id=event_id,
        time_ms=row.time_ms,
        portal=record.portal,
        received=record.received,
        format=format_,
        resource=resource,
        cut=record.cut,
        flags=row.flags,
        conflict=conflict,
        subject=row.patient,
        details=details_of(document),
    )
    event.__dict__["document"] = document
    return event
