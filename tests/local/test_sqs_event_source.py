"""Messages reach the function in the form of an SQS event source mapping.

Source: Lambda developer guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event
source"; SQS developer guide, "Dead-letter queues".
"""

import hashlib
import json
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import boto3
import pytest

from audit_ledger.errors import LedgerError
from infra.local.aws.call_context import Caller, calling_as
from infra.local.cloudformation.deployment import Deployment, QueueMapping
from infra.local.lambda_runtime import sqs_event_source
from infra.local.lambda_runtime.runner import MAX_PAYLOAD_BYTES, FunctionFailedError, Runner
from infra.local.lambda_runtime.sqs_event_source import QueuePump
from tests.local.conftest import REGION


class Bench:
    """The ledger's queue of the small app, its pump, and the events of its function."""

    def __init__(self, deployment: Deployment) -> None:
        self.runner = Runner(deployment.functions, REGION)
        self.mapping = deployment.mappings[0]
        self.pump = QueuePump(self.mapping, self.runner, REGION)
        self.sqs = boto3.client("sqs", region_name=REGION)
        self.url = self.sqs.get_queue_url(QueueName="small-one")["QueueUrl"]
        self.dead_url = self.sqs.get_queue_url(QueueName="small-one-dead")["QueueUrl"]

    def with_mapping(self, **changes: Any) -> QueuePump:
        mapping: QueueMapping = replace(self.mapping, **changes)
        return QueuePump(mapping, self.runner, REGION)

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def events(self, environment: int = 0) -> list[Any]:
        key = ("small-one-sequencer", environment)
        seen: list[Any] = self.runner._environments[key].module.REMEMBERED
        return seen

    def records(self) -> list[dict[str, Any]]:
        return [record for event in self.events() for record in event["Records"]]

    def depth(self, url: str) -> tuple[int, int]:
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
            "Attributes"
        ]
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )

    def dead(self) -> list[str]:
        answer = self.sqs.receive_message(QueueUrl=self.dead_url, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]


@pytest.fixture
def bench(fresh: Deployment) -> Bench:
    return Bench(fresh)


def test_a_record_has_the_members_of_lambdas_event(bench: Bench) -> None:
    bench.sqs.send_message(
        QueueUrl=bench.url,
        MessageBody="body",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "v"}},
    )
    bench.pump.drain()
    (record,) = bench.records()
    assert record["body"] == "body"
    assert record["md5OfBody"] == hashlib.md5(b"body").hexdigest()
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == f"arn:aws:sqs:{REGION}:123456789012:small-one"
    assert record["awsRegion"] == REGION
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"].isdecimal()
    assert record["messageAttributes"]["kind"]["stringValue"] == "v"


def test_the_sender_is_the_role_and_session_of_the_function_that_sent(bench: Bench) -> None:
    """IAM user guide: a role session's principal id is `<role id>:<session name>`."""
    with calling_as(Caller("f", "AROAEXAMPLE:f")):
        bench.send("one")
    bench.send("two")
    bench.pump.drain()
    first, second = (record["attributes"]["SenderId"] for record in bench.records())
    assert first == "AROAEXAMPLE:f"
    assert second != first


def test_a_batch_contains_at_most_the_batch_size(bench: Bench) -> None:
    bench.send(*(str(number) for number in range(25)))
    pump = bench.with_mapping(batch_size=10)
    assert [len(batch.messages) for batch in pump.drain()] == [10, 10, 5]
    assert [record["body"] for record in bench.records()] == [str(n) for n in range(25)]
    assert bench.depth(bench.url) == (0, 0)


def test_one_batch_takes_the_messages_of_many_receives(bench: Bench) -> None:
    """A batch of up to 1,000 is gathered ten messages a call."""
    bench.send(*(str(number) for number in range(25)))
    assert [len(batch.messages) for batch in bench.pump.drain()] == [25]


def test_a_batch_closes_at_six_megabytes(bench: Bench) -> None:
    """Seven messages of 1 MB do not fit into one invocation."""
    bench.send(*("x" * 1_000_000 for _ in range(7)))
    assert [len(batch.messages) for batch in bench.pump.drain()] == [6, 1]
    for event in bench.events():
        assert len(json.dumps(event).encode()) <= MAX_PAYLOAD_BYTES


