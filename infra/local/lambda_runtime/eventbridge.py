"""EventBridge: events on a bus, rules, input transformers, asynchronous invocation.

Source: EventBridge user guide, "Input transformation"; Lambda developer guide, "How Lambda handles
errors and retries with asynchronous invocation".
"""

import json
import re
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event as StopEvent
from typing import Any

from moto.events.models import EventPattern

from audit_ledger.errors import FormatError
from infra.local.aws.call_context import Caller, calling_as
from infra.local.aws.calls import Call, client, observing
from infra.local.cloudformation.deployment import Deployment, RuleTarget
from infra.local.lambda_runtime.runner import FunctionFailedError, Runner

IDLE_SECONDS = 0.5
_TOKEN = re.compile(r'\\.|"|<([A-Za-z0-9_.-]+)>')


@dataclass(frozen=True)
class BusEvent:
    """An event in the form that rules and functions receive, and its bus."""

    bus: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Delivery:
    """An event delivered to a target; `error`: of the last attempt, if all failed."""

    rule: str
    function: str
    error: FunctionFailedError | None = None


@dataclass
class EventBusPump:
    """Delivers events of the deployed buses to the functions that rules name."""

    deployment: Deployment
    runner: Runner
    waiting: deque[BusEvent] = field(default_factory=deque)
    seen: list[BusEvent] = field(default_factory=list)
    """Every event that was put, for those who ask what was announced."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Observe every PutEvents call within the block."""
        with observing(self._take):
            yield

    def put(self, bus: str, entries: Sequence[Mapping[str, Any]], account: str) -> None:
        """Put events as another account does: entries as in PutEvents.

        moto emulates one account; a portal's own account is emulated here.
        """
        for entry in entries:
            self._add(bus, entry, account, str(uuid.uuid4()))

    def drain(self) -> list[Delivery]:
        """Deliver all pending events to every target of every matching rule."""
        deliveries: list[Delivery] = []
        while self.waiting:
            deliveries += self._deliver(self.waiting.popleft())
        return deliveries

    def run(self, stop: StopEvent) -> None:
        """Deliver until `stop` is set."""
        while not stop.wait(IDLE_SECONDS):
            self.drain()

    def _take(self, call: Call) -> None:
        if (call.service, call.operation) != ("events", "PutEvents") or call.status != 200:
            return
        for entry, result in zip(call.parameters["Entries"], call.answer["Entries"], strict=True):
            if "EventId" in result:
                bus = entry.get("EventBusName", "default").rpartition("/")[2]
                self._add(bus, entry, self.deployment.account, result["EventId"])

    def _add(self, bus: str, entry: Mapping[str, Any], account: str, event_id: str) -> None:
        time = entry.get("Time") or datetime.now(UTC)
        content = {
            "version": "0",
            "id": event_id,
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": account,
            "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.deployment.region,
            "resources": list(entry.get("Resources", ())),
            "detail": json.loads(entry["Detail"]),
        }
        event = BusEvent(bus, content)
        self.seen.append(event)
        self.waiting.append(event)

    def _deliver(self, event: BusEvent) -> Iterator[Delivery]:
        for rule in self.deployment.rules:
            if rule.bus != event.bus:
                continue
            pattern = dict(rule.pattern)
            if not EventPattern(json.dumps(pattern), pattern).matches_event(event.content):  # type: ignore[arg-type]
                continue
            for target in rule.targets:
                payload = transform(target, event.content, rule.name)
                yield Delivery(rule.name, target.function, self._invoke(target, payload))

    def _invoke(self, target: RuleTarget, payload: Any) -> FunctionFailedError | None:
        """Invoke asynchronously: with retries, then the function's dead-letter queue."""
        function = self.deployment.functions[target.function]
        error = None
        for _ in range(1 + function.retries):
            try:
                self.runner.invoke(target.function, payload, alias=target.alias)
            except FunctionFailedError as raised:
                error = raised
            else:
                return None
        if function.dead_letters_arn is not None:
            sqs = client("sqs", self.deployment.region)
            queue = function.dead_letters_arn.rpartition(":")[2]
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            with calling_as(Caller("asynchronous invocation", role=function.role_name)):
                sqs.send_message(QueueUrl=url, MessageBody=json.dumps(payload))
        return error


def transform(target: RuleTarget, event: Mapping[str, Any], rule: str) -> Any:
    """Return the payload of a target: its template with the values of the event, or the event.

    Raises FormatError if the result of a template is not JSON.
    """
    if target.template is None:
        return dict(event)
    values = {name: _at(event, path) for name, path in target.paths.items()}
    values["aws.events.event.json"] = event
    try:
        return json.loads(_fill(target.template, values))
    except json.JSONDecodeError as error:
        raise FormatError(f"rule {rule}: the input template gives no JSON: {error.msg}") from None


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """Replace variables by their values: as JSON, or within a JSON string as text."""
    in_string = False

    def token(found: re.Match[str]) -> str:
        nonlocal in_string
        if found[1] is None:
            in_string ^= found[0] == '"'
            return found[0]
        value = json.dumps(values.get(found[1]))
        if not in_string:
            return value
        return value[1:-1] if value.startswith('"') else json.dumps(value)[1:-1]

    return _TOKEN.sub(token, template)


def _at(event: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path such as `$.detail.id`; None if there is none."""
    value: Any = event
    for name in path.split(".")[1:]:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value
