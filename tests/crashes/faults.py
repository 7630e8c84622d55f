"""Faults between the functions and AWS, at botocore's event hooks: no code of the ledger is mocked.

A call is one call of a client's method; botocore may send it up to three times, and its retries
run as they do in Lambda. The wire is in the place of the network: it passes a request to moto or
not, and a response back or not.
"""

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from audit_ledger.aws import batches, clients


class Fault(Enum):
    """A fault of one call. The value is the heading of its column in the matrix."""

    KILLED_BEFORE = "killed before"  # the container dies: nothing was sent
    KILLED_AFTER = "killed after"  # the container dies: the call took effect
    UNSENT = "unsent"  # no connection, at every attempt
    FAILED_AFTER = "failed after"  # took effect and responds 500, at every attempt
    TIMED_OUT = "timed out"  # took effect and never responds, at every attempt
    ANSWER_LOST = "answer lost"  # took effect, no response; botocore sends it a second time
    LATE = "late"  # timed out, and takes effect after the recovery
    THROTTLED = "throttled"  # at every attempt
    THROTTLED_ONCE = "throttled once"  # botocore sends it a second time
    CONFLICT = "in conflict"  # S3's 409 to two conditional writes at once
    HALF = "half done"  # half of a batch is unprocessed, half of a body is missing
    HALF_AGAIN = "half, always"  # also in every later call of the run


EVERY_SEND = frozenset(Fault) - {Fault.HALF, Fault.HALF_AGAIN, Fault.CONFLICT}
HALVES = frozenset(
    {"dynamodb.BatchGetItem", "dynamodb.BatchWriteItem", "events.PutEvents", "s3.GetObject"}
)
THROTTLING = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "events": "ThrottlingException",
    "kms": "ThrottlingException",
    "s3": "SlowDown",
    "sqs": "RequestThrottled",
    "ssm": "ThrottlingException",
}


def faults_of(call: str) -> frozenset[Fault]:
    """Return the faults that a call can have (`dynamodb.BatchGetItem`)."""
    if call in HALVES:
        return EVERY_SEND | {Fault.HALF, Fault.HALF_AGAIN}
    return EVERY_SEND | {Fault.CONFLICT} if call == "s3.PutObject" else EVERY_SEND


class Killed(BaseException):
    """The platform killed the container: no code of the function runs after it."""


@dataclass(frozen=True)
class Signature:
    """A message that KMS signed, even if the response was lost. `key`: as the caller named it."""

    key: str
    algorithm: str
    message: bytes


