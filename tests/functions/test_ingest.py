"""Ingest's handler on moto: what is accepted, and what becomes of it."""

import json
from pathlib import Path

import pytest

from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.pseudonyms import staff_pseudonym
from audit_ledger.search.parameters import parse_search
from functions.ingest import handler
from functions.ingest.ledger_context import MAX_CACHED_NAME_LENGTH, cached_staff_pseudonyms
from tests.builders.audit_event import audit_event_samples
from tests.functions.ingesting import BODY, BY_BUS, R4, SECRET, bundle, send, sequence
from tests.functions.requests import answer_json, opened, post
from tests.world import LEDGER, NAME, ORIGIN, World

pytestmark = pytest.mark.usefixtures("fresh_ingest")


def test_an_event_is_created_with_a_location(world: World) -> None:
    """201, Location, the event with its id; one message waits."""
    answer = send(post("/AuditEvent", BODY))
    assert answer["statusCode"] == 201
    location = answer["headers"]["Location"]
    assert location == f"http://localhost/AuditEvent/{answer_json(answer)['id']}"
    assert len(world.messages()) == 1


def test_prefer_is_honoured(world: World) -> None:
    """return=representation gives the resource back, return=OperationOutcome says how it went."""
    same = send(post("/AuditEvent", BODY, prefer="return=representation"))
    event_id = same["headers"]["Location"].rpartition("/")[2]
    assert same["body"].replace(f'"id":"{event_id}",', "").encode() == BODY
    assert send(post("/AuditEvent", BODY, prefer="return=minimal"))["body"] == ""
    outcome = answer_json(send(post("/AuditEvent", BODY, prefer="return=OperationOutcome")))
    assert outcome["resourceType"] == "OperationOutcome"


def test_each_sample_is_accepted_and_recorded_byte_for_byte(world: World, shared_dir: Path) -> None:
    """An event about several patients has a record for each, which contains that patient's part."""
    paths = audit_event_samples(shared_dir)
    recorded = 0
    for path in paths:
        data = path.read_bytes()
        answer = send(post("/AuditEvent", data, idempotency_key=path.name + path.parent.name))
        assert answer["statusCode"] == 201, (path, answer["body"])
        sequence(world)
        records = opened(world)[recorded:]
        recorded += len(records)
        assert records, path
        if len(records) == 1:
            assert bytes(records[0][1].resource) == data, path
        else:
            assert all(record.cut for _, record, _ in records), path
            assert len({row.patient for row, _, _ in records}) == len(records), path
    assert len(paths) == 64


def test_the_same_key_again_is_one_entry(world: World) -> None:
    """A portal retries until accepted; the ledger holds it once."""
    for _ in range(2):
        send(post("/AuditEvent", BODY, idempotency_key="retry-1"))
    sequence(world)
    assert len(opened(world)) == 1
    assert len(world.items("events")) == 1


def test_the_same_key_with_other_content_is_kept_and_flagged(world: World) -> None:
    """Both are in the ledger, the second as a conflict."""
    send(post("/AuditEvent", BODY, idempotency_key="retry-1"))
    send(post("/AuditEvent", BODY.replace(b"05:59", b"06:59"), idempotency_key="retry-1"))
    sequence(world)
    assert len(opened(world)) == 2
    assert sum("conflict" in item for item in world.items("events")) == 1


def test_without_a_key_each_request_is_an_event_of_its_own(world: World) -> None:
    """At least once is all that can be promised to a sender without ids."""
    for _ in range(2):
        send(post("/AuditEvent", BODY))
    sequence(world)
    assert len(opened(world)) == 2


def test_a_batch_accepts_the_good_and_answers_the_bad(world: World) -> None:
    """A response Bundle in request order; the bad entry's outcome says where."""
    bad = {k: v for k, v in R4.items() if k != "recorded"}
    answer = send(post("/", bundle("batch", R4, bad, R4)))
    assert answer["statusCode"] == 200
    response = answer_json(answer)
    assert response["type"] == "batch-response"
    assert [e["response"]["status"][:3] for e in response["entry"]] == ["201", "422", "201"]
    issue = response["entry"][1]["response"]["outcome"]["issue"][0]
    assert issue["expression"] == ["Bundle.entry[1].resource.recorded"]
    sequence(world)
    assert len(opened(world)) == 2


