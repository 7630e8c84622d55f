"""A searchset of events, as the API returns it page by page."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.cli.stub_server import StubRequest, StubResponse, StubServer


def event(number: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "recorded": f"2026-11-22T05:00:{number % 60:02}+01:00",
        "type": {"system": "urn:t", "code": "rest", "display": "RESTful Operation"},
        "action": "R",
        "outcome": "0",
        "agent": [{"who": {"display": f"Nurse {number}"}, "requestor": True}],
        "source": {"observer": {"display": "EHR"}},
        "entity": [
            {
                "what": {"reference": f"Patient/p{number}"},
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": "1",
                },
            },
            {"what": {"reference": f"Observation/o{number}"}},
        ],
        **more,
    }


def event_id(number: int) -> str:
    return f"{number:064x}"


class Pages:
    """A FHIR searchset of `total` events in pages of `_count`."""

    def __init__(self, total: int, host: str = "http://api.other.example") -> None:
        self.total = total
        self.host = host
        self.issues: list[dict[str, Any]] = []
        self.event: Callable[[int], dict[str, Any]] = event

    def answer(self, request: StubRequest) -> StubResponse:
        query = urlsplit(request.target).query
        parameters = dict(parse_qsl(query))
        start, count = int(parameters.get("_cursor", "0")), int(parameters["_count"])
        entries: list[dict[str, Any]] = [
            {
                "fullUrl": f"{self.host}/AuditEvent/{event_id(n)}",
                "resource": self.event(n),
                "search": {"mode": "match"},
            }
            for n in range(start, min(start + count, self.total))
        ]
        if self.issues:
            outcome = {"resourceType": "OperationOutcome", "issue": self.issues}
            entries.append({"resource": outcome, "search": {"mode": "outcome"}})
        links = [{"relation": "self", "url": self.host}]
        if start + count < self.total:
            search = query.partition("&_cursor=")[0]
            url = f"{self.host}/AuditEvent?{search}&_cursor={start + count}"
            links.append({"relation": "next", "url": url})
        bundle = {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}
        return StubResponse(200, json.dumps(bundle, indent=2).encode())


def requested(stub: StubServer) -> list[tuple[str, str]]:
    """Return the parameters of the last request."""
    return parse_qsl(urlsplit(stub.requests[-1].target).query)
