"""`ledger search`: events that match, page after page, as a table or as the Bundles themselves."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

import click
import msgspec

from audit_ledger.cli import event_summary
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError
from audit_ledger.cli.filters import OPTION_NAMES, with_filters
from audit_ledger.cli.json_output import echo_json_line
from audit_ledger.cli.parameters import AS_JSON, with_connection
from audit_ledger.client.api import (
    FHIR_JSON,
    Api,
    ConnectionOptions,
    Issue,
    OperationOutcome,
    json_of,
    open_api,
)
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.client.shown_text import printable

PATH = "/AuditEvent"
MAX_PAGE_SIZE = 100
_TITLES = ("time (UTC)", "who", "action", "what", "patient", "outcome")
_WIDTHS = (19, 0, 7, 0, 0, 8)
_PLACE = re.compile(r"Bundle\.entry\[([0-9]+)\]\.resource")
_NOT_FOR_PEOPLE = "release:"  # which FHIR an event was written in changes nothing that is shown


@dataclass(frozen=True)
class SearchOptions:
    """Parameters in their order; how many events, None for all."""

    parameters: Sequence[tuple[str, str]] = field(repr=False)
    sort: str
    limit: int | None


class _Link(msgspec.Struct, frozen=True):
    relation: str
    url: str


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    resource: msgspec.Raw
    full_url: str = ""
    search: dict[str, str] = {}


class _Bundle(msgspec.Struct, frozen=True):
    link: list[_Link] = []
    entry: list[_Entry] = []


@dataclass(frozen=True)
class _Page:
    body: bytes
    matches: tuple[_Entry, ...]
    issues: tuple[Issue, ...]
    has_next: bool

    def marks(self, number: int) -> Iterator[str]:
        """Return what the ledger says of a match, beside the words of its sender."""
        for issue in self.issues:
            places = [m[1] for text in issue.expression if (m := _PLACE.fullmatch(text))]
            if str(number) in places and not issue.diagnostics.startswith(_NOT_FOR_PEOPLE):
                yield issue.diagnostics

    @property
    def warnings(self) -> list[str]:
        """What is to be known of the whole answer."""
        return [issue.diagnostics for issue in self.issues if issue.severity == "warning"]


@click.command("search", cls=LedgerCommand)
@with_filters
@click.option("--sort", type=click.Choice(["-date", "date"]), default="-date", help="[-date]")
@click.option("--limit", type=click.IntRange(min=1), default=50, metavar="N", help="[50]")
@click.option("--all", "everything", is_flag=True, help="All that match, whatever --limit says.")
@AS_JSON
@with_connection
def command(
    connection: ConnectionOptions,
    filters: list[tuple[str, str]],
    sort: str,
    limit: int,
    everything: bool,
    as_json: bool,
) -> int:
    """Search events. All that is given must hold; a comma between values means or.

    Below each event stand its id, for `ledger show`, and what the ledger says of it: a conflict,
    a repeat, the part of one patient. Times are UTC.

    --json prints each page on a line: the FHIR searchset Bundle as the API gives it, with ids
    (fullUrl), what the ledger says of each (OperationOutcome) and warnings.
    """
    options = SearchOptions(filters, sort, None if everything else limit)
    api = open_api(connection, os.environ, option_names=OPTION_NAMES)
    show: _Bundles | _Table = _Bundles() if as_json else _Table()
    found = 0
    has_more = False
    for page in _pages(api, options):
        show.page(page)
        found += len(page.matches)
        has_more = page.has_next
    show.end(found, has_more=has_more)
    return VERIFIED


def _pages(api: Api, options: SearchOptions) -> Iterator[_Page]:
    """Follow the links `next`, from the API's own address whatever host they name."""
    left = options.limit
    count = MAX_PAGE_SIZE if left is None else min(left, MAX_PAGE_SIZE)
    pairs = [*options.parameters, ("_sort", options.sort), ("_count", str(count))]
    query = urlencode(pairs, safe="/:,", quote_via=quote)
    asked_before = set[str]()
    where = f"{api.url}: GET {PATH}"
    while True:
        headers = {"Accept": FHIR_JSON, "Prefer": "handling=strict"}
        answered = api.ask(ApiRequest("GET", PATH, query, headers=headers))
        bundle = json_of(answered.body, _Bundle, where)
        asked_before.add(query)
        following = next((link.url for link in bundle.link if link.relation == "next"), None)
        matches = [e for e in bundle.entry if e.search.get("mode", "match") == "match"][:left]
        issues = [
            issue
            for entry in bundle.entry
            if entry.search.get("mode") == "outcome"
            for issue in json_of(bytes(entry.resource), OperationOutcome, where).issue
        ]
        yield _Page(answered.body, tuple(matches), tuple(issues), following is not None)
        if left is not None:
            left -= len(matches)
        if following is None or left == 0:
            return
        query = urlsplit(following).query
        if query in asked_before:
            raise IncompleteError(f"{where}: its pages lead back to one before")
        if left is not None and left < count:
            count = left
            query = re.sub(r"(^|&)_count=[0-9]+", rf"\g<1>_count={count}", query)


class _Bundles:
    """A page a line: the Bundle as it came, but for white space."""

    def page(self, page: _Page) -> None:
        echo_json_line(page.body)

    def end(self, found: int, *, has_more: bool) -> None:
        """Machines see the links."""


class _Table:
    """A row an event; below it the id and what the ledger says of it."""

    def __init__(self) -> None:
        self._columns: Columns | None = None
        self._warned: set[str] = set()

    def page(self, page: _Page) -> None:
        for warning in page.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                click.echo(f"ledger: warning: {printable(warning)}", err=True)
        for number, entry in enumerate(page.matches):
            if self._columns is None:
                self._columns = Columns(_TITLES, _WIDTHS)
            self._columns.row(_cells(bytes(entry.resource)))
            self._columns.below(entry.full_url.rpartition("/")[2])
            for mark in page.marks(number):
                self._columns.below(mark, "yellow")

    def end(self, found: int, *, has_more: bool) -> None:
        if not found:
            click.echo("no event matches")
            return
        more = "; there are more: --all, or a larger --limit" if has_more else ""
        click.echo(f"{found:,} {'event' if found == 1 else 'events'}{more}")


def _cells(resource: bytes) -> tuple[str, ...]:
    details = event_summary.read_details(resource)
    if details is None:
        return ("?", "not an event that can be read", "", "", "", "")
    return (
        event_summary.time_of(details),
        event_summary.who(details),
        event_summary.action(details),
        event_summary.what(details),
        event_summary.patients(details),
        event_summary.outcome(details),
    )
