"""Events by the number of their entry: proofs, findings and exports name entries by it."""

import json

import pytest

from tests.builders.audit_event import read_of
from tests.query.ledger_api import OTHER, LedgerApi


@pytest.fixture(scope="module")
def event_ids(module_api: LedgerApi) -> list[str]:
    """Send events about two patients, the last with a sender's id that is a number."""
    numbered = {**json.loads(read_of("rose")), "id": "1"}
    event_ids = [module_api.send(event) for event in (read_of("rose"), read_of("martha"), numbered)]
    module_api.settle()
    return event_ids


def path_by_number(api: LedgerApi, event_id: str) -> str:
    """Return the path of an event by the number of its entry."""
    return f"/AuditEvent/entry-{api.json(f'/AuditEvent/{event_id}/receipt')['index']}"


def test_an_entry_number_leads_to_its_event(module_api: LedgerApi, event_ids: list[str]) -> None:
    """To read it, as it was submitted, and for its receipt; the response has the event's id."""
    for event_id in event_ids:
        receipt = module_api.json(f"/AuditEvent/{event_id}/receipt")
        path = path_by_number(module_api, event_id)
        assert module_api.json(path)["id"] == event_id
        assert module_api.get(f"{path}/$submitted").content == module_api.sent[event_id]
        assert module_api.json(f"{path}/receipt")["entry"] == receipt["entry"]


@pytest.mark.usefixtures("event_ids")
def test_a_number_without_an_event_is_not_found(module_api: LedgerApi) -> None:
    """Entry 0 is a control entry, others are not published or no number; `1` is a sender's id."""
    for name in ("0", "1000000", "01", "-1", "1e3", "", "9" * 19, "x"):
        assert module_api.get(f"/AuditEvent/entry-{name}").status_code == 404, name
    assert module_api.get("/AuditEvent/1").status_code == 404


def test_a_number_shows_no_more_than_an_id(module_api: LedgerApi, event_ids: list[str]) -> None:
    """Nothing to another patient or ledger, and nothing that is not published."""
    path = path_by_number(module_api, event_ids[0])
    assert module_api.get(path, module_api.patient("rose")).status_code == 200
    assert module_api.get(path, module_api.patient("martha")).status_code == 404
    assert module_api.get(path, module_api.officer(OTHER)).status_code == 404
    module_api.send(read_of("rose"))
    module_api.cloud.drain()
    published = module_api.json("/digests/latest")["size_after"]
    assert module_api.get(f"/AuditEvent/entry-{published}").status_code == 404
