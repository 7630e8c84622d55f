"""Every use of the ledger is an event in it, before anything of it is answered."""

import json
from base64 import b64decode
from itertools import pairwise
from typing import Any

import pytest

from infra.local.cloudformation.deployment import Function
from tests.builders.audit_event import read_of
from tests.query.stage import LEDGER, Stage

USES = [("type", "http://dicom.nema.org/resources/ontology/DCM|110101"), ("date", "ge2020")]


def uses(stage: Stage, token: str | None = None) -> list[dict[str, Any]]:
    """All uses that were recorded, the oldest first."""
    stage.settle()
    found = stage.search([*USES, ("_sort", "date")], token)
    return [json.loads(body) for body in found.values()]


def asked_for(use: dict[str, Any]) -> str:
    (query,) = [entity["query"] for entity in use["entity"] if "query" in entity]
    return b64decode(query).decode()


def test_a_search_is_recorded_with_who_what_and_whom_about(stage: Stage) -> None:
    """DICOM 110101, ITI-81; the patient is named as such, so that the patient sees it."""
    event_id = stage.send(read_of("rose"))
    stage.settle()
    stage.page("patient=rose&date=ge2020")
    own, use = uses(stage)
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
    assert ledger["who"]["identifier"]["value"] == stage.cloud.ledger(LEDGER).origin
    assert {"reference": "Patient/rose"} in [entity.get("what") for entity in use["entity"]]
    own_events = stage.search([("own-use", "include")], stage.patient("rose"))
    assert event_id in own_events
    assert any(b"110101" in body for body in own_events.values())


@pytest.mark.parametrize("what", ["", "/receipt", "/$submitted"])
def test_reading_one_event_is_recorded_too(stage: Stage, what: str) -> None:
    """Read, receipt and submitted bytes: with the patient whose record it is."""
    event_id = stage.send(read_of("rose"))
    stage.settle()
    assert stage.get(f"/AuditEvent/{event_id}{what}").status_code == 200
    own, use = uses(stage)
    assert asked_for(own) == f"GET /AuditEvent/{event_id}{what}"
    assert asked_for(use) == f"GET /AuditEvent/***{what}"
    assert {"reference": "Patient/rose"} in [entity.get("what") for entity in use["entity"]]


def test_each_page_is_a_use(stage: Stage) -> None:
    """Three pages, three events of the ledger's own and three of the patient's."""
    for note in "abc":
        stage.send(read_of("rose", note=note))
    stage.settle()
    assert len(list(stage.pages("patient=rose&_count=1"))) == 3
    assert len(uses(stage)) == 6


def test_what_a_patient_does_is_recorded_under_the_patient(stage: Stage) -> None:
    """Who looks at the own record is its agent and its patient."""
    stage.send(read_of("rose"))
    stage.settle()
    stage.page("", stage.patient("rose"))
    (use,) = uses(stage)
    assert use["agent"][0]["who"] == {"reference": "Patient/rose"}


@pytest.mark.parametrize("path", ["/AuditEvent?patient=rose", "/AuditEvent/{id}"])
def test_no_answer_without_its_record(
    stage: Stage, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ingest fails: nothing of what was found leaves."""
    event_id = stage.send(read_of("rose", note="a secret"))
    stage.settle()
    runner = stage.cloud.runner
    whole = runner.invoke

    def failing(name: str, event: Any, environment: int = 0, alias: str = "") -> Any:
        if name.endswith("-ingest"):
            event = {**event, "ledger": "nowhere"}
        return whole(name, event, environment, alias)

    monkeypatch.setattr(runner, "invoke", failing)
    answer = stage.get(path.format(id=event_id))
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert "rose" not in answer.text


def test_a_refused_question_finds_nothing_and_is_no_use(stage: Stage) -> None:
    """What is refused before anything was read is not in the ledger."""
    stage.send(read_of("rose"))
    stage.settle()
    assert stage.get("/AuditEvent?type=rest").status_code == 400
    assert uses(stage) == []


def test_query_may_not_write(stage: Stage) -> None:
    """Its role reads; what it records it has from ingest alone."""
    function: Function = stage.cloud.deployment.functions["audit-ledger-dev-query"]
    assert function.environment["INGEST_FUNCTION"].endswith("audit-ledger-dev-ingest:own")
    stage.send(read_of("rose"))
    stage.settle()
    stage.page("patient=rose")
    calls = stage.cloud.meter.snapshot().calls("audit-ledger-dev-query")
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


def test_a_use_is_filed_under_the_patient_that_the_portals_rule_names(stage: Stage) -> None:
    """Whatever else the event calls them: who is shown a record, its patient sees."""
    event_id = stage.send(with_two_names("rose"))
    stage.settle()
    assert stage.get(f"/AuditEvent/{event_id}").status_code == 200
    stage.settle()
    own = stage.search([("own-use", "include")], stage.patient("rose"))
    assert sum(b"110101" in body for body in own.values()) == 1


@pytest.mark.parametrize(
    "query", ["_id={id}", "date=ge2020", "entity.identifier=urn:ssn|999&date=ge2020"]
)
def test_a_patient_sees_every_search_that_showed_the_record(stage: Stage, query: str) -> None:
    """Also where the search does not name the patient; others' views stay as they were."""
    event_id = stage.send(with_two_names("rose"))
    stage.send(read_of("martha"))
    stage.settle()
    assert event_id in stage.page(query.format(id=event_id)).events
    stage.settle()
    own = stage.search([("own-use", "include")], stage.patient("rose"))
    assert sum(b"110101" in body for body in own.values()) == 1
    others = stage.search([("own-use", "include")], stage.patient("martha"))
    assert sum(b"110101" in body for body in others.values()) == int(query == "date=ge2020")


def test_an_officer_is_not_taken_for_the_patient_of_the_token(stage: Stage) -> None:
    """A launch from an open chart puts a patient into the officer's token."""
    event_id = stage.send(read_of("rose"))
    stage.settle()
    tokens = stage.cloud.tokens
    scopes = ["user/AuditEvent.rs", f"ledger/{LEDGER}"]
    token = tokens._sign(scopes, {tokens.claims["patient"]: "Patient/martha", "sub": "dr-evil"})
    assert stage.get(f"/AuditEvent/{event_id}", token).status_code == 200
    own, use = uses(stage)
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
    stage: Stage, query: str
) -> None:
    """What was asked stays as it was only under the one patient that it names."""
    stage.send(read_of("rose"))
    stage.settle()
    stage.page(query)
    found = uses(stage)
    assert found
    assert all("4711" not in asked_for(use) for use in found if "query" in str(use))
    assert "4711" not in json.dumps(found)


