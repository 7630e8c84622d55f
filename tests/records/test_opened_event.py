"""An opened event contains its decoded document, so that readers need not decode it again."""

import base64
import json

import msgspec
import pytest

from audit_ledger.events import event_details, strict_json
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.opened_event import OpenedEvent, opened_event
from audit_ledger.records.record import Record
from audit_ledger.reports.suspension import Suspension
from audit_ledger.sequence_gaps.sequence_number import read_number
from functions.query.withholding import names_recipient

AUDIT_EVENT = {
    "resourceType": "AuditEvent",
    "type": {"code": "rest"},
    "recorded": "2026-11-22T05:59:00Z",
    "agent": [{"who": {"reference": "Practitioner/2"}, "requestor": True}],
    "source": {"observer": {"display": "EHR"}},
}
CLOUDEVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "urn:ehr",
    "type": "audit",
    "datacontenttype": "application/json",
    "data_base64": base64.b64encode(json.dumps(AUDIT_EVENT).encode()).decode(),
}


def opened() -> OpenedEvent:
    resource = json.dumps(CLOUDEVENT).encode()
    record = Record("ehr", "2026-11-22T06:00:00.000Z", "cloudevents", msgspec.Raw(resource))
    row = IndexRow(event_id="ab" * 32, time_ms=0, fingerprint=bytes(16), generation=0)
    return opened_event(record, row, seq=1, entry_time=0, event_id="ab" * 32, conflict=False)


def test_a_record_is_decoded_once_for_all_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CloudEvent and its data are two documents; each is decoded once."""
    bodies: list[bytes] = []
    read_json = strict_json.read_json

    def read_and_record(body: bytes, place: str) -> object:
        bodies.append(body)
        return read_json(body, place)

    monkeypatch.setattr(event_details, "read_json", read_and_record)
    event = opened()
    suspension = Suspension(
        agency="FBI",
        recipients=frozenset(("reference|Practitioner/3",)),
        from_ms=0,
        until_ms=1,
        oral=False,
    )
    assert read_number(event) is None
    assert not names_recipient(event, [suspension])
    assert event.document.audit_event == AUDIT_EVENT
    assert len(bodies) == 2


def test_a_forgotten_document_is_decoded_again() -> None:
    """Events are compared without it."""
    event = opened()
    event.forget_document()
    assert event == opened()
    assert event.document == opened().document
    assert repr(event.document) == "EventDocument(format='cloudevents')"
