"""No identifier and no free text of an event is anywhere outside sealed records."""

import json
from base64 import b64decode
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from functions.ingest import handler as ingest
from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.builders.audit_event import audit_event_samples
from tests.builders.cloudevent import with_json
from tests.conftest import MATERIAL
from tests.functions.pipeline import Context
from tests.functions.requests import answer_json, post
from tests.world import LEDGER, ORIGIN, World

CONTEXT: Any = Context()
# Elements whose text identifies a person or thing, or was typed by a person.
IDENTIFYING = {
    "address", "altId", "family", "given", "name", "query", "reference", "text", "value", "div",
    "outcomeDesc", "description", "site", "line", "string", "valueString", "id", "policy",
    "userId", "detail",
}  # fmt: skip
WHO = {"who", "what", "observer", "patient", "agent", "entity", "encounter", "location"}
MIN_LENGTH = 6  # shorter texts occur in base64 by chance

SAMPLES = audit_event_samples(MATERIAL)


def identifying_texts(node: Any, key: str = "", within: str = "") -> Iterator[str]:
    """Yield the identifiers, names and free texts in a resource."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from identifying_texts(value, name, key if key in WHO else within)
    elif isinstance(node, list):
        for value in node:
            yield from identifying_texts(value, key, within)
    elif isinstance(node, str) and (key in IDENTIFYING or (key == "display" and within in WHO)):
        yield node
        if key in ("query", "value", "valueBase64Binary"):
            try:
                yield b64decode(node, validate=True).decode()
            except ValueError:
                return


def needles(samples: list[Path]) -> set[str]:
    """Return the texts to search for: whole texts, and the ids at the end of references."""
    found: set[str] = set()
    for sample in samples:
        for text in identifying_texts(json.loads(sample.read_bytes())):
            found |= {text, text.rpartition("/")[2]}
    return {n for n in found if len(n) >= MIN_LENGTH and n not in ORDINARY and n not in ORIGIN}


# Words of formats that events also use as text: they identify nobody.
ORDINARY = {"AuditEvent", "application", "OperationOutcome", "Patient", "source"}


def in_other_forms(sample: Path) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield a sample in a Bundle, in a CloudEvent, and from the bus."""
    resource = json.loads(sample.read_bytes())
    entry = {"resource": resource, "request": {"method": "POST", "url": "AuditEvent"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    yield post("/", json.dumps(bundle).encode()), CONTEXT
    event = with_json(resource, id=sample.stem)
    yield post("/events", json.dumps(event).encode(), "application/cloudevents+json"), CONTEXT
    over_bus = {"portal": "ehr", "ledger": LEDGER, "event": {"id": sample.stem, "detail": resource}}
    yield over_bus, Context("bus")


def clear_texts(world: World, messages: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """Yield every output of the functions, and messages also decoded from base64."""
    for message in messages:
        yield "queue message", message["body"].encode()
        yield "queue message, decoded", b64decode(message["body"])
    for table in ("blocks", "events", "ledgers", "subjects"):
        for item in world.items(table):
            for name, value in item.items():
                for data in value.values():
                    yield f"{table}.{name}", data if isinstance(data, bytes) else str(data).encode()
    for path, data in world.published().items():
        yield path, path.encode() + data
    for entry in world.s3.list_objects_v2(Bucket="audit-ledger-test-archive")["Contents"]:
        stored = world.s3.get_object(Bucket="audit-ledger-test-archive", Key=entry["Key"])
        yield entry["Key"], stored["Body"].read()


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """The logs of the functions. Powertools writes to the stream that it found at import."""
    written = StringIO()
    for logger in (ingest.logger, sequencing.logger, publishing.logger):
        for handler in logger.handlers:
            monkeypatch.setattr(handler, "stream", written)
        logger.error("marker of the test")
    assert written.getvalue().count("marker of the test") == 3
    return written


@pytest.fixture(autouse=True)
def _fresh_containers(world: World) -> None:
    for function in (ingest.acceptor, ingest.environment):
        function.cache_clear()
    sequencing.sequencer.cache_clear()
    publishing.publisher.cache_clear()


def test_no_output_contains_a_text_of_a_sample(
    world: World, shared_dir: Path, capfd: pytest.CaptureFixture[str], logs: StringIO
) -> None:
    """Queue messages, tables, published files, archive, responses and logs of all samples."""
    answers = []
    for number, sample in enumerate(SAMPLES):
        key = f"key-{number}"
        # Without a preference, the response to the sender contains the event.
        prefer = ("return=minimal", "return=OperationOutcome")[number % 2]
        request = post("/AuditEvent", sample.read_bytes(), idempotency_key=key, prefer=prefer)
        answers.append(ingest.handler(request, CONTEXT))
        answers += [ingest.handler(event, context) for event, context in in_other_forms(sample)]
    messages = world.messages()
    assert len(messages) > 3 * len(SAMPLES)
    world.sqs.delete_queue(QueueUrl=world.queue_url)
    answers += [ingest.handler(post("/AuditEvent", s.read_bytes()), CONTEXT) for s in SAMPLES[:9]]
    assert "not accepted" in logs.getvalue()
    sequencing.handler({"Records": messages}, CONTEXT)
    publishing.handler({}, CONTEXT)
    captured = capfd.readouterr()
    texts = list(clear_texts(world, messages))
    texts += [("output", captured.out.encode()), ("errors", captured.err.encode())]
    texts += [("log", logs.getvalue().encode())]
    texts += [("answer", json.dumps(a).encode()) for a in answers]
    searched = needles(SAMPLES)
    assert len(searched) > 200
    for output, data in texts:
        found = [n for n in searched if n.encode() in data]
        assert not found, f"{len(found)} texts of samples in {output}"


def test_no_refusal_or_log_contains_a_text_of_a_sample(
    world: World, shared_dir: Path, capfd: pytest.CaptureFixture[str], logs: StringIO
) -> None:
    """Each sample made invalid in several ways, and cut off in the middle."""
    searched = needles(SAMPLES)
    statuses = set()
    for sample in SAMPLES:
        data = sample.read_bytes()
        resource = json.loads(data)
        without = json.dumps({k: v for k, v in resource.items() if k != "recorded"}).encode()
        wrong = json.dumps({**resource, "recorded": resource.get("id", "x") * 3}).encode()
        deep = json.dumps({**resource, "entity": resource.get("agent", [{}])[0]}).encode()
        for invalid in (data[: len(data) // 2], without, wrong, deep):
            answer = ingest.handler(post("/AuditEvent", invalid), CONTEXT)
            assert answer is not None
            statuses.add(answer["statusCode"])
            assert answer["statusCode"] in (400, 422)
            assert answer_json(answer)["resourceType"] == "OperationOutcome"
            assert not [n for n in searched if n in answer["body"]], sample.stem
    captured = capfd.readouterr()
    assert not [n for n in searched if n in captured.out + captured.err + logs.getvalue()]
    assert statuses == {400, 422}
    assert world.messages() == []
