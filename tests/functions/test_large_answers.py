"""What the answer to a Bundle holds at most, so that none is lost for being over 6 MiB.

Lambda throws away an answer of more than 6 MiB and tells the sender 500: the events are in the
ledger, the sender does not know, and sends them again.
"""

import json
from typing import Any

import pytest

from audit_ledger.events import RejectedEventError, parse_audit_event
from audit_ledger.events.batch import MAX_EVENTS
from audit_ledger.events.flags import FLAGS
from audit_ledger.http.request import read_request
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.sealed_record import SealedRecord
from functions.ingest.responses import CONFLICT_CODE, bundle_response
from tests.functions.ingesting import BODY, R4, bundle, send
from tests.functions.requests import answer_json, post
from tests.http.test_request import NAMES
from tests.world import World

MAX_OF_LAMBDA = 6 * 1024 * 1024
MAX_OF_A_MESSAGE = 1024 * 1024 * 3 // 4  # bytes in a mebibyte of base64
ROW_BYTES = 235  # of a record beside its flags, at least: 314 in base64


def payload_bytes(answer: dict[str, Any]) -> int:
    """What Lambda's runtime spells of an answer."""
    return len(json.dumps(answer, ensure_ascii=False).encode())


@pytest.mark.usefixtures("fresh_ingest")
def test_resources_that_no_answer_holds_are_left_out_and_a_header_says_so(world: World) -> None:
    """Compressed they fit in one message; in the answer each quote takes four bytes."""
    event = {**R4, "outcomeDesc": '"' * 120_000}
    body = bundle("batch", *[event] * 15)
    answer = send(post("/", body, prefer="return=representation"))
    assert answer["statusCode"] == 200
    assert len(body) * 2 > MAX_OF_LAMBDA
    assert payload_bytes(answer) < MAX_OF_LAMBDA
    assert answer["headers"]["Preference-Applied"] == "return=minimal"
    entries = answer_json(answer)["entry"]
    assert [entry["response"]["status"] for entry in entries] == ["201"] * 15
    assert not any("resource" in entry for entry in entries)
    assert len(world.messages()) == 1


@pytest.mark.usefixtures("fresh_ingest", "world")
def test_resources_that_an_answer_holds_are_in_it() -> None:
    """And nothing says that they were left out."""
    answer = send(post("/", bundle("batch", R4, R4), prefer="return=representation"))
    assert [e["resource"]["resourceType"] for e in answer_json(answer)["entry"]] == [
        "AuditEvent",
        "AuditEvent",
    ]
    assert "Preference-Applied" not in answer["headers"]


def test_sentences_that_no_answer_holds_are_left_out_and_the_codes_stay() -> None:
    """The most flags that one message can carry, and refusals as many as a Bundle has room for."""
    flags = tuple(sorted(FLAGS))
    in_a_message = MAX_OF_A_MESSAGE // (ROW_BYTES + sum(len(flag) + 3 for flag in flags))
    event = parse_audit_event(BODY)
    row = IndexRow(event_id="ab" * 32, time_ms=0, fingerprint=b"", generation=0, flags=flags)
    sealed = (SealedRecord(row, b"", b"", b"", b"", b"", conflict=True),)
    refused = RejectedEventError(
        422, "required", "Bundle.entry[4999].resource.agent[255].who", "x" * 99
    )
    results: list[Any] = [(event, sealed)] * in_a_message
    results += [refused] * (MAX_EVENTS - in_a_message)
    sentences = sum(len(text) + len(code) + 80 for code, text in FLAGS.items()) * in_a_message
    assert sentences + len(json.dumps(refused.operation_outcome())) * MAX_EVENTS > MAX_OF_LAMBDA
    answer = bundle_response("batch-response", results, read_request(post("/", b""), NAMES))
    assert payload_bytes(answer) < MAX_OF_LAMBDA
    entries = json.loads(answer["body"])["entry"]
    assert len(entries) == MAX_EVENTS
    (issue,) = entries[0]["response"]["outcome"]["issue"]
    assert issue["diagnostics"].split() == [CONFLICT_CODE, *flags]


@pytest.mark.usefixtures("fresh_ingest", "world")
@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_the_answer_to_nothing_has_no_empty_array(kind: str) -> None:
    """FHIR's JSON has none, and clients that validate refuse one."""
    answer = send(post("/", bundle(kind)))
    assert answer["statusCode"] == 200
    assert answer_json(answer) == {"resourceType": "Bundle", "type": f"{kind}-response"}
