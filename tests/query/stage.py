"""A deployed app with the samples in one ledger, and those who ask."""

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
    """Who asks, and what was sent: event id → body."""

    cloud: LocalCloud
    sent: dict[str, bytes] = field(default_factory=dict)

    @property
    def security(self) -> str:
        """A security officer's token."""
        return self.cloud.tokens.security(LEDGER)

    def patient(self, patient: str, ledger: str = LEDGER) -> str:
        """A patient's token."""
        return self.cloud.tokens.patient(ledger, patient)

    def send(self, body: bytes, **headers: str) -> str:
        """Send an event; gives its id."""
        token = self.cloud.tokens.portal(LEDGER, PORTAL)
        answer = requests.post(
            f"{self.cloud.url}/AuditEvent",
            data=body,
            headers={
                "authorization": f"Bearer {token}",
                "content-type": "application/fhir+json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        event_id = answer.headers["location"].rpartition("/")[2]
        self.sent[event_id] = body
        return event_id

    def settle(self) -> None:
        """Bring what waits into the ledger, and publish it."""
        self.cloud.drain()
        self.cloud.publish(LEDGER)

    def get(self, path: str, token: str | None = None, **headers: str) -> requests.Response:
        """Ask; `path` may be a whole URL."""
        url = path if path.startswith("http") else self.cloud.url + path
        return requests.get(
            url,
            headers={
                "authorization": f"Bearer {self.security if token is None else token}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            timeout=60,
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
