"""A portal: sends events, retries until it gets a response, and records what was accepted.

Each event has its own name in its text, so that it is found again in the opened records without the
ids that the ledger assigns.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.functions.requests import opened, post
from tests.world import World


@dataclass(frozen=True)
class Request:
    """One request of a portal, which it may repeat. `key`: the idempotency key, "" for none."""

    events: tuple[str, ...]
    key: str = ""
    patient: str = "rosetyler"

    def api_gateway_event(self) -> dict[str, Any]:
        """Return the Lambda event: one AuditEvent, or a Bundle of several."""
        headers = {"idempotency_key": self.key} if self.key else {}
        resources = [self._resource(name) for name in self.events]
        if len(resources) == 1:
            return post("/AuditEvent", json.dumps(resources[0]).encode(), **headers)
        entry = [
            {"resource": r, "request": {"method": "POST", "url": "AuditEvent"}} for r in resources
        ]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entry}
        return post("/", json.dumps(bundle).encode(), **headers)

    def _resource(self, name: str) -> dict[str, Any]:
        return {
            "resourceType": "AuditEvent",
            "type": {"code": "rest"},
            "recorded": "2026-11-22T05:59:00.000Z",
            "outcomeDesc": name,
            "agent": [
                {"who": {"reference": "Practitioner/drwho"}, "requestor": True},
                {"who": {"reference": "Practitioner/martha"}, "requestor": False},
            ],
            "source": {"observer": {"display": "ehr"}},
            "entity": [{"what": {"reference": f"Patient/{self.patient}"}}],
        }


@dataclass
class Portal:
    """The names of the events that were sent, and of those that were accepted."""

    sent: Counter[str] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    with_key: set[str] = field(default_factory=set)

    def sends(self, request: Request) -> dict[str, Any]:
        """Record a request; return its Lambda event."""
        self.sent.update(request.events)
        if request.key:
            self.with_key.update(request.events)
        return request.api_gateway_event()

    def is_answered(self, request: Request, answer: dict[str, Any] | None) -> bool:
        """Record a response, None if there was none; return whether the events are accepted."""
        if answer is None:
            return False
        if answer["statusCode"] == 503:
            return False
        assert answer["statusCode"] == (201 if len(request.events) == 1 else 200), answer["body"]
        if len(request.events) > 1:
            responses = [e["response"]["status"] for e in json.loads(answer["body"])["entry"]]
            assert responses == ["201"] * len(request.events)
        self.accepted.update(request.events)
        return True

    def check_ledger(self, world: World) -> dict[str, int]:
        """Open all records: accepted events are there, once if they had a key, and no others.

        Return how often each event is in the ledger.
        """
        found = Counter(
            json.loads(bytes(record.resource))["outcomeDesc"] for _, record, _ in opened(world)
        )
        assert found.keys() <= self.sent.keys(), "an event that no portal sent"
        lost = self.accepted - found.keys()
        assert not lost, f"accepted and not in the ledger: {sorted(lost)[:5]}"
        doubled = [name for name in self.with_key if found[name] > 1]
        assert not doubled, f"more than once in the ledger: {sorted(doubled)[:5]}"
        more = [name for name in found if found[name] > self.sent[name]]
        assert not more, f"more often in the ledger than sent: {sorted(more)[:5]}"
        return dict(found)
