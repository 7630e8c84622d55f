"""What Lambda does between an SQS queue and a function: an event source mapping.

Source: Lambda developer guide, "Using Lambda with Amazon SQS": batches of up to `BatchSize`
messages gathered within the window, closed at 6 MB; partial answers; failed messages wait out the
visibility timeout, and SQS moves them to the dead-letter queue after `maxReceiveCount` receives.
"""

import json
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from audit_ledger.errors import LedgerError
from infra.local.aws.call_context import Caller, calling_as
from infra.local.aws.calls import client
from infra.local.cloudformation.deployment import QueueMapping
from infra.local.lambda_runtime.runner import MAX_PAYLOAD_BYTES, FunctionFailedError, Runner

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MESSAGES_A_CALL = 10
"""What one ReceiveMessage or DeleteMessageBatch takes."""

MAX_REDELIVERIES = 1_000  # SQS' most of maxReceiveCount
IDLE_SECONDS = 0.5
_ENVELOPE_BYTES = len(b'{"Records": []}')


@dataclass(frozen=True)
class Batch:
    """One delivery: the ids of the messages that the function got, and of those that failed."""

    messages: tuple[str, ...]
    failed: frozenset[str]
    error: FunctionFailedError | None = None


@dataclass(frozen=True)
class _Received:
    """A message in flight: its place in the function's event, the size of that, its receipt."""

    record: dict[str, Any]
    size_bytes: int
    receipt_handle: str

    @property
    def id(self) -> str:
        return str(self.record["messageId"])


@dataclass
class QueuePump:
    """Delivers one queue's messages to one function; one thread at a time."""

    mapping: QueueMapping
    runner: Runner
    region: str
    _waiting: list[_Received] = field(default_factory=list)
    _failed_receipts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sqs: SQSClient = client("sqs", self.region)
        self._url = self._sqs.get_queue_url(QueueName=self.mapping.queue)["QueueUrl"]
        function = self.runner.functions[self.mapping.function]
        self._caller = Caller(f"event source mapping of {function.name}", role=function.role_name)

    def deliver(self, environment: int = 0) -> Batch | None:
        """Deliver one batch of what is there; None where nothing is there.

        `environment` is the execution environment of the function that gets it.
        """
        self._receive()
        return self._hand_over(environment) if self._waiting else None

    def drain(self, environments: int = 1, *, redeliver: bool = True) -> list[Batch]:
        """Deliver batches until nothing is left to deliver, without waiting.

        `environments`: how many execution environments take turns (at most `max_concurrency`).
        `redeliver`: failed messages come again, as if their visibility timeout had passed, until
        SQS moves them to the dead-letter queue. Raises LedgerError where that never happens.
        """
        turns = min(environments, self.mapping.max_concurrency or environments)
        batches: list[Batch] = []
        for _ in range(MAX_REDELIVERIES):
            while batch := self.deliver(len(batches) % turns):
                batches.append(batch)
            if not self._failed_receipts or not redeliver:
                return batches
            self._end_visibility_timeouts()
        raise LedgerError(f"{self.mapping.queue}: messages fail forever: no dead-letter queue")

    def run(self, stop: Event, environment: int = 0) -> None:
        """Deliver until `stop` is set, in real time: within the window, after the timeouts."""
        while not stop.is_set():
            self._receive()
            if not self._waiting:
                stop.wait(IDLE_SECONDS)
                continue
            if not self._is_full():
                stop.wait(self.mapping.window_seconds)
                self._receive()
            self._hand_over(environment)

    def _is_full(self) -> bool:
        fitting = self._fitting()
        return fitting == self.mapping.batch_size or fitting < len(self._waiting)

    def _fitting(self) -> int:
        """Count the messages at the front that go into one invocation."""
        total = _ENVELOPE_BYTES
        for place, message in enumerate(self._waiting[: self.mapping.batch_size]):
            total += message.size_bytes + len(", ")
            if total > MAX_PAYLOAD_BYTES and place > 0:
                return place
        return min(len(self._waiting), self.mapping.batch_size)

    def _receive(self) -> None:
        """Receive until a batch is full or the queue has no more to give."""
        with calling_as(self._caller):
            while not self._is_full():
                answer = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(
                        MESSAGES_A_CALL, self.mapping.batch_size - len(self._waiting)
                    ),
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
                if not answer.get("Messages"):
                    return
                self._waiting += [
                    _received(message, self.mapping.queue_arn, self.region)
                    for message in answer["Messages"]
                ]

    def _hand_over(self, environment: int) -> Batch:
        """Invoke the function with a batch, and delete what did not fail."""
        fitting = self._fitting()
        batch, self._waiting = self._waiting[:fitting], self._waiting[fitting:]
        ids = tuple(message.id for message in batch)
        failed: frozenset[str] = frozenset()
        error = None
        try:
            event = {"Records": [message.record for message in batch]}
            answer = self.runner.invoke(self.mapping.function, event, environment)
            if self.mapping.partial_answers:
                failed = _failures(answer, frozenset(ids))
        except FunctionFailedError as raised:
            error, failed = raised, frozenset(ids)
        self._delete([m.receipt_handle for m in batch if m.id not in failed])
        self._failed_receipts |= {m.id: m.receipt_handle for m in batch if m.id in failed}
        return Batch(ids, failed, error)

    def _delete(self, receipt_handles: list[str]) -> None:
        with calling_as(self._caller):
            for start in range(0, len(receipt_handles), MESSAGES_A_CALL):
                some = receipt_handles[start : start + MESSAGES_A_CALL]
                self._sqs.delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(place), "ReceiptHandle": handle}
                        for place, handle in enumerate(some)
                    ],
                )

    def _end_visibility_timeouts(self) -> None:
        """Let the time pass for which failed messages are invisible."""
        for handle in self._failed_receipts.values():
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=0
            )
        self._failed_receipts.clear()


def _failures(answer: Any, ids: frozenset[str]) -> frozenset[str]:
    """Read a partial answer: null, {} and an empty list mean success; what is unknown means none.

    An item without identifier, or with one that is not in the batch, fails the whole batch.
    """
    if not answer:
        return frozenset()
    items = answer.get("batchItemFailures") if isinstance(answer, dict) else [None]
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in items or ()]
    return ids.intersection(named) if ids.issuperset(named) else ids


def _received(message: "MessageTypeDef", queue_arn: str, region: str) -> _Received:
    """Return a message as it stands in the function's event."""
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: {
                "stringValue": value.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value["DataType"],
            }
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
    size = len(json.dumps(record, ensure_ascii=False).encode())
    return _Received(record, size, message["ReceiptHandle"])