def test_a_transaction_is_all_or_nothing(world: World) -> None:
    """One bad entry, and nothing is queued."""
    bad = {k: v for k, v in R4.items() if k != "recorded"}
    assert send(post("/", bundle("transaction", R4, bad)))["statusCode"] == 422
    assert world.messages() == []
    good = send(post("/", bundle("transaction", R4, R4)))
    assert answer_json(good)["type"] == "transaction-response"
    assert len(world.messages()) == 1


def test_a_retried_bundle_adds_only_what_was_missing(world: World) -> None:
    """Its key and the entry's number are the sender's id of each entry."""
    for _ in range(2):
        send(post("/", bundle("batch", R4, R4), idempotency_key="night-shift"))
    sequence(world)
    assert len(opened(world)) == 2


CLOUDEVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "urn:lab",
    "type": "record.created",
    "time": "2026-11-22T05:59:00Z",
    "datacontenttype": "application/json",
    "data": {"patient": {"reference": "Patient/rosetyler"}},
}


def test_cloudevents_come_in_all_three_modes(world: World) -> None:
    """202 each; source and id make them one entry whatever the mode they are sent in again."""
    one = json.dumps(CLOUDEVENT).encode()
    two = json.dumps([CLOUDEVENT, {**CLOUDEVENT, "id": "2"}]).encode()
    structured = send(post("/events", one, "application/cloudevents+json"))
    batch = send(post("/events", two, "application/cloudevents-batch+json"))
    binary = send(
        post(
            "/events",
            json.dumps(CLOUDEVENT["data"]).encode(),
            "application/json",
            ce_specversion="1.0",
            ce_id="3",
            ce_source="urn:lab",
            ce_type="record.created",
            ce_time="2026-11-22T05:59:00Z",
        )
    )
    assert [a["statusCode"] for a in (structured, batch, binary)] == [202, 202, 202]
    assert answer_json(structured)["ids"][0] == answer_json(batch)["ids"][0]
    sequence(world)
    assert len(opened(world)) == 3


def test_one_bad_cloudevent_refuses_its_batch(world: World) -> None:
    """The sender learns which; nothing is queued."""
    bad = {k: v for k, v in CLOUDEVENT.items() if k != "source"}
    body = json.dumps([CLOUDEVENT, bad]).encode()
    answer = send(post("/events", body, "application/cloudevents-batch+json"))
    assert answer["statusCode"] in (400, 422)
    assert world.messages() == []


def test_a_patient_who_acts_has_the_pseudonym_that_falls_with_the_secret(world: World) -> None:
    """Named by reference as subject and as agent: one pseudonym, of the subject secret."""
    agent = {"who": {"reference": "Patient/rosetyler"}, "requestor": True}
    assert send(post("/AuditEvent", json.dumps({**R4, "agent": [agent]}).encode()))
    sequence(world)
    ((row, _, _),) = opened(world)
    assert row.agents == (row.patient,)


def test_a_patient_who_acts_by_identifier_has_that_pseudonym_too(world: World) -> None:
    """Where the portal's patients are told apart by an identifier system."""
    rule = {"origin": ORIGIN, "portals": {"ehr": {"patient": {"system": "urn:mrn"}}}}
    world.ssm.put_parameter(
        Name=f"/{NAME}/ledgers/{LEDGER}", Type="String", Value=json.dumps(rule), Overwrite=True
    )
    identifier = {"system": "urn:mrn", "value": "MRN-1"}
    event = {
        **R4,
        "agent": [{"who": {"identifier": identifier}, "requestor": True}],
        "entity": [{"what": {"identifier": identifier}, "role": {"code": "1"}}],
    }
    assert send(post("/AuditEvent", json.dumps(event).encode()))["statusCode"] == 201
    sequence(world)
    ((row, _, _),) = opened(world)
    assert row.patient is not None
    assert row.agents == (row.patient,)


