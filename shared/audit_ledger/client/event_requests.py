"""Requests of events: which go together, under which key, and the result of each.

AuditEvents go as batch Bundles of at most 200 events and 600 KB, which sealed is well below the
1 MiB that a request may have; one alone goes as it is. CloudEvents go as batches of as many.

The Idempotency-Key is the SHA-256 of the request's body, so that the same request sent again is no
new event. CloudEvents have ids of their own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

import msgspec

from audit_ledger.client.api import FHIR_JSON, OperationOutcome, reason_of, reason_of_outcome
from audit_ledger.client.errors import UnansweredError
from audit_ledger.client.event_files import FoundEvent
from audit_ledger.client.files import NOT_JSON
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.http_transport import HttpResponse

MAX_EVENTS: Final = 200
MAX_BYTES: Final = 600_000
REFUSALS: Final = (400, 413, 415, 422)
"""Statuses by which the server refuses events for what they are."""

DIVIDED: Final = (400, 413, 422)
"""Those by which a request may be refused for one event of several."""

_CLOUDEVENT: Final = "application/cloudevents+json"
_CLOUDEVENTS: Final = "application/cloudevents-batch+json"
_IN_THE_BUNDLE: Final = re.compile(r"Bundle\.entry\[[0-9]+\]\.(?:(resource)\b)?")


@dataclass(frozen=True)
class EventResult:
    """What became of one event: the ids of its records here, or why it was refused."""

    event: FoundEvent
    ids: tuple[str, ...] = ()
    reason: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class EventRequest:
    """Events that go in one request. `identities`: what each is known by, see `identities_of`."""

    events: tuple[FoundEvent, ...]
    identities: tuple[str, ...]
    http_request: ApiRequest = field(repr=False)
    key: str

    @property
    def is_divisible(self) -> bool:
        """Whether its events may go in several requests."""
        return len(self.events) > 1

    def halves(self) -> tuple["EventRequest", "EventRequest"]:
        """Divide it."""
        middle = len(self.events) // 2
        return (
            request_of(self.events[:middle], self.identities[:middle]),
            request_of(self.events[middle:], self.identities[middle:]),
        )


class _Response(msgspec.Struct, frozen=True):
    status: str
    location: str = ""
    outcome: OperationOutcome = OperationOutcome()


class _Entry(msgspec.Struct, frozen=True):
    response: _Response


class _ResponseBundle(msgspec.Struct, frozen=True):
    entry: list[_Entry] = []


class _Accepted(msgspec.Struct, frozen=True):
    ids: list[list[str]]


def request_of(events: Sequence[FoundEvent], identities: Sequence[str]) -> EventRequest:
    """Put events of one kind into a request."""
    kind = events[0].kind
    if kind == "cloudevent":
        path, media_type, body = _cloudevents(events)
    elif kind == "whole" or (kind == "audit-event" and len(events) == 1):
        path, media_type = "/" if kind == "whole" else "/AuditEvent", FHIR_JSON
        body = events[0].body
    else:
        path, media_type, body = "/", FHIR_JSON, _bundle(events)
    key = sha256(body).hexdigest()
    headers = {
        "Content-Type": media_type,
        "Accept": "application/json" if kind == "cloudevent" else FHIR_JSON,
        "Idempotency-Key": key,
        "Prefer": "return=OperationOutcome",
    }
    return EventRequest(
        tuple(events), tuple(identities), ApiRequest("POST", path, body=body, headers=headers), key
    )


class Grouping:
    """Gathers events until a request is full. Equal events in equal order give equal requests."""

    def __init__(self) -> None:
        self._events: list[FoundEvent] = []
        self._identities: list[str] = []
        self._bytes = 0

    def add(self, event: FoundEvent, identity: str) -> Iterator[EventRequest]:
        """Add an event; return the full request that has no room for it."""
        if self._events and (
            event.kind != self._events[0].kind
            or event.kind == "whole"
            or len(self._events) == MAX_EVENTS
            or self._bytes + len(event.body) > MAX_BYTES
        ):
            yield from self.close()
        self._events.append(event)
        self._identities.append(identity)
        self._bytes += len(event.body)

    def close(self) -> Iterator[EventRequest]:
        """Return the request of what is left, if anything is."""
        if self._events:
            yield request_of(self._events, self._identities)
        self._events, self._identities, self._bytes = [], [], 0


def results_of(request: EventRequest, response: HttpResponse) -> list[EventResult]:
    """Read what became of each event, in order. UnansweredError: not an answer of the API."""
    events = request.events
    if response.status in REFUSALS:
        reason = reason_of(response.body) or f"HTTP status {response.status}"
        return [EventResult(event, reason=f"{reason} [{response.status}]") for event in events]
    try:
        results = list(_read(request, response))
    except NOT_JSON:
        results = []
    expected = 1 if events[0].kind == "whole" else len(events)
    if len(results) != expected:
        raise UnansweredError("the answer to events is not what the API gives; nothing is sure")
    return [replace(result, event=event) for result, event in zip(results, events, strict=False)]


def _read(request: EventRequest, response: HttpResponse) -> Iterable[EventResult]:
    event = request.events[0]
    if event.kind == "cloudevent":
        accepted = msgspec.json.decode(response.body, type=_Accepted)
        return [EventResult(event, tuple(ids)) for ids in accepted.ids]
    if request.http_request.path == "/AuditEvent":
        outcome = msgspec.json.decode(response.body or b"{}", type=OperationOutcome)
        return [EventResult(event, _ids(response.header("location")), flags=_flags(outcome))]
    bundle = msgspec.json.decode(response.body, type=_ResponseBundle)
    results = [_of_entry(event, entry.response) for entry in bundle.entry]
    if event.kind != "whole":
        return results
    ids = tuple(id_ for result in results for id_ in result.ids)
    return [
        EventResult(event, ids, flags=tuple(flag for result in results for flag in result.flags))
    ]


def _of_entry(event: FoundEvent, response: _Response) -> EventResult:
    if response.status.startswith("2"):
        return EventResult(event, _ids(response.location), flags=_flags(response.outcome))
    reason = reason_of_outcome(response.outcome) or "refused"
    if event.kind != "whole":  # its number here is another than in the file
        reason = _IN_THE_BUNDLE.sub(lambda m: "AuditEvent" if m[1] else "", reason)
    return EventResult(event, reason=f"{reason} [{response.status}]")


def _ids(location: str) -> tuple[str, ...]:
    """Return the id of `/AuditEvent/<id>`, or of a full URL with a version."""
    _, found, rest = location.partition("AuditEvent/")
    return (rest.partition("/")[0],) if found else ()


def _flags(outcome: OperationOutcome) -> tuple[str, ...]:
    """Return the flags (docs/events.md) that an accepted event has."""
    return tuple(i.diagnostics for i in outcome.issue if i.severity == "warning" and i.diagnostics)


def _bundle(events: Sequence[FoundEvent]) -> bytes:
    """Write a Bundle around the bytes as they are; a Bundle's own entries stay whole."""
    kind = events[0].kind
    if kind == "audit-event":
        request = b',"request":{"method":"POST","url":"AuditEvent"}}'
        entries = [b'{"resource":' + event.body + request for event in events]
        kind = "batch"
    else:
        entries = [event.body for event in events]
    head = b'{"resourceType":"Bundle","type":"' + kind.encode() + b'","entry":['
    return head + b",".join(entries) + b"]}"


def _cloudevents(events: Sequence[FoundEvent]) -> tuple[str, str, bytes]:
    if len(events) == 1:
        return "/events", _CLOUDEVENT, events[0].body
    return "/events", _CLOUDEVENTS, b"[" + b",".join(event.body for event in events) + b"]"
