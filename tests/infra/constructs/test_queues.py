"""Queues, what feeds on them, and the schedule."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.assembly import ACCOUNT, LEDGERS, REGION, Assembly
from tests.infra.policies import Request, decision, listed, role, statements

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
    """A KMS key encrypts the one with events in the clear, SQS' own key the others."""
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
        unconditional = {"Bool": {"aws:SecureTransport": "false"}}
        assert [
            s["Action"] for s in policy["Statement"] if s.get("Condition") == unconditional
        ] == ["sqs:*"]


def test_a_queues_policy_is_one_that_sqs_takes(many: Assembly) -> None:
    """At most 7 actions a statement, 20 statements, 10 conditions, 8,192 bytes: SQS' quotas."""
    for resource in many.resources("AWS::SQS::QueuePolicy"):
        document = resource.properties["PolicyDocument"]
        found = statements(document)
        assert len(found) <= 20
        assert all(len(listed(s["Action"])) <= 7 for s in found)
        assert sum(len(s.get("Condition", {})) for s in found) <= 10
        assert len(json.dumps(document)) <= 8192


def test_sqs_and_eventbridge_themselves_are_not_kept_from_a_queue(dev: Assembly) -> None:
    """A service moves messages to dead-letter queues, not a role; others still need an Allow."""
    policies = {
        queue: r.properties["PolicyDocument"]
        for r in dev.resources("AWS::SQS::QueuePolicy")
        for queue in r.properties["Queues"]
    }
    service = {
        "aws:PrincipalIsAWSService": "true",
        "aws:SecureTransport": "true",
        "aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{P}/a",
    }
    bus = "events.amazonaws.com"
    request = Request(bus, "sqs:SendMessage", arn(f"{P}_undelivered"), service)
    assert decision(policies[f"{P}_undelivered"], request) == "allow"
    request = Request(role("Admin"), "sqs:SendMessage", arn(f"{P}_undelivered"), {})
    assert decision(policies[f"{P}_undelivered"], request) == "deny"
    dead = f"{P}-st-elsewhere-dead"
    request = Request("sqs.amazonaws.com", "sqs:SendMessage", arn(dead), service)
    assert decision(policies[dead], request) != "deny"
    waiting = f"{P}-st-elsewhere"
    request = Request(bus, "sqs:SendMessage", arn(waiting), service)
    assert decision(policies[waiting], request) == "deny"


def mapping_of(assembly: Assembly, queue: str) -> Mapping[str, Any]:
    """Return the one event source mapping of a queue."""
    (mapping,) = (
        r.properties
        for r in assembly.resources("AWS::Lambda::EventSourceMapping")
        if r.properties["EventSourceArn"] == arn(queue)
    )
    return mapping


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_sequencer_takes_large_batches_two_at_a_time(dev: Assembly, ledger: str) -> None:
    """1,000 messages or a second, and answers message by message."""
    mapping = mapping_of(dev, f"{P}-{ledger}")
    assert mapping["FunctionName"] == f"{P}-{ledger}-sequencer"
    assert mapping["BatchSize"] == 1000
    assert mapping["MaximumBatchingWindowInSeconds"] == 1
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_dead_letters_are_copied_at_once(dev: Assembly, ledger: str) -> None:
    """Without a batching window, and only what was copied leaves the queue."""
    mapping = mapping_of(dev, f"{P}-{ledger}-dead")
    assert mapping["FunctionName"] == f"{P}-dead-letters"
    assert "MaximumBatchingWindowInSeconds" not in mapping
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_ledger_is_published_every_minute(dev: Assembly, ledger: str) -> None:
    """What could not be started is retried within the minute, then left in a queue."""
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
