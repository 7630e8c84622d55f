"""A deployed app, its clients, and the events that a portal sent."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import requests

from infra.local.cloud import LocalCloud

LEDGER = "south"  # whose portal tells patients by reference
PORTAL = "lab"
OTHER = "north"


class _Entry(msgspec.Struct, rename="camel"):
    resource: msgspec.Raw
    search: dict[str, str]
    full_url: str = ""


class _Bundle(msgspec.Struct, rename="camel"):
    resource_type: str
    type: str
    link: list[dict[str, str]]
    entry: list[_Entry] = []


@dataclass(frozen=True)
class Found:
    """One page: event id → the bytes of the resource, in order; the next link; the remarks."""

    events: dict[str, bytes]
    next: str | None
    self: str
    issues: list[dict[str, Any]]


@dataclass
class Stage:
    """The clients of one ledger; `sent`: body by event id."""

    cloud: LocalCloud
    ledger: str = LEDGER
    portal: str = PORTAL
    sent: dict[str, bytes] = field(default_factory=dict)

    @property
    def security(self) -> str:
        """The token of a security officer."""
        return self.officer(self.ledger)

    def officer(self, ledger: str) -> str:
        """Return the token of a security officer of a ledger."""
        return self.cloud.tokens.security(ledger)

    def patient(self, patient: str, ledger: str | None = None) -> str:
        """Return the token of a patient."""
        return self.cloud.tokens.patient(ledger or self.ledger, patient)

    def send(self, event: dict[str, Any] | bytes, ledger: str | None = None, **headers: str) -> str:
        """Send an event and return its id."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        token = self.cloud.tokens.portal(ledger or self.ledger, self.portal)
        answer = requests.post(
            f"{self.cloud.url}/AuditEvent",
            data=body,
            headers={
                "authorization": f"Bearer {token}",
                "content-type": "application/fhir+json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        event_id = answer.headers["location"].rpartition("/")[2]
        self.sent[event_id] = body
        return event_id

    def settle(self) -> None:
        """Append the queued events to the ledger, and publish it."""
        self.cloud.drain()
        self.cloud.publish(self.ledger)

    def get(self, path: str, token: str | None = None, **headers: str) -> requests.Response:
        """Return the response to a GET; `path` may be a whole URL."""
        url = path if path.startswith("http") else self.cloud.url + path
        return requests.get(
            url,
            headers={
                "authorization": f"Bearer {self.security if token is None else token}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            timeout=120,
        )

    def page(self, query: str, token: str | None = None, **headers: str) -> Found:
        """Search for one page; `query` may be the URL of a link."""
        path = query if query.startswith("http") else f"/AuditEvent?{query}"
        answer = self.get(path, token, **headers)
        assert answer.status_code == 200, answer.text
        bundle = msgspec.json.decode(answer.content, type=_Bundle)
        assert (bundle.resource_type, bundle.type) == ("Bundle", "searchset")
        links = {link["relation"]: link["url"] for link in bundle.link}
        matches = [entry for entry in bundle.entry if entry.search["mode"] == "match"]
        outcomes = [entry for entry in bundle.entry if entry.search["mode"] == "outcome"]
        return Found(
            {e.full_url.rpartition("/")[2]: bytes(e.resource) for e in matches},
            links.get("next"),
            links["self"],
            [issue for o in outcomes for issue in json.loads(bytes(o.resource))["issue"]],
        )

    def search(
        self, pairs: Sequence[tuple[str, str]], token: str | None = None
    ) -> dict[str, bytes]:
        """Search to the end; every event once."""
        found: dict[str, bytes] = {}
        for page in self.pages(urlencode(pairs), token):
            assert not found.keys() & page.events.keys(), "twice in one search"
            found |= page.events
        return found

    def pages(self, query: str, token: str | None = None) -> Iterator[Found]:
        """Follow the next links."""
        at: str | None = query
        while at is not None:
            page = self.page(at, token)
            yield page
            at = page.next


def send_samples(stage: Stage, paths: Sequence[Path]) -> None:
    """Send each sample by itself."""
    for path in paths:
        stage.send(path.read_bytes())
    stage.settle()
