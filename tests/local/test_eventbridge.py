"""Events on a bus reach the functions of the rules that match, in the form that the rule defines.

Source: EventBridge user guide, "Event patterns" and "Input transformation"; Scheduler user guide.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from typing import Any

import boto3
import pytest

from audit_ledger.errors import FormatError
from infra.local.cloudformation.deployment import Deployment, RuleTarget
from infra.local.lambda_runtime.eventbridge import EventBusPump, transform
from infra.local.lambda_runtime.runner import FunctionFailedError, Runner
from infra.local.lambda_runtime.scheduler import SchedulePump
from tests.local.conftest import REGION

PORTAL_ACCOUNT = "111122223333"


class Recorder(Runner):
    """A runner that records the events of functions, and fails on request."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__({}, REGION)
        self.received: list[tuple[str, Any]] = []
        self.failures = failures

    def invoke(self, name: str, event: Any, environment: int = 0, alias: str = "") -> Any:
        self.received.append((name, event))
        if len(self.received) <= self.failures:
            raise FunctionFailedError(name)
        return None


def entry(kind: str = "record.viewed", **more: Any) -> dict[str, Any]:
    return {"Source": "his", "DetailType": kind, "Detail": '{"a":1}', **more}


@pytest.fixture
def pump(fresh: Deployment) -> EventBusPump:
    return EventBusPump(fresh, Recorder())


def received(pump: EventBusPump) -> list[tuple[str, Any]]:
    assert isinstance(pump.runner, Recorder)
    return pump.runner.received


def test_an_event_is_transformed_by_its_rule(pump: EventBusPump) -> None:
    time = datetime(2026, 11, 22, 5, 59, tzinfo=UTC)
    pump.put("small", [entry(Time=time)], PORTAL_ACCOUNT)
    (delivery,) = pump.drain()
    assert delivery.error is None
    ((function, payload),) = received(pump)
    assert function == "small-echo"
    assert payload["portal"] == "his"
    assert payload["kind"] == "record.viewed"
    event = payload["event"]
    assert event["detail"] == {"a": 1}
    assert (event["account"], event["time"]) == (PORTAL_ACCOUNT, "2026-11-22T05:59:00Z")
    assert set(event) == {
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    }


@pytest.mark.parametrize(
    ("bus", "kind", "account"),
    [
        ("small", "record.viewed", "999999999999"),
        ("small", "other", PORTAL_ACCOUNT),
        ("default", "record.viewed", PORTAL_ACCOUNT),
    ],
)
def test_an_event_without_a_matching_rule_is_not_delivered(
    pump: EventBusPump, bus: str, kind: str, account: str
) -> None:
    pump.put(bus, [entry(kind)], account)
    assert pump.drain() == []
    assert received(pump) == []


def test_put_events_calls_are_observed_and_come_from_the_own_account(pump: EventBusPump) -> None:
    """The account of an event is that of its sender, whatever the event claims."""
    events = boto3.client("events", region_name=REGION)
    with pump.listening():
        good: Any = entry(EventBusName="small", Detail='{"account":"111122223333"}')
        bad: Any = {**good, "Detail": "no JSON"}
        response = events.put_events(Entries=[good, bad])
    assert response["FailedEntryCount"] == 1
    (seen,) = pump.seen
    assert seen.content["account"] == "123456789012"
    assert seen.content["id"] == response["Entries"][0]["EventId"]
    assert pump.drain() == []


def test_a_bus_may_be_named_by_its_arn(pump: EventBusPump) -> None:
    events = boto3.client("events", region_name=REGION)
    arn = f"arn:aws:events:{REGION}:123456789012:event-bus/small"
    with pump.listening():
        named: Any = entry(EventBusName=arn)
        events.put_events(Entries=[named])
    assert [event.bus for event in pump.seen] == ["small"]


def test_a_function_that_fails_gets_the_event_three_times(fresh: Deployment) -> None:
    """Lambda, asynchronous invocation: two retries unless configured otherwise."""
    pump = EventBusPump(fresh, Recorder(failures=2))
    pump.put("small", [entry()], PORTAL_ACCOUNT)
    (delivery,) = pump.drain()
    assert delivery.error is None
    assert len(received(pump)) == 3


def test_an_event_goes_to_the_dead_letter_queue_after_its_retries(fresh: Deployment) -> None:
    pump = EventBusPump(fresh, Recorder(failures=99))
    pump.put("small", [entry()], PORTAL_ACCOUNT)
    (delivery,) = pump.drain()
    assert delivery.error is not None
    assert len(received(pump)) == 3
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.get_queue_url(QueueName="small-undelivered")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == received(pump)[0][1]


TARGET = RuleTarget("f")
EVENT = {"detail": {"id": 'a"b', "n": 7, "list": [1, 2]}, "source": "his"}


def test_passes_the_event_without_a_transformer() -> None:
    assert transform(TARGET, EVENT, "r") == EVENT


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"x":<id>}', {"x": 'a"b'}),
        ('{"x":"<id>"}', {"x": 'a"b'}),
        ('{"x":"is <id>, \\" <n>"}', {"x": 'is a"b, " 7'}),
        ('{"x":<list>,"y":"<list>"}', {"x": [1, 2], "y": "[1, 2]"}),
        ('{"x":<none>}', {"x": None}),
        ('{"x":<aws.events.event.json>}', {"x": EVENT}),
        ('"<id>"', 'a"b'),
    ],
)
def test_a_template_takes_values_as_json_or_as_text(template: str, expected: Any) -> None:
    paths = {"id": "$.detail.id", "n": "$.detail.n", "list": "$.detail.list", "none": "$.x.y"}
    assert transform(replace(TARGET, template=template, paths=paths), EVENT, "r") == expected


def test_refuses_a_template_that_is_not_json() -> None:
    with pytest.raises(FormatError, match="rule r: the input template gives no JSON"):
        transform(replace(TARGET, template="{<x>"), EVENT, "r")


def schedules(deployment: Deployment, runner: Runner) -> Iterator[SchedulePump]:
    for schedule in deployment.schedules:
        yield SchedulePump(schedule, runner)


def test_a_tick_runs_the_function_with_the_input_of_its_schedule(fresh: Deployment) -> None:
    runner = Recorder()
    for pump in schedules(fresh, runner):
        pump.tick()
    assert runner.received == [("small-one-sequencer", {"tick": True})]


def test_a_schedule_continues_after_a_failure(
    fresh: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = Recorder(failures=1)
    (pump,) = schedules(fresh, runner)
    waits = iter([False, False, True])

    class Twice(Event):
        def wait(self, timeout: float | None = None) -> bool:
            return next(waits)

    pump.run(Twice())
    assert len(runner.received) == 2
    assert "FunctionFailedError" in capsys.readouterr().err


def test_details_are_decoded_json(pump: EventBusPump) -> None:
    pump.put("small", [entry(Detail=json.dumps({"deep": {"er": [1, "ä"]}}))], PORTAL_ACCOUNT)
    pump.drain()
    assert received(pump)[0][1]["event"]["detail"] == {"deep": {"er": [1, "ä"]}}
