"""Opened event: a decrypted and parsed record with the data of its entry."""

from base64 import b64decode
from functools import cached_property

import msgspec

from audit_ledger.events.event import Format
from audit_ledger.events.event_details import (
    EventDetails,
    EventDocument,
    details_of,
    parse_document,
)
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.strict_json import read_json, slice_members
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.record import Record


class OpenedEvent(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One decrypted record of the ledger.

    `seq`: its entry; `entry_time`: the entry's, whole seconds since 1970; `event_id`: its
    id in the API; `time_ms`: the event's own time, milliseconds since 1970; `received`: when ingest
    accepted it, an instant with milliseconds; `resource`: the submitted bytes without the
    elements that `cut` names; `flags`: as in docs/events.md; `conflict`: other content
    used its id before;
    `subject`: the patient's pseudonym, 16 bytes, which matches no patient after an erasure;
    None for the subject `ledger`.
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
        return parse_document(self.resource, self.format)

    def audit_event(self) -> tuple[Release, bytes] | None:
        """Return release and bytes of the AuditEvent: the resource, or the data of a CloudEvent.

        None if a CloudEvent has no AuditEvent. Raise RejectedEventError or ValueError if the JSON
        is invalid.
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
    document = parse_document(resource, format_)
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
