"""`ledger send`: events of files go to a ledger, each once, and what became of each is said."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import click

from audit_ledger.cli.api import Api, ConnectionOptions, open_api
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.event_files import STDIN, Found, FoundEvent, NoEvent, files_of, read_events
from audit_ledger.cli.event_requests import (
    DIVIDED,
    REFUSALS,
    EventRequest,
    Grouping,
    Sent,
    request_of,
    results_of,
)
from audit_ledger.cli.exit_codes import (
    FAILED,
    VERIFIED,
    CommandError,
    IncompleteError,
    UsageError,
)
from audit_ledger.cli.http_client import PATIENT_PAUSES
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON, FILE, with_connection
from audit_ledger.cli.progress import SendingBar, sending
from audit_ledger.cli.report import printable
from audit_ledger.cli.sent_journal import Identities, Journal, destination

_SHOWN_REFUSALS = 50


@dataclass
class _Tally:
    """What became of all events so far. `ids`: by place, only where they are asked for."""

    keeps_ids: bool
    accepted: int = 0
    sent_before: int = 0
    refused_events: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    ids: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def add(self, sent: Sent) -> None:
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
class _Sender:
    """Sends requests and settles each: in the journal, then in the tally."""

    api: Api
    tally: _Tally
    bar: SendingBar

    def send_input(self, argument: str, journal: Journal) -> None:
        """Send what an argument names, but for what the ledger has taken before.

        Requests that an earlier run sent without hearing the answer go first among their events,
        exactly as they were.
        """
        is_folder = Path(argument).is_dir()
        for file in [None] if argument == STDIN else files_of(argument):
            self.bar.begin_file()
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
            self.bar.read_up_to(each.end)
            if isinstance(each, NoEvent):
                if each.is_other and is_folder:
                    self.tally.left_out[each.what] += 1
                else:
                    expected = ": expected an AuditEvent, a Bundle or a CloudEvent"
                    self.tally.refuse(each.place, each.what + (expected if each.is_other else ""))
                continue
            identity = identities.of(each)
            if journal.took(identity):
                self.tally.sent_before += each.count
            else:
                yield each, identity

    def _send_all(self, requests: Iterator[EventRequest], journal: Journal) -> None:
        for request in requests:
            self._send(request, journal)

    def _send(self, request: EventRequest, journal: Journal) -> None:
        """Send a request. One that is refused as a whole goes again in halves, to find which."""
        journal.sending(request.key, request.identities)
        answered = self.api.ask(request.asked, also=REFUSALS)
        if answered.status in DIVIDED and request.is_divisible:
            journal.answered(request.key, range(len(request.events)))
            for half in request.halves():
                self._send(half, journal)
            return
        results = results_of(request, answered)
        refused = [n for n, result in enumerate(results) if result.reason is not None]
        journal.answered(request.key, refused)
        for result in results:
            self.tally.add(result)
        self.bar.answered(self.tally.accepted, self.tally.refused_events)


class _Unanswered:
    """Gathers the events of requests that were not answered, to send the same again."""

    def __init__(self, requests: Sequence[tuple[str, ...]]) -> None:
        self._request_of = {identity: request for request in requests for identity in request}
        self._gathered: dict[tuple[str, ...], dict[str, FoundEvent]] = {}

    def wants(self, identity: str) -> bool:
        """Whether an event is of such a request."""
        return identity in self._request_of

    def add(self, event: FoundEvent, identity: str) -> Iterator[EventRequest]:
        """Take an event; gives its request once it is complete."""
        request = self._request_of[identity]
        events = self._gathered.setdefault(request, {})
        events[identity] = event
        if len(events) == len(request):
            del self._gathered[request]
            yield request_of([events[i] for i in request], request)

    def close(self) -> Iterator[EventRequest]:
        """Return what is left of requests that the input does not hold in full any more."""
        for events in self._gathered.values():
            yield request_of(list(events.values()), list(events))


@click.command("send", cls=LedgerCommand)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(readable=False)
)
@click.option("--state", type=FILE, help="What was sent before; else FILE.sent beside each FILE.")
@AS_JSON
@with_connection
def command(
    connection: ConnectionOptions, files: tuple[str, ...], state: Path | None, as_json: bool
) -> int:
    """Send events of files, each once.

    FILE holds AuditEvents, Bundles or CloudEvents in JSON, or one event a line (NDJSON). It may be
    a folder (its *.json, *.ndjson and *.jsonl) or - for standard input. AuditEvents of a file go
    as batches of at most 200 and 600 KB, one alone by itself, a transaction whole.

    Sending the same again is no new event. What was accepted is remembered in FILE.sent, by
    hashes, and not sent again, also if FILE has grown. Without that, the Idempotency-Key of each
    request, the SHA-256 of its body and of nothing else (not of names), tells the ledger that it
    has the events of an unchanged FILE; CloudEvents are known by source and id.

    Exit codes: 0 all accepted, 1 some refused (each is named), 2 usage, 3 could not be finished:
    the same command goes on.
    """
    for argument in files:
        if argument != STDIN and not Path(argument).exists():
            raise UsageError(f"{argument}: No such file or directory")
    tally = _Tally(as_json)
    failure: CommandError | KeyboardInterrupt | None = None
    with sending(_total_bytes(files)) as bar:
        api = open_api(
            connection, os.environ, role="portal", pauses=PATIENT_PAUSES, on_pause=bar.pausing
        )
        to = destination(api.url, api.credentials.token())
        sender = _Sender(api, tally, bar)
        try:
            for argument in files:
                with closing(Journal(_state_file(argument, state), to)) as journal:
                    sender.send_input(argument, journal)
        except (IncompleteError, UsageError, KeyboardInterrupt) as error:
            failure = error
    if as_json:
        echo_json(_for_machines(tally, failure))
    elif failure is None or tally.accepted or tally.refused:
        click.echo(_for_people(tally, api.url, is_complete=failure is None))
    if isinstance(failure, CommandError):
        failure.is_reported = as_json
    if failure is not None:
        raise failure
    return FAILED if tally.refused else VERIFIED


def _state_file(argument: str, state: Path | None) -> Path | None:
    """Return the journal's path: `<name>.sent` beside the input; None for standard input."""
    if state is not None or argument == STDIN:
        return state
    path = Path(argument).absolute()
    beside = path.parent / f"{path.name}.sent"
    if not beside.exists() and not os.access(beside.parent, os.W_OK):
        click.echo(
            f"ledger: {beside}: cannot be written, so nothing is remembered; see --state", err=True
        )
        return None
    return beside