def test_faults_against_the_profiles_are_flagged_never_a_reason_to_reject(world: World) -> None:
    """The flags are in the index row, as codes."""
    event = {**R4, "agent": [{"name": SECRET, "requestor": True}]}
    assert send(post("/AuditEvent", json.dumps(event).encode()))["statusCode"] == 201
    sequence(world)
    ((row, _, _),) = opened(world)
    assert row.flags
    assert all(SECRET not in flag for flag in row.flags)


def test_a_patient_that_cannot_be_resolved_is_kept_and_flagged(world: World) -> None:
    """By this portal's rule a reference is needed; the subject is `ledger`."""
    what = {"identifier": {"system": "urn:oid:1.2.3", "value": "MRN-1"}}
    event = {**R4, "entity": [{"what": what, "role": {"code": "1"}}]}
    assert send(post("/AuditEvent", json.dumps(event).encode()))["statusCode"] == 201
    sequence(world)
    ((row, _, _),) = opened(world)
    assert row.patient is None
    assert "patient.unresolved" in row.flags


def test_events_of_the_bus_belong_to_the_rules_portal_and_ledger(world: World) -> None:
    """What the event claims of itself does not matter; a redelivery is the same event."""
    event = {"id": "bus-1", "source": "someone-else", "detail": R4}
    for _ in range(2):
        handler.handler({"portal": "ehr", "ledger": LEDGER, "event": event}, BY_BUS)
    sequence(world)
    ((_, record, _),) = opened(world)
    assert record.portal == "ehr"
    assert json.loads(bytes(record.resource)) == R4


def test_metadata_is_a_capability_statement(world: World) -> None:
    """Of R4 by default, of R5 when asked."""
    event = post("/metadata", b"")
    event["routeKey"] = "GET /metadata"
    assert answer_json(send(event))["fhirVersion"] == "4.0.1"
    event["headers"]["accept"] = "application/fhir+json; fhirVersion=5.0"
    assert answer_json(send(event))["fhirVersion"] == "5.0.0"
    for unknown in ("application/fhir+xml", "application/fhir+json; fhirVersion=3.0"):
        event["headers"]["accept"] = unknown
        assert send(event)["statusCode"] == 406


# Of IHE ITI-81 (RESTful ATNA), Section 3.81.4.1.2, and their types in FHIR R4, AuditEvent.
ITI_81 = {
    "date": "date",
    "address": "string",
    "agent.identifier": "token",
    "patient.identifier": "token",
    "entity.identifier": "token",
    "entity-type": "token",
    "entity-role": "token",
    "source.identifier": "token",
    "type": "token",
    "subtype": "token",
    "outcome": "token",
}


@pytest.mark.parametrize("version", ["4.0", "5.0"])
def test_metadata_says_what_can_be_done_and_searched(world: World, version: str) -> None:
    """All that IHE demands, and every parameter that a strict search takes, in both releases."""
    event = post("/metadata", b"")
    event["routeKey"] = "GET /metadata"
    event["headers"]["accept"] = f"application/fhir+json; fhirVersion={version}"
    (rest,) = answer_json(send(event))["rest"]
    (resource,) = rest["resource"]
    assert resource["type"] == "AuditEvent"
    assert {i["code"] for i in resource["interaction"]} == {
        "create",
        "read",
        "vread",
        "search-type",
    }
    declared = {p["name"]: p["type"] for p in resource["searchParam"]}
    assert len(declared) == len(resource["searchParam"])
    assert declared.items() >= ITI_81.items()
    for name, type_ in declared.items():
        value = {"date": "2026", "reference": "Patient/1"}.get(type_, "a")
        value = {"action": "R", "outcome": "0"}.get(name, value)
        found = parse_search([("date", "2026"), (name, value)], is_strict=True)
        assert found.criteria[-1].parameter == name


@pytest.mark.parametrize("length", [1, MAX_CACHED_NAME_LENGTH, MAX_CACHED_NAME_LENGTH + 1, 200_000])
def test_a_staff_pseudonym_is_the_same_remembered_or_not(length: int) -> None:
    """Long names are hashed each time: a portal could fill the memory with them."""
    key = KeyedHash(b"k" * 32)
    staff = cached_staff_pseudonyms(key)
    assert staff("n" * length) == staff("n" * length) == staff_pseudonym(key, "n" * length)
