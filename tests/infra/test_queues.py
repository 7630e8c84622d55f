"""Queues, what feeds on them, and the schedule."""

import json
from typing import Any

import pytest

from tests.infra.assembly import ACCOUNT, LEDGERS, REGION, Assembly

P = "audit-ledger-dev"
DAY = 24 * 3600


def queues(assembly: Assembly) -> dict[str, Any]:
    return {r.properties["QueueName"]: r.properties for r in assembly.resources("AWS::SQS::Queue")}


def arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_frozen_ledgers_messages_are_tried_for_seven_days(dev: Assembly, ledger: str) -> None:
    """Whole messages of 1 MiB; each becomes a dead letter after seven days and before 14.

    AWS: visibility of at least six function time-outs; at most 1,000 receives; retention counts
    from the first sending also in the dead-letter queue.
    """
    queue = queues(dev)[f"{P}-{ledger}"]
    assert queue["MaximumMessageSize"] == 1024 * 1024
    functions = dev.named("AWS::Lambda::Function", "FunctionName")
    timeout = functions[f"{ledger}-sequencer"].properties["Timeout"]
    assert queue["VisibilityTimeout"] >= 6 * timeout
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": arn(f"{P}-{ledger}-dead"),
        "maxReceiveCount": 840,
    }
    tried = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert tried == 7 * DAY
    assert queue["MessageRetentionPeriod"] == 14 * DAY


@pytest.mark.parametrize("ledger", LEDGERS)
def test_dead_letters_stay_fourteen_days_and_come_from_one_queue(
    dev: Assembly, ledger: str
) -> None:
    """No other queue may use it as its dead-letter queue."""
    queue = queues(dev)[f"{P}-{ledger}-dead"]
    assert queue["MessageRetentionPeriod"] == 14 * DAY
    assert queue["RedriveAllowPolicy"] == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [arn(f"{P}-{ledger}")],
    }


def test_every_queue_is_encrypted_and_speaks_tls_only(dev: Assembly) -> None:
    """The one that holds events in the clear under a KMS key, the others under SQS' own."""
    found = queues(dev)
    own_key = {name for name, queue in found.items() if "KmsMasterKeyId" in queue}
    assert own_key == {f"{P}_undelivered"}
    assert all(q["SqsManagedSseEnabled"] for name, q in found.items() if name not in own_key)
    policies = {
        queue: r.properties["PolicyDocument"]
        for r in dev.resources("AWS::SQS::QueuePolicy")
        for queue in r.properties["Queues"]
    }
    assert set(policies) == set(found)
    for policy in policies.values():
        denials = [s for s in policy["Statement"] if s["Effect"] == "Deny"]
        assert [d["Condition"] for d in denials] == [{"Bool": {"aws:SecureTransport": "false"}}]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_sequencer_takes_large_batches_two_at_a_time(dev: Assembly, ledger: str) -> None:
    """1,000 messages or a second, and answers message by message."""
    (mapping,) = (
        r.properties
        for r in dev.resources("AWS::Lambda::EventSourceMapping")
        if r.properties["EventSourceArn"] == arn(f"{P}-{ledger}")
    )
    assert mapping["FunctionName"] == f"{P}-{ledger}-sequencer"
    assert mapping["BatchSize"] == 1000
    assert mapping["MaximumBatchingWindowInSeconds"] == 1
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_dead_letters_are_copied_at_once(dev: Assembly, ledger: str) -> None:
    """Without a batching window, and only what was copied leaves the queue."""
    (mapping,) = (
        r.properties
        for r in dev.resources("AWS::Lambda::EventSourceMapping")
        if r.properties["EventSourceArn"] == arn(f"{P}-{ledger}-dead")
    )
    assert mapping["FunctionName"] == f"{P}-dead-letters"
    assert "MaximumBatchingWindowInSeconds" not in mapping
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_ledger_is_published_every_minute(dev: Assembly, ledger: str) -> None:
    """What could not be started is retried within the minute, then leaves word."""
    (schedule,) = (
        r.properties
        for r in dev.resources("AWS::Scheduler::Schedule")
        if r.properties["Name"] == f"{P}-{ledger}-publisher"
    )
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    target = schedule["Target"]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}-{ledger}-publisher"
    assert target["Arn"] == function
    assert target["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{P}-{ledger}-schedule"
    assert json.loads(target["Input"]) == {}
    assert target["RetryPolicy"] == {
        "MaximumEventAgeInSeconds": 60,
        "MaximumRetryAttempts": 2,
    }
    assert target["DeadLetterConfig"] == {"Arn": arn(f"{P}-{ledger}-unpublished")}
