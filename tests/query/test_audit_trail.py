"""Every use of the ledger is an event in it, before anything of it is answered."""

import json
from base64 import b64decode
from itertools import pairwise
from typing import Any

import pytest

from infra.local.cloudformation.deployment import Function
from tests.builders.audit_event import read_of
from tests.query.ledger_api import LEDGER, LedgerApi

USES = [("type", "http://dicom.nema.org/resources/ontology/DCM|110101"), ("date", "ge2020")]


def uses(ledger_api: LedgerApi, token: str | None = None) -> list[dict[str, Any]]:
    """All uses that were recorded, the oldest first."""
    ledger_api.settle()
    found = ledger_api.search([*USES, ("_sort", "date")], token)
    return [json.loads(body) for body in found.values()]


def asked_for(use: dict[str, Any]) -> str:
    (query,) = [entity["query"] for entity in use["entity"] if "query" in entity]
    return b64decode(query).decode()


def test_a_search_is_recorded_with_who_what_and_whom_about(ledger_api: LedgerApi) -> None:
    """DICOM 110101, ITI-81; the patient is named as such, so that the patient sees it."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    ledger_api.page("patient=rose&date=ge2020")
    own, use = uses(ledger_api)
    assert own == {**use, "id": own["id"], "entity": use["entity"][:2]}
    assert use["subtype"] == [
        {
            "system": "urn:ihe:event-type-code",
            "code": "ITI-81",
            "display": "Retrieve ATNA Audit Event",
        }
    ]
    assert asked_for(use) == "GET /AuditEvent?patient=***&date=ge2020"
    requestor, ledger = use["agent"]
    assert requestor["requestor"] is True
    assert requestor["who"]["identifier"]["value"]
    assert requestor["network"]["address"] == "127.0.0.1"
    assert ledger["who"]["identifier"]["value"] == ledger_api.cloud.ledger(LEDGER).origin
    assert {"reference": "Patient/rose"} in [entity.get("what") for entity in use["entity"]]
    own_events = ledger_api.search([("own-use", "include")], ledger_api.patient("rose"))
    assert event_id in own_events
    assert any(b"110101" in body for body in own_events.values())


@pytest.mark.parametrize("what", ["", "/receipt", "/$submitted"])
def test_reading_one_event_is_recorded_too(ledger_api: LedgerApi, what: str) -> None:
    """Read, receipt and submitted bytes: with the patient whose record it is."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    assert ledger_api.get(f"/AuditEvent/{event_id}{what}").status_code == 200
    own, use = uses(ledger_api)
    assert asked_for(own) == f"GET /AuditEvent/{event_id}{what}"
    assert asked_for(use) == f"GET /AuditEvent/***{what}"
    assert {"reference": "Patient/rose"} in [entity.get("what") for entity in use["entity"]]


def test_each_page_is_a_use(ledger_api: LedgerApi) -> None:
    """Three pages, three events of the ledger's own and three of the patient's."""
    for note in "abc":
        ledger_api.send(read_of("rose", note=note))
    ledger_api.settle()
    assert len(list(ledger_api.pages("patient=rose&_count=1"))) == 3
    assert len(uses(ledger_api)) == 6


def test_what_a_patient_does_is_recorded_under_the_patient(ledger_api: LedgerApi) -> None:
    """Who looks at the own record is its agent and its patient."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    ledger_api.page("", ledger_api.patient("rose"))
    (use,) = uses(ledger_api)
    assert use["agent"][0]["who"] == {"reference": "Patient/rose"}


@pytest.mark.parametrize("path", ["/AuditEvent?patient=rose", "/AuditEvent/{id}"])
def test_no_answer_without_its_record(
    ledger_api: LedgerApi, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ingest fails: nothing of what was found leaves."""
    event_id = ledger_api.send(read_of("rose", note="a secret"))
    ledger_api.settle()
    runner = ledger_api.cloud.runner
    whole = runner.invoke

    def failing(name: str, event: Any, environment: int = 0, alias: str = "") -> Any:
        if name.endswith("-ingest"):
            event = {**event, "ledger": "nowhere"}
        return whole(name, event, environment, alias)

    monkeypatch.setattr(runner, "invoke", failing)
    answer = ledger_api.get(path.format(id=event_id))
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert "rose" not in answer.text


def test_a_refused_question_finds_nothing_and_is_no_use(ledger_api: LedgerApi) -> None:
    """What is refused before anything was read is not in the ledger."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    assert ledger_api.get("/AuditEvent?type=rest").status_code == 400
    assert uses(ledger_api) == []


def test_query_may_not_write(ledger_api: LedgerApi) -> None:
    """Its role reads; what it records it has from ingest alone."""
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


def with_two_names(patient: str) -> bytes:
    """A read of a patient whom the event also names by an identifier that no portal's rule uses."""
    event = json.loads(read_of(patient))
    event["entity"][0]["what"]["identifier"] = {"system": "urn:ssn", "value": "999"}
    return json.dumps(event).encode()


def test_a_use_is_filed_under_the_patient_that_the_portals_rule_names(
    ledger_api: LedgerApi,
) -> None:
    """Whatever else the event calls them: who is shown a record, its patient sees."""
    event_id = ledger_api.send(with_two_names("rose"))
    ledger_api.settle()
    assert ledger_api.get(f"/AuditEvent/{event_id}").status_code == 200
    ledger_api.settle()
    own = ledger_api.search([("own-use", "include")], ledger_api.patient("rose"))
    assert sum(b"110101" in body for body in own.values()) == 1


