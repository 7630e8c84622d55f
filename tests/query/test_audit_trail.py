"""Every use of a ledger is recorded in it as an event, before anything is returned."""

import json
from base64 import b64decode
from itertools import pairwise
from typing import Any

import pytest

from infra.local.cloudformation.deployment import Function
from tests.builders.audit_event import read_of
from tests.query.ledger_api import LEDGER, LedgerApi

USES = "type=http://dicom.nema.org/resources/ontology/DCM|110101&date=ge2020&_sort=date"
OWN_USE = "own-use=include"


def recorded_uses(api: LedgerApi) -> list[dict[str, Any]]:
    """Return all recorded uses, the oldest first."""
    api.settle()
    return list(api.events(USES).values())


def request_line(use: dict[str, Any]) -> str:
    """Return the recorded request line of a use."""
    (query,) = [entity["query"] for entity in use["entity"] if "query" in entity]
    return b64decode(query).decode()


def names_rose(use: dict[str, Any]) -> bool:
    """Return whether an entity of a use is the patient rose."""
    return {"reference": "Patient/rose"} in [entity.get("what") for entity in use["entity"]]


def uses_by_others(api: LedgerApi, patient: str) -> int:
    """Return how many uses by others a patient can read."""
    events = api.events(OWN_USE, api.patient(patient)).values()
    uses = [event for event in events if event["type"]["code"] == "110101"]
    return sum("reference" not in use["agent"][0]["who"] for use in uses)


def number_of_entries(api: LedgerApi) -> int:
    """Return how many entries are published."""
    return int(api.json("/digests/latest")["size_after"])


def test_a_search_is_recorded_with_requester_request_and_patient(ledger_api: LedgerApi) -> None:
    """DICOM 110101, ITI-81: once for the ledger, and once for the patient, who can read it."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    ledger_api.page("patient=rose&date=ge2020")
    of_ledger, use = recorded_uses(ledger_api)
    assert of_ledger == {**use, "id": of_ledger["id"], "entity": use["entity"][:2]}
    assert use["subtype"] == [
        {
            "system": "urn:ihe:event-type-code",
            "code": "ITI-81",
            "display": "Retrieve ATNA Audit Event",
        }
    ]
    assert request_line(use) == "GET /AuditEvent?patient=***&date=ge2020"
    requestor, ledger = use["agent"]
    assert requestor["requestor"] is True
    assert requestor["who"]["identifier"]["value"]
    assert requestor["network"]["address"] == "127.0.0.1"
    assert ledger["who"]["identifier"]["value"] == ledger_api.cloud.ledger(LEDGER).origin
    assert names_rose(use)
    assert event_id in ledger_api.search(OWN_USE, ledger_api.patient("rose"))
    assert uses_by_others(ledger_api, "rose") == 1


def test_reading_one_event_is_recorded_with_its_patient(ledger_api: LedgerApi) -> None:
    """Read, receipt and submitted bytes; a patient's record of it has no id."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    suffixes = ("", "/receipt", "/$submitted")
    for suffix in suffixes:
        assert ledger_api.get(f"/AuditEvent/{event_id}{suffix}").status_code == 200
    uses = recorded_uses(ledger_api)
    of_patient = [use for use in uses if names_rose(use)]
    of_ledger = [use for use in uses if use not in of_patient]
    for found, shown in ((of_ledger, event_id), (of_patient, "***")):
        lines = sorted(map(request_line, found))
        assert lines == sorted(f"GET /AuditEvent/{shown}{suffix}" for suffix in suffixes)


def test_each_page_is_recorded(ledger_api: LedgerApi) -> None:
    """Three pages are three events of the ledger's own and three of the patient's."""
    for note in "abc":
        ledger_api.send(read_of("rose", note=note))
    ledger_api.settle()
    assert len(list(ledger_api.pages("patient=rose&_count=1"))) == 3
    assert len(recorded_uses(ledger_api)) == 6


def test_a_patients_own_use_names_the_patient_as_agent(ledger_api: LedgerApi) -> None:
    """It is recorded once, under the patient."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    ledger_api.page("", ledger_api.patient("rose"))
    (use,) = recorded_uses(ledger_api)
    assert use["agent"][0]["who"] == {"reference": "Patient/rose"}


def test_nothing_is_returned_if_the_use_is_not_recorded(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ingest fails: 503, without any content of the events."""
    event_id = ledger_api.send(read_of("rose", note="a secret"))
    ledger_api.settle()
    runner = ledger_api.cloud.runner
    invoke = runner.invoke

    def failing(name: str, event: Any, environment: int = 0, alias: str = "") -> Any:
        if name.endswith("-ingest"):
            event = {**event, "ledger": "nowhere"}
        return invoke(name, event, environment, alias)

    monkeypatch.setattr(runner, "invoke", failing)
    for path in ("/AuditEvent?patient=rose", f"/AuditEvent/{event_id}"):
        response = ledger_api.get(path)
        assert response.status_code == 503
        assert "secret" not in response.text
        assert "rose" not in response.text


