"""The HTTP API of a ledger in a local cloud, as its portals, officers and patients use it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
import requests

from infra.local.cloud import LocalCloud

FHIR = "application/fhir+json"
LEDGER = "south"  # its portal names patients by reference
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
class Page:
    """A page: the resources' bytes by event id, in order; its links; the issues of its outcome."""

    events: dict[str, bytes]
    next: str | None
    self: str
    issues: list[dict[str, Any]]


@dataclass
class LedgerApi:
    """The API, and one ledger that requests are for by default; `sent`: bodies by event id."""

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

    def portal_token(self, ledger: str | None = None, portal: str | None = None) -> str:
        """Return the token of a portal."""
        return self.cloud.tokens.portal(ledger or self.ledger, portal or self.portal)

    def send(
        self,
        event: dict[str, Any] | bytes,
        ledger: str | None = None,
        portal: str | None = None,
        **headers: str,
    ) -> str:
        """Send an event and return its id."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers = {"content-type": FHIR, **headers}
        token = self.portal_token(ledger, portal)
        response = self.post("/AuditEvent", token, data=body, headers=headers)
        assert response.status_code == 201, response.text
        event_id = response.headers["location"].rpartition("/")[2]
        self.sent[event_id] = body
        return event_id

    def send_bundle(self, bundle_entries: Sequence[dict[str, Any]]) -> None:
        """Send many events in one Bundle."""
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": list(bundle_entries)}
        response = self.post("/", self.portal_token(), json=bundle, headers={"content-type": FHIR})
        assert response.status_code == 200, response.text

    def settle(self) -> None:
        """Append the queued events to the ledgers, and publish them."""
        self.cloud.drain()
        self.cloud.publish()

    def get(self, path: str, token: str | None = None, **headers: str) -> requests.Response:
        """Return the response to a GET; `path` may be a whole URL."""
        return self._request("GET", path, token, headers)

    def post(
        self, path: str, token: str | None = None, *, headers: Mapping[str, str] = {}, **body: Any
    ) -> requests.Response:
        """Return the response to a POST; `body`: as `requests` has it."""
        return self._request("POST", path, token, headers, **body)

    def _request(
        self, method: str, path: str, token: str | None, headers: Mapping[str, str], **body: Any
    ) -> requests.Response:
        return requests.request(
            method,
            path if path.startswith("http") else self.cloud.url + path,
            headers={
                "authorization": f"Bearer {self.security if token is None else token}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            timeout=120,
            **body,
        )

    def json(self, path: str, token: str | None = None, **headers: str) -> dict[str, Any]:
        """Return the JSON of a successful response to a GET."""
        response = self.get(path, token, **headers)
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    def page(self, query: str, token: str | None = None, **headers: str) -> Page:
        """Return one page of a search; `query` may be the URL of a link."""
        path = query if query.startswith("http") else f"/AuditEvent?{query}"
        response = self.get(path, token, **headers)
        assert response.status_code == 200, response.text
        bundle = msgspec.json.decode(response.content, type=_Bundle)
        assert (bundle.resource_type, bundle.type) == ("Bundle", "searchset")
        links = {link["relation"]: link["url"] for link in bundle.link}
        matches = [entry for entry in bundle.entry if entry.search["mode"] == "match"]
        outcomes = [entry for entry in bundle.entry if entry.search["mode"] == "outcome"]
        return Page(
            {e.full_url.rpartition("/")[2]: bytes(e.resource) for e in matches},
            links.get("next"),
            links["self"],
            [issue for o in outcomes for issue in json.loads(bytes(o.resource))["issue"]],
        )

    def search(
        self, query: str | Sequence[tuple[str, str]], token: str | None = None
    ) -> dict[str, bytes]:
        """Return the resources of all pages by event id; no event may come twice."""
        query = query if isinstance(query, str) else urlencode(query)
        query = query if "_count=" in query else f"{query}&_count=100".removeprefix("&")
        found: dict[str, bytes] = {}
        for page in self.pages(query, token):
            assert not found.keys() & page.events.keys(), "an event on two pages"
            found |= page.events
        return found

    def events(self, query: str, token: str | None = None) -> dict[str, dict[str, Any]]:
        """Return the decoded resources of all pages by event id."""
        return {event_id: json.loads(body) for event_id, body in self.search(query, token).items()}

    def pages(self, query: str, token: str | None = None) -> Iterator[Page]:
        """Yield all pages of a search, by their next links."""
        next_query: str | None = query
        while next_query is not None:
            page = self.page(next_query, token)
            yield page
            next_query = page.next
