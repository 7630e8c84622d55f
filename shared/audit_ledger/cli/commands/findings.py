"""`ledger findings`: what the rules found, page after page, and which rules do not run."""

import os
from collections.abc import Iterator
from urllib.parse import urlencode

import click
import msgspec

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns, facts
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError
from audit_ledger.cli.json_output import echo_json_line
from audit_ledger.cli.parameters import Time, with_connection
from audit_ledger.client.api import Api, ConnectionOptions, json_of, open_api
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.client.shown_text import printable
from audit_ledger.instants import format_instant

PATH = "/findings"
_TITLES = ("time (UTC)", "severity", "rule", "statement")
_WIDTHS = (19, 8, 16, 0)
_JSON = {"Accept": "application/json"}
_MAX_SHOWN = 5  # entries of a finding, on the terminal


class _Finding(msgspec.Struct, frozen=True):
    rule: str
    severity: str
    entries: list[int]
    ledger_time: str
    statement: str


class _Rule(msgspec.Struct, frozen=True):
    rule: str
    runs: bool
    lacks: str = ""


class _Page(msgspec.Struct, frozen=True):
    findings: list[_Finding]
    rules: list[_Rule]
    followed: int
    next: str | None = None


@click.command("findings", cls=LedgerCommand)
@click.option(
    "--from", "first", type=Time(), metavar="TIME", help="A day before --to if not given."
)
@click.option("--to", "last", type=Time(), metavar="TIME", help="2026-11-22T05:59:00Z. [now]")
@click.option("--json", "as_json", is_flag=True, help="A page a line, as the API gives it.")
@with_connection
def command(
    connection: ConnectionOptions, first: int | None, last: int | None, as_json: bool
) -> int:
    """List what the rules found, by the ledger's time.

    Below each finding stand its entries, for `ledger show`: they say who and whom. Rules that do
    not run are listed with what they lack (docs/detections.md).
    """
    api = open_api(connection, os.environ, option_names={"from": "--from", "to": "--to"})
    columns: Columns | None = None
    count = 0
    page: _Page | None = None
    for body, page in _pages(api, first, last):
        if as_json:
            echo_json_line(body)
            continue
        for finding in page.findings:
            columns = columns or Columns(_TITLES, _WIDTHS)
            columns.row(_cells(finding))
            columns.below(_entries(finding.entries))
            count += 1
    if page is not None and not as_json:
        _show_end(page, count)
    return VERIFIED


def _pages(api: Api, first: int | None, to: int | None) -> Iterator[tuple[bytes, _Page]]:
    """Return each page as it came, and read."""
    where = f"{api.url}: GET {PATH}"
    period = {"from": first, "to": to}
    given = {name: format_instant(time) for name, time in period.items() if time is not None}
    seen = set[str]()
    while True:
        answered = api.ask(ApiRequest("GET", PATH, urlencode(given), headers=_JSON))
        page = json_of(answered.body, _Page, where)
        yield answered.body, page
        if page.next is None:
            return
        if page.next in seen:
            raise IncompleteError(f"{where}: its pages lead back to one before")
        seen.add(page.next)
        given["after"] = page.next


def _cells(finding: _Finding) -> tuple[str, ...]:
    time = finding.ledger_time.replace("T", " ").removesuffix("Z")
    return time, finding.severity, finding.rule, finding.statement


def _entries(entries: list[int]) -> str:
    shown = ", ".join(map(str, entries[:_MAX_SHOWN]))
    more = f" and {len(entries) - _MAX_SHOWN:,} more" if len(entries) > _MAX_SHOWN else ""
    return f"{'entry' if len(entries) == 1 else 'entries'} {shown}{more}"


def _show_end(page: _Page, count: int) -> None:
    """Say how many, and what was not looked for: no finding is no all-clear."""
    found = "no finding" if not count else f"{count:,} {'finding' if count == 1 else 'findings'}"
    click.echo(f"{found}; the rules have seen the first {page.followed:,} entries")
    idle = [(rule.rule, rule.lacks) for rule in page.rules if not rule.runs]
    if not page.rules:
        click.echo("which rules run is not known yet")
    if idle:
        click.echo(printable("rules that do not run:"))
        facts(idle)
