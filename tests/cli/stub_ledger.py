"""A small ledger API that counts the events that a ledger would contain.

As docs/design.md states, `Idempotency-Key` and number identify an event, source and id a
CloudEvent. It is written from the specification, not from the functions.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.cli.stub_server import StubRequest, StubResponse

MAX_BYTES = 1 << 20


class StubLedger:
    """Accepts events. `refuses`: whether a decoded event is refused; `events`: by sender's id."""

    def __init__(self, refuses: Callable[[Any], bool] = lambda _: False) -> None:
        self.refuses = refuses
        self.events: dict[tuple[str, ...], Any] = {}
        self.max_bytes = MAX_BYTES

    def answer(self, request: StubRequest) -> StubResponse:
        if len(request.body) > self.max_bytes:
            return StubResponse(413, outcome("the request: expected at most 1 MiB"))
        submitted = json.loads(request.body)
        if request.target == "/AuditEvent":
            return self._one(request.key, submitted)
        if request.target == "/events":
            return self._cloudevents(submitted if isinstance(submitted, list) else [submitted])
        assert request.target == "/"
        return self._bundle(request.key, submitted)

    def _one(self, key: str, event: Any) -> StubResponse:
        if self.refuses(event):
            return StubResponse(422, outcome("expected an instant", "AuditEvent.recorded"))
        return StubResponse(201, outcome("accepted"), {"Location": self._store((key,), event)})

    def _bundle(self, key: str, bundle: Any) -> StubResponse:
        assert bundle["resourceType"] == "Bundle"
        responses = []
        for number, entry in enumerate(bundle["entry"]):
            place = f"Bundle.entry[{number}].resource.recorded"
            if self.refuses(entry["resource"]):
                refusal = outcome("expected an instant", place)
                if bundle["type"] == "transaction":
                    return StubResponse(422, refusal)
                responses.append({"status": "422", "outcome": refusal})
                continue
            location = self._store((key, str(number)), entry["resource"])
            responses.append({"status": "201", "location": location})
        entries = [{"response": response} for response in responses]
        return StubResponse(
            200, {"resourceType": "Bundle", "type": "batch-response", "entry": entries}
        )

    def _cloudevents(self, events: list[Any]) -> StubResponse:
        for number, event in enumerate(events):
            if self.refuses(event):
                return StubResponse(
                    422, outcome("expected an instant", f"CloudEvents[{number}].time")
                )
        ids = [
            [self._store((e["source"], e["id"]), e).removeprefix("/AuditEvent/")] for e in events
        ]
        return StubResponse(202, {"accepted": len(ids), "ids": ids})

    def _store(self, sender_id: tuple[str, ...], event: Any) -> str:
        self.events.setdefault(sender_id, event)
        return f"/AuditEvent/{list(self.events).index(sender_id):064x}"


def outcome(diagnostics: str, *expression: str) -> dict[str, Any]:
    issue = {"severity": "error", "code": "value", "diagnostics": diagnostics}
    return {
        "resourceType": "OperationOutcome",
        "issue": [issue | ({"expression": list(expression)} if expression else {})],
    }


def ids_in(ledger: StubLedger) -> list[str]:
    """Return the ids of the stored events, as their senders wrote them, with repetitions."""
    return sorted(event["id"] for event in ledger.events.values())


def expected(prefix: str, *numbers: int) -> list[str]:
    """Return the ids of numbered events, in the order of `ids_in`."""
    return sorted(f"{prefix}{number}" for number in numbers)