def test_redelivers_failed_messages_until_they_are_dead_letters(bench: Bench) -> None:
    bench.send("a", "fail", "b")
    batches = bench.pump.drain()
    assert [len(batch.messages) for batch in batches] == [3, 1, 1]
    assert [len(batch.failed) for batch in batches] == [1, 1, 1]
    counts = [
        r["attributes"]["ApproximateReceiveCount"] for r in bench.records() if r["body"] == "fail"
    ]
    assert counts == ["1", "2", "3"]
    assert bench.depth(bench.url) == (0, 0)
    assert bench.dead() == ["fail"]


def test_a_failed_message_waits_out_its_visibility_timeout(bench: Bench) -> None:
    bench.send("fail")
    bench.pump.drain(redeliver=False)
    assert bench.depth(bench.url) == (0, 1)
    assert bench.pump.deliver() is None


@pytest.mark.parametrize("body", ["unknown", "raise"])
def test_a_raise_and_an_unknown_identifier_fail_the_whole_batch(bench: Bench, body: str) -> None:
    bench.send("innocent", body)
    batch = bench.pump.deliver()
    assert batch is not None
    assert batch.failed == set(batch.messages)
    assert isinstance(batch.error, FunctionFailedError) is (body == "raise")
    assert bench.depth(bench.url) == (0, 2)


def test_an_empty_result_is_success(bench: Bench) -> None:
    """Null and an empty list of failures both mean success."""
    bench.send("nothing", "a")
    batch = bench.pump.deliver()
    assert batch is not None
    assert not batch.failed
    assert bench.depth(bench.url) == (0, 0)


@pytest.mark.parametrize(
    ("result", "has_failed"),
    [
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, True),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, True),
        ({"batchItemFailures": [{"identifier": "x"}]}, True),
        ({"batchItemFailures": ["x"]}, True),
        ("text", True),
        ({}, False),
        ({"batchItemFailures": None}, False),
        ({"batchItemFailures": []}, False),
    ],
)
def test_a_malformed_result_fails_the_whole_batch_and_an_empty_one_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, result: Any, has_failed: bool
) -> None:
    bench.send("a", "b")
    monkeypatch.setattr(bench.runner, "invoke", lambda *_: result)
    batch = bench.pump.deliver()
    assert batch is not None
    assert batch.failed == (set(batch.messages) if has_failed else set())


def test_ignores_the_result_without_partial_responses(bench: Bench) -> None:
    bench.send("fail", "a")
    batch = bench.with_mapping(partial_answers=False).deliver()
    assert batch is not None
    assert not batch.failed


def test_two_environments_take_turns_and_share_no_memory(bench: Bench) -> None:
    """Two concurrent sequencers, each with its own head in memory."""
    bench.send("a", "b", "c")
    bench.with_mapping(batch_size=1).drain(environments=2)
    assert [len(bench.events(environment)) for environment in (0, 1)] == [2, 1]


def test_no_more_environments_than_the_mapping_allows(bench: Bench) -> None:
    bench.send("a", "b", "c")
    bench.with_mapping(batch_size=1, max_concurrency=2).drain(environments=5)
    assert len(bench.runner._environments) == 2


def test_refuses_to_redeliver_forever_without_a_dead_letter_queue(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqs_event_source, "MAX_REDELIVERIES", 5)
    bench.sqs.set_queue_attributes(QueueUrl=bench.url, Attributes={"RedrivePolicy": ""})
    bench.send("fail")
    with pytest.raises(LedgerError, match="no dead-letter queue"):
        bench.pump.drain()


def test_run_delivers_until_stopped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = bench.with_mapping(window_seconds=0)
    stop, delivered = Event(), Event()
    original = bench.runner.invoke

    def invoke(*args: Any) -> Any:
        answer = original(*args)
        delivered.set()
        return answer

    monkeypatch.setattr(bench.runner, "invoke", invoke)
    thread = Thread(target=pump.run, args=(stop,))
    thread.start()
    bench.send("a")
    assert delivered.wait(30)
    stop.set()
    thread.join()
    assert [record["body"] for record in bench.records()] == ["a"]
    assert bench.depth(bench.url) == (0, 0)


def test_a_message_is_measured_in_bytes(bench: Bench) -> None:
    """SQS quotas: 1 MiB of UTF-8."""
    bench.send("ß" * (512 * 1024))
    with pytest.raises(bench.sqs.exceptions.ClientError, match="must be shorter than 1048576"):
        bench.send("ß" * (512 * 1024 + 1))