@pytest.mark.parametrize("query", ["date=ge2020", "patient=rose"])
def test_the_ledgers_own_uses_are_left_out_and_that_is_said(stage: Stage, query: str) -> None:
    """Unless they are asked for: by a parameter of ours, by their type, by their id."""
    event_id = stage.send(read_of("rose"))
    stage.settle()
    assert list(stage.page(query).events) == [event_id]
    stage.settle()
    page = stage.page(query)
    assert list(page.events) == [event_id]
    assert "own-use=exclude" in page.self
    assert any("own-use" in issue["diagnostics"] for issue in page.issues)
    stage.settle()
    whole = stage.page(f"{query}&own-use=include")
    alone = stage.page(f"{query}&own-use=only")
    assert whole.events.keys() - alone.events.keys() == {event_id}
    assert whole.events.keys() > alone.events.keys()
    assert not any("own-use" in issue["diagnostics"] for issue in whole.issues)
    use = next(iter(alone.events))
    assert list(stage.page(f"_id={use}").events) == [use]
    assert stage.get(f"/AuditEvent/{use}").status_code == 200
    assert stage.page(f"{query}&type=110101").events.keys() >= alone.events.keys()


def test_reading_does_not_multiply_the_ledger(stage: Stage) -> None:
    """A page read is an entry, and one for each patient shown, whatever was read before.

    Of pages that show the ledger's own uses too, nobody is told of these again.
    """
    patients = [f"p{number}" for number in range(7)]
    for patient in patients:
        stage.send(read_of(patient))
    stage.settle()
    sizes = []
    for _ in range(4):
        assert len(stage.search([("date", "ge2020"), ("_count", "3")])) == len(patients)
        stage.settle()
        sizes.append(entries(stage))
    pages = 3
    assert {b - a for a, b in pairwise(sizes)} == {pages + len(patients)}
    before = entries(stage)
    with_own = list(stage.pages("date=ge2020&own-use=include&_count=20"))
    stage.settle()
    assert entries(stage) - before == len(with_own) + len(patients)


def entries(stage: Stage) -> int:
    """How many entries are published."""
    return int(stage.get("/digests/latest").json()["size_after"])


def test_a_patient_reads_nobody_elses_identifier_in_a_recorded_use(stage: Stage) -> None:
    """Whatever an officer asks for beside the patient's name, the use does not say it."""
    stage.send(read_of("rose"))
    stage.settle()
    for query in (
        "patient=rose&agent.identifier=urn:mrn|4711,urn:x|9",
        "patient=rose&entity.identifier=4711",
        "patient=rose&source.identifier=urn:mrn|4711",
        "patient=rose&address=4711",
        "patient=rose&type=4711",
        "patient=rose&mrn4711=1",
        "patient=rose&agent=Practitioner/4711",
    ):
        stage.page(query)
    stage.settle()
    own = stage.search([("own-use", "only")], stage.patient("rose"))
    assert len(own) == 7
    assert not any(b"4711" in body for body in own.values())
    assert not any("4711" in asked_for(json.loads(body)) for body in own.values())
