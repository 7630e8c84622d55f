"""Ingest's handler on moto: what bad input and tokens get, and that no answer echoes it."""

import base64
import gzip
import json
import os
import re

import pytest

from audit_ledger.aws import clients
from audit_ledger.events import Agent, Event, Part
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.queue_message import QueueMessage
from audit_ledger.records.record import new_record
from functions.ingest.accept import most_bytes
from tests.builders.sealed_record import committed_record
from tests.functions.ingesting import BODY, R4, SECRET, bundle, send, sequence
from tests.functions.requests import FHIR, SCOPE, answer_json, post
from tests.world import LEDGER, World

pytestmark = pytest.mark.usefixtures("fresh_ingest")


BAD_INPUT = [
    ("/AuditEvent", b"{" + SECRET.encode(), FHIR, {400}, "not JSON"),
    ("/AuditEvent", b"", FHIR, {400}, "empty"),
    ("/AuditEvent", b"[1]", FHIR, {400, 422}, "a list"),
    ("/AuditEvent", b'{"resourceType":"Patient"}', FHIR, {422}, "wrong resource type"),
    (
        "/AuditEvent",
        json.dumps({k: v for k, v in R4.items() if k != "recorded"}).encode(),
        FHIR,
        {422},
        "no recorded",
    ),
    (
        "/AuditEvent",
        json.dumps({k: v for k, v in R4.items() if k != "type"}).encode(),
        FHIR,
        {422},
        "neither R4 nor R5",
    ),
    ("/AuditEvent", b"<AuditEvent/>", "application/fhir+xml", {415}, "FHIR XML"),
    ("/AuditEvent", BODY, "text/plain", {415}, "no JSON type"),
    ("/AuditEvent", BODY, f"{FHIR}; fhirVersion=3.0", {415}, "STU3"),
    ("/AuditEvent", BODY, f"{FHIR}; fhirVersion=5.0", {422}, "R4 as R5"),
    (
        "/AuditEvent",
        json.dumps({**R4, "outcomeDesc": "x" * 262_144}).encode(),
        FHIR,
        {413},
        "over 256 KB",
    ),
    ("/", b'{"resourceType":"Bundle","type":"history"}', FHIR, {422}, "history"),
    ("/", BODY, FHIR, {422}, "no Bundle"),
    ("/events", b"{}", "application/json", {415}, "no CloudEvent"),
    ("/events", b"{}", "application/cloudevents+avro", {415}, "Avro"),
    ("/events", b"{}", "application/cloudevents+json", {400, 422}, "no id"),
]
"""Path, body, content type, expected statuses, what is wrong."""


def test_bad_input_gets_an_outcome_that_echoes_nothing(world: World) -> None:
    """What, where and what was expected; nothing of it is queued."""
    for path, body, content_type, status, wrong in BAD_INPUT:
        answer = send(post(path, body.replace(b"rosetyler", SECRET.encode()), content_type))
        assert answer["statusCode"] in status, (wrong, answer["body"])
        outcome = answer_json(answer)
        assert outcome["resourceType"] == "OperationOutcome", wrong
        assert outcome["issue"][0]["diagnostics"], wrong
        assert SECRET not in answer["body"], wrong
        assert world.messages() == [], wrong


def test_a_binary_cloudevent_must_not_come_in_a_format_of_cloudevents(world: World) -> None:
    """The HTTP binding keeps those media types for structured mode."""
    headers = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "urn:x", "ce_type": "t"}
    answer = send(post("/events", b"x", "application/cloudevents+avro", **headers))
    assert answer["statusCode"] == 415


def test_a_body_that_was_not_utf8_is_refused_before_it_is_signed(world: World) -> None:
    """API Gateway hands JSON over as text, with U+FFFD for bytes that are none."""
    event = post("/AuditEvent", b"", "application/json")
    event["body"] = BODY.decode().replace("rosetyler", "rose\ufffdtyler")
    event["isBase64Encoded"] = False
    answer = send(event)
    assert answer["statusCode"] == 400
    assert answer_json(answer)["resourceType"] == "OperationOutcome"
    assert world.messages() == []


