"""Events by the number of their entry: what proofs, findings and exports name."""

import json

from tests.builders.audit_event import read_of
from tests.query.stage import OTHER, Stage


def test_an_entry_s_number_leads_to_its_event(stage: Stage) -> None:
    """To read it, as it was submitted, and for its receipt; the id in the answer is the event's."""
    ids = [stage.send(read_of(who)) for who in ("rose", "martha", "rose")]
    stage.settle()
    for event_id in ids:
        receipt = stage.get(f"/AuditEvent/{event_id}/receipt").json()
        at = f"/AuditEvent/entry-{receipt['index']}"
        assert stage.get(at).json()["id"] == event_id
        assert stage.get(f"{at}/$submitted").content == stage.sent[event_id]
        assert stage.get(f"{at}/receipt").json()["entry"] == receipt["entry"]


def test_what_is_no_event_s_entry_is_not_found(stage: Stage) -> None:
    """Entry 0 is a control entry; the rest is beyond the published size, or no number."""
    stage.send(read_of("rose"))
    stage.settle()
    for number in ("0", "1000000", "01", "-1", "1e3", "", "9" * 19, "x"):
        assert stage.get(f"/AuditEvent/entry-{number}").status_code == 404, number


def test_a_number_alone_is_an_id_that_senders_have(stage: Stage) -> None:
    """A client that asks for a sender's id 1 is not given the event of entry 1."""
    stage.send(json.dumps({**json.loads(read_of("rose")), "id": "1"}).encode())
    stage.settle()
    assert stage.get("/AuditEvent/1").status_code == 404


def test_a_number_shows_nobody_what_an_id_would_not(stage: Stage) -> None:
    """Of another patient, or of another ledger; nor what is not published yet."""
    event_id = stage.send(read_of("rose"))
    stage.settle()
    number = stage.get(f"/AuditEvent/{event_id}/receipt").json()["index"]
    at = f"/AuditEvent/entry-{number}"
    assert stage.get(at, stage.patient("rose")).status_code == 200
    assert stage.get(at, stage.patient("martha")).status_code == 404
    other = stage.cloud.tokens.security(OTHER)
    assert stage.get(at, other).status_code == 404
    stage.send(read_of("rose"))
    stage.cloud.drain()
    published = stage.get("/digests/latest").json()["size_after"]
    assert stage.get(f"/AuditEvent/entry-{published}").status_code == 404