@dataclass
class Wire:
    """Numbers the calls made `under_test` from 0, and lets the `armed` faults happen to them.

    `occurred`: the numbers of the faults that happened. `signed` and `announced` record every call
    of KMS and EventBridge that took effect.
    """

    armed: dict[int, Fault] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    occurred: set[int] = field(default_factory=set)
    signed: list[Signature] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    _is_counting: bool = False
    _attempt: int = 0
    _model: Any = None
    _always_half: set[str] = field(default_factory=set)
    _late: list[tuple[str, str, AWSPreparedRequest]] = field(default_factory=list)

    @contextmanager
    def under_test(self) -> Iterator[None]:
        """Count calls and let faults happen, for one run of a function."""
        self._is_counting = True
        try:
            yield
        finally:
            self._is_counting = False
            self._always_half.clear()

    def forget(self) -> None:
        """Number from 0 again, without faults."""
        self.armed = {}
        self.calls.clear()
        self.occurred.clear()

    def deliver_late(self) -> int:
        """Let the late requests take effect; return their number."""
        late, self._late = self._late, []
        for name, event_name, request in late:
            self._took_effect(name, event_name, request)
        return len(late)

    def before_call(self, model: Any, **_: Any) -> None:
        """Hook of botocore: a client's method was called."""
        self._model, self._attempt = model, 0
        if self._is_counting:
            self.calls.append(f"{model.service_model.service_name}.{model.name}")

    def send(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """Hook of botocore, in the place of moto's: return the response to a request."""
        name = f"{self._model.service_model.service_name}.{self._model.name}"
        self._attempt += 1
        at = len(self.calls) - 1
        fault = self.armed.get(at) if self._is_counting else None
        if fault is not None:
            self.occurred.add(at)
        if fault is Fault.HALF_AGAIN:
            self._always_half.add(name)
        if fault is Fault.HALF or (self._is_counting and name in self._always_half):
            return self._half(name, event_name, request)
        if fault in (Fault.ANSWER_LOST, Fault.THROTTLED_ONCE) and self._attempt > 1:
            fault = None
        if fault is None:
            return self._took_effect(name, event_name, request)
        if fault is Fault.KILLED_BEFORE:
            raise Killed
        if fault is Fault.UNSENT:
            raise EndpointConnectionError(endpoint_url=request.url)
        if fault in (Fault.THROTTLED, Fault.THROTTLED_ONCE):
            return self._error(request, THROTTLING[name.partition(".")[0]], 400)
        if fault is Fault.CONFLICT:
            return self._error(request, "ConditionalRequestConflict", 409)
        if fault is Fault.LATE:
            self._late.append((name, event_name, request))
            raise ReadTimeoutError(endpoint_url=request.url)
        self._took_effect(name, event_name, request)
        if fault is Fault.KILLED_AFTER:
            raise Killed
        if fault is Fault.FAILED_AFTER:
            return self._error(request, "InternalError", 500)
        raise ReadTimeoutError(endpoint_url=request.url)

    def _took_effect(
        self, name: str, event_name: str, request: AWSPreparedRequest
    ) -> AWSResponse | None:
        answer = botocore_stubber(event_name, request)
        if answer is not None and answer.status_code < 300:
            if name == "kms.Sign":
                content = _content(request)
                message = b64decode(content["Message"])
                self.signed.append(
                    Signature(content["KeyId"], content["SigningAlgorithm"], message)
                )
            if name == "events.PutEvents":
                for entry in _content(request)["Entries"]:
                    self.announced.append(json.loads(entry["Detail"])["digest"])
        return answer

    def _error(self, request: AWSPreparedRequest, code: str, status: int) -> AWSResponse:
        """Return an error response in the protocol of the service."""
        protocol = self._model.service_model.resolved_protocol
        if protocol == "rest-xml":
            status = 503 if code == "SlowDown" else status
            body = f"<Error><Code>{code}</Code><Message>injected</Message></Error>"
            return _answer(request, status, "application/xml", body.encode())
        assert protocol == "json"
        body = json.dumps({"__type": code, "message": "injected"})
        return _answer(request, status, "application/x-amz-json-1.1", body.encode())

    def _half(self, name: str, event_name: str, request: AWSPreparedRequest) -> AWSResponse | None:
        """Process half of a request and report the rest as unprocessed; of one item, nothing."""
        if name == "s3.GetObject":
            answer = self._took_effect(name, event_name, request)
            if answer is None or answer.status_code >= 300:
                return answer
            data = answer.content
            headers: Any = {**answer.headers, "Content-Length": str(len(data))}
            return AWSResponse(
                request.url, answer.status_code, headers, MockRawResponse(data[: len(data) // 2])
            )
        content = _content(request)
        if name == "events.PutEvents":
            failed = {"ErrorCode": "InternalFailure", "ErrorMessage": "injected"}
            entries = [failed for _ in content["Entries"]]
            return _json(request, {"FailedEntryCount": len(entries), "Entries": entries})
        left_out = "UnprocessedKeys" if name.endswith("GetItem") else "UnprocessedItems"
        done, undone = _halved(content["RequestItems"])
        response: dict[str, Any] = {"Responses": {}} if name.endswith("GetItem") else {}
        if done:
            part = json.dumps({**content, "RequestItems": done}).encode()
            answer = self._took_effect(name, event_name, _with_body(request, part))
            assert answer is not None
            response = json.loads(answer.content)
        return _json(request, {**response, left_out: undone})


def _content(request: AWSPreparedRequest) -> Any:
    """Read the JSON of a request."""
    assert isinstance(request.body, str | bytes)
    return json.loads(request.body)


def _halved(requested: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the keys or items of all tables in two; of an odd number, the second half has more."""
    total = sum(len(r["Keys"] if isinstance(r, dict) else r) for r in requested.values())
    room = total // 2
    done: dict[str, Any] = {}
    undone: dict[str, Any] = {}
    for table, request in requested.items():
        things = request["Keys"] if isinstance(request, dict) else request
        for part, some in ((done, things[:room]), (undone, things[room:])):
            if some:
                part[table] = {**request, "Keys": some} if isinstance(request, dict) else some
        room -= min(room, len(things))
    return done, undone


def _with_body(request: AWSPreparedRequest, body: bytes) -> AWSPreparedRequest:
    headers: Any = dict(request.headers.items())
    headers["Content-Length"] = str(len(body))
    return AWSPreparedRequest(request.method, request.url, headers, body, request.stream_output)


def _json(request: AWSPreparedRequest, content: dict[str, Any]) -> AWSResponse:
    return _answer(request, 200, "application/x-amz-json-1.1", json.dumps(content).encode())


def _answer(request: AWSPreparedRequest, status: int, kind: str, body: bytes) -> AWSResponse:
    headers: Any = {"Content-Type": kind}
    return AWSResponse(request.url, status, headers, MockRawResponse(body))


def install_wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Put a wire between AWS and every client that the functions make until the test ends.

    Pauses between attempts are skipped.
    """
    wire = Wire()

    @cache  # for all containers: clients have no state of a ledger, and are slow to create
    def client(service: Any, limits: Any) -> Any:
        made = boto3.client(service, config=limits)
        made.meta.events.unregister("before-send", botocore_stubber)
        made.meta.events.register("before-send.*.*", wire.send)
        made.meta.events.register("before-call.*.*", wire.before_call)
        return made

    monkeypatch.setattr(clients, "_client", client)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    for function in (batches.batch_get, batches.batch_put):
        defaults: dict[str, Any] = function.__kwdefaults__ or {}
        monkeypatch.setitem(defaults, "pause", lambda _: None)
    return wire