def test_a_body_of_another_encoding_is_refused_by_its_header(world: World) -> None:
    """Nobody is told that a compressed file is bad JSON. What is taken is gzip."""
    body = gzip.compress(BODY)
    for encoding in ("br", "deflate", "zstd", "gzip, gzip"):
        answer = send(post("/AuditEvent", body, content_encoding=encoding))
        assert answer["statusCode"] == 415, encoding
        assert "Content-Encoding" in answer["body"], encoding
    assert send(post("/AuditEvent", body, content_encoding="gzip"))["statusCode"] == 201


def test_a_request_over_1_mib_sealed_is_refused_whole(world: World) -> None:
    """Incompressible events, each small enough, together too many."""
    events = [
        {**R4, "outcomeDesc": base64.b64encode(os.urandom(150_000)).decode()} for _ in range(6)
    ]
    answer = send(post("/", bundle("batch", *events)))
    assert answer["statusCode"] == 413
    assert world.messages() == []
    assert subject_rows() == 0


def test_a_batch_that_is_too_large_is_told_how_to_split(world: World) -> None:
    """Of 5,000 events without a patient as many as it says are accepted in one request."""
    event = {
        **R4,
        "entity": [],
        "agent": [{"who": {"display": "Nightly job"}, "requestor": False}],
    }
    events = [
        {**event, "outcomeDesc": base64.b64encode(os.urandom(150)).decode()} for _ in range(5000)
    ]
    answer = send(post("/", bundle("batch", *events)))
    assert answer["statusCode"] == 413
    assert world.messages() == []
    diagnostics = answer_json(answer)["issue"][0]["diagnostics"]
    (fitting,) = re.findall(r"send at most ([0-9,]+) such events a request", diagnostics)
    count = int(fitting.replace(",", ""))
    assert 500 < count < 2500
    accepted = send(post("/", bundle("batch", *events[:count])))
    assert accepted["statusCode"] == 200
    assert all(e["response"]["status"] == "201" for e in answer_json(accepted)["entry"])


def test_a_request_that_may_be_too_large_and_is_not_is_accepted(world: World) -> None:
    """Over 1 MiB as submitted, far less once compressed."""
    events = [{**R4, "outcomeDesc": f"{n} " * 120_000} for n in range(5)]
    answer = send(post("/", bundle("batch", *events)))
    assert answer["statusCode"] == 200
    sequence(world)
    assert subject_rows() == 1


