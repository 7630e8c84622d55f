"""A portal: sends events, tries again until it is answered, and remembers what was accepted.

Each event says its own name in its text, so that it can be found again in the opened records
without a word from our code about ids.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.functions.requests import opened, post
from tests.world import World


@dataclass(frozen=True)
class Request:
    """What a portal sends at once, and again. `key`: the sender's id, "" for none."""

    events: tuple[str, ...]
    key: str = ""
    patient: str = "rosetyler"

    def as_api_gateway_has_it(self) -> dict[str, Any]:
        """Return the event of the HTTP API: one AuditEvent, or a Bundle of several."""
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
    """Who is owed what: names of the events that were sent, and of those accepted."""

    sent: Counter[str] = field(default_factory=Counter)
    accepted: set[str] = field(default_factory=set)
    with_key: set[str] = field(default_factory=set)

    def sends(self, request: Request) -> dict[str, Any]:
        """Note that a request goes out; gives what arrives."""
        self.sent.update(request.events)
        if request.key:
            self.with_key.update(request.events)
        return request.as_api_gateway_has_it()

    def is_answered(self, request: Request, answer: dict[str, Any] | None) -> bool:
        """Note an answer, or that none came; gives whether the events are accepted."""
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
        """Open every record: what was accepted is there, once if it had a sender's id.

        Gives how often each event is in the ledger. Nothing is there that was not sent.
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
