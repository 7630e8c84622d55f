"""Events by the number of their entry: what proofs, findings and exports name."""

import json

from tests.builders.audit_event import read_of
from tests.query.ledger_api import OTHER, LedgerApi


def test_an_entry_s_number_leads_to_its_event(ledger_api: LedgerApi) -> None:
    """To read it, as it was submitted, and for its receipt; the id in the answer is the event's."""
    ids = [ledger_api.send(read_of(who)) for who in ("rose", "martha", "rose")]
    ledger_api.settle()
    for event_id in ids:
        receipt = ledger_api.get(f"/AuditEvent/{event_id}/receipt").json()
        at = f"/AuditEvent/entry-{receipt['index']}"
        assert ledger_api.get(at).json()["id"] == event_id
        assert ledger_api.get(f"{at}/$submitted").content == ledger_api.sent[event_id]
        assert ledger_api.get(f"{at}/receipt").json()["entry"] == receipt["entry"]


def test_what_is_no_event_s_entry_is_not_found(ledger_api: LedgerApi) -> None:
    """Entry 0 is a control entry; the rest is beyond the published size, or no number."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    for number in ("0", "1000000", "01", "-1", "1e3", "", "9" * 19, "x"):
        assert ledger_api.get(f"/AuditEvent/entry-{number}").status_code == 404, number


def test_a_number_alone_is_an_id_that_senders_have(ledger_api: LedgerApi) -> None:
    """A client that asks for a sender's id 1 is not given the event of entry 1."""
    ledger_api.send(json.dumps({**json.loads(read_of("rose")), "id": "1"}).encode())
    ledger_api.settle()
    assert ledger_api.get("/AuditEvent/1").status_code == 404


def test_a_number_shows_nobody_what_an_id_would_not(ledger_api: LedgerApi) -> None:
    """Of another patient, or of another ledger; nor what is not published yet."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    number = ledger_api.get(f"/AuditEvent/{event_id}/receipt").json()["index"]
    at = f"/AuditEvent/entry-{number}"
    assert ledger_api.get(at, ledger_api.patient("rose")).status_code == 200
    assert ledger_api.get(at, ledger_api.patient("martha")).status_code == 404
    other = ledger_api.cloud.tokens.security(OTHER)
    assert ledger_api.get(at, other).status_code == 404
    ledger_api.send(read_of("rose"))
    ledger_api.cloud.drain()
    published = ledger_api.get("/digests/latest").json()["size_after"]
    assert ledger_api.get(f"/AuditEvent/entry-{published}").status_code == 404
