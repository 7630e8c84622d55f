"""Uploads: events of files are sent to a ledger, each once, and the answer to each is recorded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit_ledger.client.api import Api
from audit_ledger.client.event_files import STDIN, Found, FoundEvent, NoEvent, files_of, read_events
from audit_ledger.client.event_requests import (
    DIVIDED,
    REFUSALS,
    EventRequest,
    EventResult,
    Grouping,
    request_of,
    results_of,
)
from audit_ledger.client.journal import Identities, Journal


class UploadProgress:
    """Is notified of the progress of an upload; this one ignores it."""

    def begin_file(self) -> None:
        """Begin the next file."""

    def read_up_to(self, end: int) -> None:
        """Report how many bytes of the file are read."""

    def settle(self, accepted: int, refused: int) -> None:
        """Report how many events the ledger has accepted and refused."""

    def pausing(self, seconds: float, reason: str) -> None:
        """Report a pause before a retry."""


@dataclass
class UploadResult:
    """The outcome of all events so far. `ids`: by place, if `keeps_ids`."""

    keeps_ids: bool
    accepted: int = 0
    sent_before: int = 0
    refused_events: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    ids: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def add(self, sent: EventResult) -> None:
        if sent.reason is not None:
            self.refuse(sent.event.place, sent.reason, sent.event.count)
            return
        self.accepted += sent.event.count
        self.flags.update(sent.flags)
        if self.keeps_ids:
            self.ids.append((sent.event.place, sent.ids))

    def refuse(self, place: str, reason: str, count: int = 1) -> None:
        self.refused.append((place, reason))
        self.refused_events += count


@dataclass(frozen=True)
class Uploader:
    """Sends requests and records each answer: in the journal, then in the result."""

    api: Api
    result: UploadResult
    progress: UploadProgress

    def upload(self, argument: str, journal: Journal) -> None:
        """Send the events of a file, a folder or standard input (`-`), each once.

        Events that the ledger accepted before are skipped. Requests that an earlier run sent
        without an answer are sent again with exactly the same events. Raises InvalidInputError and
        UnansweredError; the journal then allows the next run to continue.
        """
        is_folder = Path(argument).is_dir()
        for file in [None] if argument == STDIN else files_of(argument):
            self.progress.begin_file()
            unanswered = _Unanswered(journal.unanswered)
            grouping = Grouping()
            for event, identity in self._new_events(read_events(file), journal, is_folder):
                if unanswered.wants(identity):
                    requests: Iterator[EventRequest] = unanswered.add(event, identity)
                else:
                    requests = grouping.add(event, identity)
                self._send_all(requests, journal)
            self._send_all(unanswered.close(), journal)
            self._send_all(grouping.close(), journal)

    def _new_events(
        self, found: Iterator[Found], journal: Journal, is_folder: bool
    ) -> Iterator[tuple[FoundEvent, str]]:
        identities = Identities()
        for each in found:
            self.progress.read_up_to(each.end)
            if isinstance(each, NoEvent):
                if each.is_other and is_folder:
                    self.result.left_out[each.what] += 1
                else:
                    expected = ": expected an AuditEvent, a Bundle or a CloudEvent"
                    self.result.refuse(each.place, each.what + (expected if each.is_other else ""))
                continue
            identity = identities.of(each)
            if journal.took(identity):
                self.result.sent_before += each.count
            else:
                yield each, identity

    def _send_all(self, requests: Iterator[EventRequest], journal: Journal) -> None:
        for request in requests:
            self._send(request, journal)

    def _send(self, request: EventRequest, journal: Journal) -> None:
        """Send a request. One that is refused as a whole is divided, to find the event."""
        journal.record_request(request.key, request.identities)
        response = self.api.request(request.http_request, also=REFUSALS)
        if response.status in DIVIDED and request.is_divisible:
            journal.record_response(request.key, range(len(request.events)))
            for half in request.halves():
                self._send(half, journal)
            return
        results = results_of(request, response)
        refused = [n for n, result in enumerate(results) if result.reason is not None]
        journal.record_response(request.key, refused)
        for result in results:
            self.result.add(result)
        self.progress.settle(self.result.accepted, self.result.refused_events)


class _Unanswered:
    """Gathers the events of requests without an answer, to send the same requests again."""

    def __init__(self, requests: Sequence[tuple[str, ...]]) -> None:
        self._request_of = {identity: request for request in requests for identity in request}
        self._gathered: dict[tuple[str, ...], dict[str, FoundEvent]] = {}

    def wants(self, identity: str) -> bool:
        """Whether an event is of such a request."""
        return identity in self._request_of

    def add(self, event: FoundEvent, identity: str) -> Iterator[EventRequest]:
        """Add an event; return its request once it is complete."""
        request = self._request_of[identity]
        events = self._gathered.setdefault(request, {})
        events[identity] = event
        if len(events) == len(request):
            del self._gathered[request]
            yield request_of([events[i] for i in request], request)

    def close(self) -> Iterator[EventRequest]:
        """Return requests of events whose request is no longer in the input as a whole."""
        for events in self._gathered.values():
            yield request_of(list(events.values()), list(events))