def test_a_refused_search_is_not_recorded(ledger_api: LedgerApi) -> None:
    """It is refused before anything is read."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    assert ledger_api.get("/AuditEvent?type=rest").status_code == 400
    assert recorded_uses(ledger_api) == []


def test_query_makes_no_writing_call_but_to_ingest_and_limits(ledger_api: LedgerApi) -> None:
    """Its role only reads; ingest writes the record of a use."""
    function: Function = ledger_api.cloud.deployment.functions["audit-ledger-dev-query"]
    assert function.environment["INGEST_FUNCTION"].endswith("audit-ledger-dev-ingest:own")
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    ledger_api.page("patient=rose")
    calls = ledger_api.cloud.meter.snapshot().calls("audit-ledger-dev-query")
    assert {operation for _, operation in calls} <= {
        "GetParameter",
        "GetItem",
        "BatchGetItem",
        "Query",
        "Decrypt",
        "Invoke",
        "UpdateItem",  # of the limits table alone: tests/infra/iam/test_who_may.py
    }


def test_a_patient_sees_every_use_that_showed_the_record(ledger_api: LedgerApi) -> None:
    """Reads by id, and searches that do not name the patient, by the name of the portal's rule."""
    event = json.loads(read_of("rose"))
    event["entity"][0]["what"]["identifier"] = {"system": "urn:ssn", "value": "999"}
    event_id = ledger_api.send(event)
    ledger_api.send(read_of("martha"))
    ledger_api.settle()
    assert ledger_api.get(f"/AuditEvent/{event_id}").status_code == 200
    ledger_api.settle()
    assert uses_by_others(ledger_api, "rose") == 1
    queries = (f"_id={event_id}", "date=ge2020", "entity.identifier=urn:ssn|999&date=ge2020")
    for number, query in enumerate(queries, start=2):
        assert event_id in ledger_api.page(query).events
        ledger_api.settle()
        assert uses_by_others(ledger_api, "rose") == number
    assert uses_by_others(ledger_api, "martha") == 1


def test_an_officer_is_not_recorded_as_the_patient_of_the_token(ledger_api: LedgerApi) -> None:
    """A launch from an open chart puts a patient into the officer's token."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    tokens = ledger_api.cloud.tokens
    scopes = ["user/AuditEvent.rs", f"ledger/{LEDGER}"]
    token = tokens._sign(scopes, {tokens.claims["patient"]: "Patient/martha", "sub": "dr-evil"})
    assert ledger_api.get(f"/AuditEvent/{event_id}", token).status_code == 200
    _, use = recorded_uses(ledger_api)
    assert use["agent"][0]["who"]["identifier"]["value"] == "dr-evil"
    assert "martha" not in json.dumps(use)


def test_no_recorded_use_contains_an_identifier_from_the_request(ledger_api: LedgerApi) -> None:
    """No erasure would reach a patient's there, and patients could read those of others."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    queries = (
        "date=ge2020&patient.identifier=urn:decoy|x,urn:mrn|4711",
        "date=ge2020&patient.identifier=4711",
        "date=ge2020&entity.identifier=urn:mrn|4711",
        "patient=rose,martha&entity.identifier=4711",
        "patient=rose&agent.identifier=urn:mrn|4711,urn:x|9",
        "patient=rose&source.identifier=urn:mrn|4711",
        "patient=rose&address=4711",
        "patient=rose&type=4711",
        "patient=rose&mrn4711=1",
        "patient=rose&agent=Practitioner/4711",
    )
    for query in queries:
        ledger_api.page(query)
    uses = recorded_uses(ledger_api)
    assert len(uses) >= 2 * len(queries) - 3  # three of them neither name nor show a patient
    of_rose = ledger_api.events("own-use=only", ledger_api.patient("rose")).values()
    assert len(of_rose) == 7
    for use in (*uses, *of_rose):
        assert "4711" not in request_line(use)
        assert "4711" not in json.dumps(use)


@pytest.mark.parametrize("query", ["date=ge2020", "patient=rose"])
def test_own_uses_are_left_out_with_a_remark_unless_requested(
    ledger_api: LedgerApi, query: str
) -> None:
    """They are included by the parameter own-use, by their type, and by their id."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    assert list(ledger_api.page(query).events) == [event_id]
    ledger_api.settle()
    page = ledger_api.page(query)
    assert list(page.events) == [event_id]
    assert "own-use=exclude" in page.self
    assert any("own-use" in issue["diagnostics"] for issue in page.issues)
    ledger_api.settle()
    included = ledger_api.page(f"{query}&own-use=include")
    alone = ledger_api.page(f"{query}&own-use=only")
    assert included.events.keys() - alone.events.keys() == {event_id}
    assert included.events.keys() > alone.events.keys()
    assert not any("own-use" in issue["diagnostics"] for issue in included.issues)
    use = next(iter(alone.events))
    assert list(ledger_api.page(f"_id={use}").events) == [use]
    assert ledger_api.get(f"/AuditEvent/{use}").status_code == 200
    assert ledger_api.page(f"{query}&type=110101").events.keys() >= alone.events.keys()


def test_reading_adds_a_bounded_number_of_entries(ledger_api: LedgerApi) -> None:
    """One for each page, and one for each patient shown; none for the patients of own uses."""
    patients = [f"p{number}" for number in range(7)]
    for patient in patients:
        ledger_api.send(read_of(patient))
    ledger_api.settle()
    sizes = []
    for _ in range(4):
        assert len(ledger_api.search("date=ge2020&_count=3")) == len(patients)
        ledger_api.settle()
        sizes.append(number_of_entries(ledger_api))
    pages = 3
    assert {after - before for before, after in pairwise(sizes)} == {pages + len(patients)}
    with_own_uses = list(ledger_api.pages("date=ge2020&own-use=include&_count=20"))
    ledger_api.settle()
    assert number_of_entries(ledger_api) - sizes[-1] == len(with_own_uses) + len(patients)
