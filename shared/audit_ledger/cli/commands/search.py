"""`ledger search`: events that match, page after page, as a table or as the Bundles themselves."""

import os

import click

from audit_ledger.cli import event_summary
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.filters import OPTION_NAMES, with_filters
from audit_ledger.cli.json_output import echo_json_line
from audit_ledger.cli.parameters import AS_JSON, with_connection
from audit_ledger.client.api import ConnectionOptions, open_api
from audit_ledger.client.search import SearchPage, SearchRequest, search_pages
from audit_ledger.client.shown_text import count_of, printable

_TITLES = ("time (UTC)", "who", "action", "what", "patient", "outcome")
_WIDTHS = (19, 0, 7, 0, 0, 8)


@click.command("search", cls=LedgerCommand)
@with_filters
@click.option("--sort", type=click.Choice(["-date", "date"]), default="-date", help="[-date]")
@click.option("--limit", type=click.IntRange(min=1), default=50, metavar="N", help="[50]")
@click.option("--all", "everything", is_flag=True, help="All that match, despite --limit.")
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

    Below each event stand its id, for `ledger show`, and the remarks of the ledger: a conflict,
    a repeat, the part of one patient. Times are UTC.

    --json prints each page on a line: the FHIR searchset Bundle as the API gives it, with ids
    (fullUrl), the remarks of the ledger (OperationOutcome) and warnings.
    """
    request = SearchRequest(filters, sort, None if everything else limit)
    api = open_api(connection, os.environ, option_names=OPTION_NAMES)
    show: _Bundles | _Table = _Bundles() if as_json else _Table()
    found = 0
    has_more = False
    for page in search_pages(api, request):
        show.page(page)
        found += len(page.matches)
        has_more = page.has_next
    show.end(found, has_more=has_more)
    return VERIFIED


class _Bundles:
    """A page a line: the Bundle as it came, but for white space."""

    def page(self, page: SearchPage) -> None:
        echo_json_line(page.body)

    def end(self, found: int, *, has_more: bool) -> None:
        """Machines see the links."""


class _Table:
    """A row an event; below it the id and the remarks of the ledger."""

    def __init__(self) -> None:
        self._columns = Columns(_TITLES, _WIDTHS)
        self._warned: set[str] = set()

    def page(self, page: SearchPage) -> None:
        for warning in page.warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                click.echo(f"ledger: warning: {printable(warning)}", err=True)
        for number, entry in enumerate(page.matches):
            self._columns.row(_cells(bytes(entry.resource)))
            self._columns.below(entry.full_url.rpartition("/")[2])
            for mark in page.marks(number):
                self._columns.below(mark, "yellow")

    def end(self, found: int, *, has_more: bool) -> None:
        if not found:
            click.echo("no event matches")
            return
        more = "; there are more: --all, or a larger --limit" if has_more else ""
        click.echo(f"{count_of(found, 'event')}{more}")


def _cells(resource: bytes) -> tuple[str, ...]:
    details = event_summary.try_read_details(resource)
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
