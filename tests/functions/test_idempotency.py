"""An id that is used for other content: both events are kept, and the sender is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from audit_ledger.aws.events_table import EventsTable
from audit_ledger.errors import FormatError, UnreachableError
from functions.ingest import handler, idempotency
from tests.functions.ingesting import BODY, R4, bundle, send, sequence
from tests.functions.requests import answer_json, opened, post
from tests.world import World

HEADER = "Idempotency-Conflict"
OTHER = json.dumps({**R4, "action": "D"}).encode()
CLOUDEVENT = {"specversion": "1.0", "id": "1", "source": "urn:lab", "type": "record.read"}
CLOUDEVENTS = "application/cloudevents-batch+json"

pytestmark = pytest.mark.usefixtures("fresh_ingest")


def one(body: bytes) -> dict[str, Any]:
    return send(post("/AuditEvent", body, idempotency_key="k", prefer="return=OperationOutcome"))


def sequence_and_restart(world: World) -> None:
    """Go on with another container, to which nothing was sent."""
    sequence(world)
    handler.acceptor.cache_clear()


@pytest.mark.parametrize("between", [lambda _: None, sequence, sequence_and_restart])
def test_a_key_with_other_content_is_told(world: World, between: Callable[[World], object]) -> None:
    """By header and issue, while the first is queued and when another container indexed it."""
    first = one(BODY)
    between(world)
    second = one(OTHER)
    assert (first["statusCode"], second["statusCode"]) == (201, 201)
    assert HEADER not in first["headers"]
    assert second["headers"][HEADER] == "true"
    (issue,) = answer_json(second)["issue"]
    assert (issue["severity"], issue["code"]) == ("warning", "duplicate")
    assert issue["diagnostics"] == "idempotency.conflict"
    assert "both are stored" in issue["details"]["text"]
    assert second["headers"]["Location"] == first["headers"]["Location"]
    sequence(world)
    assert len(opened(world)) == 2


@pytest.mark.parametrize("between", [lambda _: None, sequence])
def test_the_same_again_is_no_conflict(world: World, between: Callable[[World], object]) -> None:
    """Which is what keys are for; neither is the same under another key, or under none."""
    one(BODY)
    between(world)
    assert HEADER not in one(BODY)["headers"]
    assert HEADER not in send(post("/AuditEvent", OTHER, idempotency_key="l"))["headers"]
    assert HEADER not in send(post("/AuditEvent", OTHER))["headers"]


def test_a_conflict_is_told_again(world: World) -> None:
    """Its redelivery is left out of the ledger, and still conflicts with the first."""
    one(BODY)
    for _ in range(2):
        assert one(OTHER)["headers"][HEADER] == "true"
        sequence(world)
    assert len(opened(world)) == 2
    assert HEADER not in one(BODY)["headers"]


def test_entries_of_a_bundle_are_told_apart(world: World) -> None:
    """By the key and their number: of two, the one that changed."""
    for body in (bundle("batch", R4, R4), bundle("batch", R4, json.loads(OTHER))):
        answer = send(post("/", body, idempotency_key="k"))
        responses = [entry["response"] for entry in answer_json(answer)["entry"]]
    assert answer["headers"][HEADER] == "true"
    unchanged, changed = responses
    assert "outcome" not in unchanged
    assert [i["diagnostics"] for i in changed["outcome"]["issue"]] == ["idempotency.conflict"]


def test_cloudevents_conflict_by_source_and_id(world: World) -> None:
    """Also within a batch; flags are told in the same place, each with a sentence."""
    other = {**CLOUDEVENT, "type": "record.deleted"}
    answer = send(
        post("/events", json.dumps([CLOUDEVENT, other]).encode(), content_type=CLOUDEVENTS)
    )
    assert (answer["statusCode"], answer["headers"][HEADER]) == (202, "true")
    first, second = answer_json(answer)["issues"]
    assert "idempotency.conflict" not in [issue["code"] for issue in first]
    assert second[0]["code"] == "idempotency.conflict"
    assert {issue["code"] for issue in first} >= {"cloudevents.no-time", "record.no-patient"}
    assert all(issue["text"].endswith(".") for issue in first)


def test_what_names_no_patient_of_the_portals_is_told_in_a_202(world: World) -> None:
    """The data is an AuditEvent about a patient by another identifier than the rule's."""
    patient = {"identifier": {"system": "urn:other", "value": "7"}}
    event = {**R4, "entity": [{"what": patient, "role": {"code": "1"}}]}
    cloudevent = {**CLOUDEVENT, "type": "fhir", "data": event}
    answer = send(
        post(
            "/events", json.dumps(cloudevent).encode(), content_type="application/cloudevents+json"
        )
    )
    (issues,) = answer_json(answer)["issues"]
    assert "patient.unresolved" in [issue["code"] for issue in issues]


@pytest.mark.parametrize("error", [UnreachableError("throttled"), FormatError("altered row")])
def test_an_event_is_accepted_where_the_index_cannot_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Nothing accepted depends on the index; no conflict is claimed."""

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(EventsTable, "fingerprints", fails)
    assert one(BODY)["statusCode"] == 201
    assert HEADER not in one(BODY)["headers"]
    assert len(world.messages()) == 2


def test_what_was_not_queued_is_not_remembered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not accepted, so what is sent instead conflicts with nothing."""
    with monkeypatch.context() as context:

        def fails(*_: object) -> None:
            raise UnreachableError("the queue does not answer")

        context.setattr("audit_ledger.aws.queue.LedgerQueue.send", fails)
        assert one(BODY)["statusCode"] == 503
    assert HEADER not in one(OTHER)["headers"]


def test_a_container_remembers_a_bounded_number_of_ids(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest goes first; the index knows it by then."""
    monkeypatch.setattr(idempotency, "MAX_REMEMBERED", 2)
    for key in "abc":
        send(post("/AuditEvent", BODY, idempotency_key=key))
    told = [
        HEADER in send(post("/AuditEvent", OTHER, idempotency_key=key))["headers"] for key in "cba"
    ]
    assert told == [True, True, False]


def test_only_ids_of_senders_are_looked_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A random one is known to nobody; an id remembered is not read again."""
    asked: list[str] = []

    def look_up(_: EventsTable, ids: list[str]) -> dict[str, bytes]:
        asked.extend(ids)
        return {}

    monkeypatch.setattr(EventsTable, "fingerprints", look_up)
    send(post("/AuditEvent", BODY))
    assert asked == []
    one(BODY)
    one(BODY)
    assert len(asked) == 1