@pytest.mark.parametrize(
    "query", ["_id={id}", "date=ge2020", "entity.identifier=urn:ssn|999&date=ge2020"]
)
def test_a_patient_sees_every_search_that_showed_the_record(
    ledger_api: LedgerApi, query: str
) -> None:
    """Also where the search does not name the patient; others' views stay as they were."""
    event_id = ledger_api.send(with_two_names("rose"))
    ledger_api.send(read_of("martha"))
    ledger_api.settle()
    assert event_id in ledger_api.page(query.format(id=event_id)).events
    ledger_api.settle()
    own = ledger_api.search([("own-use", "include")], ledger_api.patient("rose"))
    assert sum(b"110101" in body for body in own.values()) == 1
    others = ledger_api.search([("own-use", "include")], ledger_api.patient("martha"))
    assert sum(b"110101" in body for body in others.values()) == int(query == "date=ge2020")


def test_an_officer_is_not_taken_for_the_patient_of_the_token(ledger_api: LedgerApi) -> None:
    """A launch from an open chart puts a patient into the officer's token."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    tokens = ledger_api.cloud.tokens
    scopes = ["user/AuditEvent.rs", f"ledger/{LEDGER}"]
    token = tokens._sign(scopes, {tokens.claims["patient"]: "Patient/martha", "sub": "dr-evil"})
    assert ledger_api.get(f"/AuditEvent/{event_id}", token).status_code == 200
    own, use = uses(ledger_api)
    assert "entity" in own
    assert use["agent"][0]["who"]["identifier"]["value"] == "dr-evil"
    assert "martha" not in json.dumps(use)


@pytest.mark.parametrize(
    "query",
    [
        "date=ge2020&patient.identifier=urn:decoy|x,urn:mrn|4711",
        "date=ge2020&patient.identifier=4711",
        "date=ge2020&entity.identifier=urn:mrn|4711",
        "patient=rose,martha&entity.identifier=4711",
    ],
)
def test_no_use_keeps_a_patients_identifier_where_erasure_does_not_reach(
    ledger_api: LedgerApi, query: str
) -> None:
    """What was asked stays as it was only under the one patient that it names."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    ledger_api.page(query)
    found = uses(ledger_api)
    assert found
    assert all("4711" not in asked_for(use) for use in found if "query" in str(use))
    assert "4711" not in json.dumps(found)


@pytest.mark.parametrize("query", ["date=ge2020", "patient=rose"])
def test_the_ledgers_own_uses_are_left_out_and_that_is_said(
    ledger_api: LedgerApi, query: str
) -> None:
    """Unless they are asked for: by a parameter of ours, by their type, by their id."""
    event_id = ledger_api.send(read_of("rose"))
    ledger_api.settle()
    assert list(ledger_api.page(query).events) == [event_id]
    ledger_api.settle()
    page = ledger_api.page(query)
    assert list(page.events) == [event_id]
    assert "own-use=exclude" in page.self
    assert any("own-use" in issue["diagnostics"] for issue in page.issues)
    ledger_api.settle()
    whole = ledger_api.page(f"{query}&own-use=include")
    alone = ledger_api.page(f"{query}&own-use=only")
    assert whole.events.keys() - alone.events.keys() == {event_id}
    assert whole.events.keys() > alone.events.keys()
    assert not any("own-use" in issue["diagnostics"] for issue in whole.issues)
    use = next(iter(alone.events))
    assert list(ledger_api.page(f"_id={use}").events) == [use]
    assert ledger_api.get(f"/AuditEvent/{use}").status_code == 200
    assert ledger_api.page(f"{query}&type=110101").events.keys() >= alone.events.keys()


def test_reading_does_not_multiply_the_ledger(ledger_api: LedgerApi) -> None:
    """A page read is an entry, and one for each patient shown, whatever was read before.

    Of pages that show the ledger's own uses too, nobody is told of these again.
    """
    patients = [f"p{number}" for number in range(7)]
    for patient in patients:
        ledger_api.send(read_of(patient))
    ledger_api.settle()
    sizes = []
    for _ in range(4):
        assert len(ledger_api.search([("date", "ge2020"), ("_count", "3")])) == len(patients)
        ledger_api.settle()
        sizes.append(entries(ledger_api))
    pages = 3
    assert {b - a for a, b in pairwise(sizes)} == {pages + len(patients)}
    before = entries(ledger_api)
    with_own = list(ledger_api.pages("date=ge2020&own-use=include&_count=20"))
    ledger_api.settle()
    assert entries(ledger_api) - before == len(with_own) + len(patients)


def entries(ledger_api: LedgerApi) -> int:
    """How many entries are published."""
    return int(ledger_api.get("/digests/latest").json()["size_after"])


def test_a_patient_reads_nobody_elses_identifier_in_a_recorded_use(ledger_api: LedgerApi) -> None:
    """Whatever an officer asks for beside the patient's name, the use does not say it."""
    ledger_api.send(read_of("rose"))
    ledger_api.settle()
    for query in (
        "patient=rose&agent.identifier=urn:mrn|4711,urn:x|9",
        "patient=rose&entity.identifier=4711",
        "patient=rose&source.identifier=urn:mrn|4711",
        "patient=rose&address=4711",
        "patient=rose&type=4711",
        "patient=rose&mrn4711=1",
        "patient=rose&agent=Practitioner/4711",
    ):
        ledger_api.page(query)
    ledger_api.settle()
    own = ledger_api.search([("own-use", "only")], ledger_api.patient("rose"))
    assert len(own) == 7
    assert not any(b"4711" in body for body in own.values())
    assert not any("4711" in asked_for(json.loads(body)) for body in own.values())