@pytest.mark.parametrize(("agents", "flags", "cut"), [(0, 0, 0), (64, 40, 0), (3, 2, 500)])
def test_a_message_is_never_longer_than_was_foreseen(agents: int, flags: int, cut: int) -> None:
    """So a request that is not rehearsed is never refused once its secrets are made."""
    row = IndexRow(
        event_id="f" * 64,
        time_ms=-62_135_596_800_000,
        patient=bytes(16),
        agents=tuple(bytes([n]) * 16 for n in range(agents)),
        fingerprint=bytes(32),
        generation=2026999,
        flags=("f" * 64,) * (flags + 2),
    )
    part = Part(None, os.urandom(20_000), ("\x01" * 40,) * cut)
    acting = (Agent((), False, False),) * agents
    event = Event("cloudevents", None, 0, None, (part,), acting, ("f",) * flags)
    record = new_record("p" * 32, 0, "cloudevents", part.resource, part.cut).to_bytes()
    sealed = bytes(200) + record + bytes(len(record) // 256)
    stored = committed_record(row, sealed)
    message = QueueMessage("o" * 64, 0, (stored,)).to_text()
    assert len(message) <= most_bytes([event])


def subject_rows() -> int:
    """How many secrets there are: nobody takes one away again."""
    table = os.environ["SUBJECTS_TABLE"]
    return int(clients.dynamodb().scan(TableName=table, Select="COUNT")["Count"])


FORBIDDEN = {
    "no scope": "",
    "read only": SCOPE.replace(".c ", ".rs "),
    "a patient": SCOPE.replace("system/", "patient/"),
    "of another resource": SCOPE.replace("AuditEvent", "Patient"),
    "no ledger": SCOPE.replace(f"ledger/{LEDGER}", ""),
    "two ledgers": SCOPE + " ledger/other",
    "another ledger": SCOPE.replace(LEDGER, "other"),
    "no portal": SCOPE.replace("portal/ehr", ""),
    "another portal": SCOPE.replace("portal/ehr", "portal/other"),
    "no ledger id": SCOPE.replace(LEDGER, "../../x"),
}


def test_a_token_that_does_not_allow_it_gets_403(world: World) -> None:
    """And nothing is queued."""
    for wrong, scope in FORBIDDEN.items():
        assert send(post("/AuditEvent", BODY, scope=scope))["statusCode"] == 403, wrong
        assert world.messages() == [], wrong


def test_smart_scopes_with_wildcards_allow_writing(world: World) -> None:
    """SMART v2: any subset of cruds that has c, for this resource or all."""
    for allowed in ("AuditEvent.c", "AuditEvent.cruds", "AuditEvent.cu", "*.c", "*.cruds", "*.cu"):
        scope = SCOPE.replace("AuditEvent.c", allowed)
        assert send(post("/AuditEvent", BODY, scope=scope))["statusCode"] == 201, allowed


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"scp": SCOPE}, id="scp as text"),
        pytest.param({"scp": f"[{SCOPE}]"}, id="scp as API Gateway spells a list"),
        pytest.param(
            {"scope": "system/AuditEvent.c", "ledger": LEDGER, "portal": "ehr"}, id="claims"
        ),
    ],
)
def test_tokens_of_other_issuers_are_understood(world: World, claims: dict[str, str]) -> None:
    """Scopes in `scp`, or ledger and portal in claims of their own."""
    event = post("/AuditEvent", BODY)
    event["requestContext"]["authorizer"]["jwt"]["claims"] = claims
    assert send(event)["statusCode"] == 201


def test_a_claim_that_contradicts_the_scope_is_believed(world: World) -> None:
    """The settings name the claim: it decides, whatever a scope says."""
    event = post("/AuditEvent", BODY)
    event["requestContext"]["authorizer"]["jwt"]["claims"]["ledger"] = "other"
    assert send(event)["statusCode"] == 403


def test_an_instant_outside_of_the_calendar_is_refused(world: World) -> None:
    """What could not be indexed later must not be accepted now."""
    for recorded in (
        "9999-12-31T23:59:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ):
        answer = send(post("/AuditEvent", json.dumps({**R4, "recorded": recorded}).encode()))
        assert answer["statusCode"] == 422, recorded
        assert world.messages() == [], recorded


def test_an_unreachable_queue_answers_503_and_says_nothing_else(world: World) -> None:
    """The portal tries again; it was told of no acceptance."""
    send(post("/AuditEvent", BODY))
    world.sqs.delete_queue(QueueUrl=world.queue_url)
    answer = send(post("/AuditEvent", BODY))
    assert answer["statusCode"] == 503
    assert "rosetyler" not in answer["body"]


@pytest.mark.parametrize("path", ["/AuditEvent", "/"])
def test_conditional_create_is_refused_not_ignored(world: World, path: str) -> None:
    """A client that is told nothing would believe that no second event was made."""
    body = BODY if path == "/AuditEvent" else bundle("batch", R4)
    answer = send(post(path, body, if_none_exist="date=2026-11-30"))
    assert answer["statusCode"] == 400
    (issue,) = answer_json(answer)["issue"]
    assert (issue["code"], issue["expression"]) == ("not-supported", ["If-None-Exist"])
    assert "Idempotency-Key" in issue["diagnostics"]
    assert world.messages() == []