def _total_bytes(arguments: Sequence[str]) -> int | None:
    """Return how much there is to read; None where standard input is among it."""
    if STDIN in arguments:
        return None
    files = [file for argument in arguments for file in files_of(argument)]
    return sum(file.stat().st_size for file in files if file.is_file())


def _for_people(tally: _Tally, url: str, *, is_complete: bool) -> str:
    lines = [f"accepted: {_events(tally.accepted)} by {url}"]
    if tally.flags:
        flagged = ", ".join(f"{flag} {count:,}" for flag, count in sorted(tally.flags.items()))
        lines.append(f"  flagged, and accepted all the same: {flagged}")
    if tally.sent_before:
        lines.append(f"  {_events(tally.sent_before)} sent before and not sent again")
    if tally.left_out:
        kinds = ", ".join(f"{what} {count:,}" for what, count in sorted(tally.left_out.items()))
        lines.append(f"  left out, being something else: {kinds}")
    if tally.refused:
        lines.append(f"refused: {_events(tally.refused_events)}")
        lines += [f"  {place}: {reason}" for place, reason in tally.refused[:_SHOWN_REFUSALS]]
        if len(tally.refused) > _SHOWN_REFUSALS:
            more = len(tally.refused) - _SHOWN_REFUSALS
            lines.append(f"  and {more:,} more; --json names all")
    if not is_complete:
        lines.append("not finished: the same command again goes on from here")
    return "\n".join(map(printable, lines))


def _for_machines(
    tally: _Tally, failure: CommandError | KeyboardInterrupt | None
) -> dict[str, object]:
    return {
        "complete": failure is None,
        "error": failure.message if isinstance(failure, CommandError) else None,
        "accepted": tally.accepted,
        "sent_before": tally.sent_before,
        "left_out": dict(sorted(tally.left_out.items())),
        "flags": dict(sorted(tally.flags.items())),
        "refused": [{"place": place, "reason": reason} for place, reason in tally.refused],
        "events": [{"place": place, "ids": ids} for place, ids in tally.ids],
    }


def _events(count: int) -> str:
    return f"{count:,} {'event' if count == 1 else 'events'}"
