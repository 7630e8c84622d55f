"""Counts the AWS calls of the ledger's functions and event source mappings, and their cost.

Other calls of this process (of a test, the demo, a mirror of the published files) are not counted:
they do not occur on AWS.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from infra.local.aws.calls import Call, observing
from infra.local.cost.dynamodb_units import note_writes, read_units, write_units
from infra.local.cost.list_prices import USD

SQS_CHUNK_BYTES = EVENTS_CHUNK_BYTES = 64 * 1024

_S3_FREE = frozenset({"DeleteObject", "DeleteObjects", "AbortMultipartUpload"})
_S3_READS = ("Get", "Head")
_KMS_SYMMETRIC = frozenset(
    {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"}
)
_KMS_ASYMMETRIC = frozenset({"Sign", "Verify", "GetPublicKey"})


@dataclass(frozen=True)
class Usage:
    """The usage up to a time, or between two times (`later - earlier`)."""

    calls_by_caller: Mapping[tuple[str, str, str], int]
    """By caller (a function's name, or `event source mapping of …`), service, operation."""

    units_by_caller: Mapping[tuple[str, str], float]
    """By caller and unit, as `list_prices.USD` names it."""

    def __sub__(self, earlier: "Usage") -> "Usage":
        return Usage(
            _minus(self.calls_by_caller, earlier.calls_by_caller),
            _minus(self.units_by_caller, earlier.units_by_caller),
        )

    def __add__(self, other: "Usage") -> "Usage":
        calls, units = Counter(self.calls_by_caller), dict(self.units_by_caller)
        calls.update(other.calls_by_caller)
        for unit, amount in other.units_by_caller.items():
            units[unit] = units.get(unit, 0.0) + amount
        return Usage(calls, units)

    def by(self, callers: Collection[str]) -> "Usage":
        """Return the usage of these callers."""
        return Usage(
            {call: count for call, count in self.calls_by_caller.items() if call[0] in callers},
            {unit: amount for unit, amount in self.units_by_caller.items() if unit[0] in callers},
        )

    def calls(self, caller: str | None = None) -> Counter[tuple[str, str]]:
        """Count calls by service and operation, of all callers or of one."""
        counted: Counter[tuple[str, str]] = Counter()
        for (name, service, operation), count in self.calls_by_caller.items():
            if caller in (None, name):
                counted[service, operation] += count
        return counted

    def units(self, caller: str | None = None) -> dict[str, float]:
        """Add up units, of all callers or of one."""
        added = dict.fromkeys(USD, 0.0)
        for (name, unit), count in self.units_by_caller.items():
            if caller in (None, name):
                added[unit] += count
        return added

    def cost_by_service_usd(self) -> dict[str, float]:
        """Return the cost at list price by service: dynamodb, events, kms, s3, sqs."""
        costs: dict[str, float] = {}
        for unit, count in self.units().items():
            service = unit.partition(".")[0]
            costs[service] = costs.get(service, 0.0) + count * USD[unit]
        return costs

    def cost_usd(self) -> float:
        """Return the cost at list price."""
        return sum(self.cost_by_service_usd().values())


def _minus(later: Mapping[Any, Any], earlier: Mapping[Any, Any]) -> dict[Any, Any]:
    differences = {key: count - earlier.get(key, 0) for key, count in later.items()}
    return {key: difference for key, difference in differences.items() if difference}


@dataclass
class Meter:
    """Counts calls within `counting()`."""

    region: str
    _calls: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _units: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def counting(self) -> Iterator["Meter"]:
        """Count every call within the block."""
        with observing(self._after, self._before):
            yield self

    def snapshot(self) -> Usage:
        """Return the usage so far."""
        return Usage(dict(self._calls), dict(self._units))

    def _before(self, call: Call) -> None:
        if call.caller is not None and call.service == "dynamodb":
            note_writes(call, self.region)

    def _after(self, call: Call) -> None:
        if call.caller is None:
            return
        name = call.caller.name
        self._calls[name, call.service, call.operation] += 1
        for unit, count in self._units_of(call):
            self._units[name, unit] += count

    def _units_of(self, call: Call) -> Iterator[tuple[str, float]]:
        if call.service == "dynamodb":
            yield "dynamodb.write_units", write_units(call, self.region)
            yield "dynamodb.read_units", read_units(call, self.region)
        elif call.service == "sqs":
            yield "sqs.requests", max(1, -(-_sqs_bytes(call) // SQS_CHUNK_BYTES))
        elif call.service == "kms" and call.operation in _KMS_ASYMMETRIC:
            yield "kms.asymmetric_requests", 1
        elif call.service == "kms" and call.operation in _KMS_SYMMETRIC:
            yield "kms.symmetric_requests", 1
        elif call.service == "s3" and call.operation not in _S3_FREE:
            is_read = call.operation.startswith(_S3_READS)
            yield "s3.get_requests" if is_read else "s3.put_requests", 1
        elif (call.service, call.operation) == ("events", "PutEvents"):
            for entry in call.parameters["Entries"]:
                yield "events.events", -(-len(entry["Detail"].encode()) // EVENTS_CHUNK_BYTES)


def _sqs_bytes(call: Call) -> int:
    """Return the payload of a request: bodies sent, or bodies received."""
    if call.operation == "SendMessage":
        return len(call.parameters["MessageBody"].encode())
    if call.operation == "SendMessageBatch":
        return sum(len(entry["MessageBody"].encode()) for entry in call.parameters["Entries"])
    return sum(len(message["Body"].encode()) for message in call.answer.get("Messages", ()))
