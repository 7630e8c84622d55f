"""`ledger findings`: what the rules found, page after page, and which rules do not run."""

import os

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns, echo_facts
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.json_output import echo_json_line
from audit_ledger.cli.parameters import Time, with_connection
from audit_ledger.client.api import ConnectionOptions, open_api
from audit_ledger.client.findings import FindingsPage, ReportedFinding, findings_pages
from audit_ledger.client.shown_text import count_of, printable

_TITLES = ("time (UTC)", "severity", "rule", "statement")
_WIDTHS = (19, 8, 16, 0)
_MAX_SHOWN = 5  # entries of a finding, on the terminal


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
    columns = Columns(_TITLES, _WIDTHS)
    page: FindingsPage | None = None
    for body, page in findings_pages(api, first, last):
        if as_json:
            echo_json_line(body)
            continue
        for finding in page.findings:
            columns.row(_cells(finding))
            columns.below(_entries(finding.entries))
    if page is not None and not as_json:
        _show_end(page, columns.rows)
    return VERIFIED


def _cells(finding: ReportedFinding) -> tuple[str, ...]:
    time = finding.ledger_time.replace("T", " ").removesuffix("Z")
    return time, finding.severity, finding.rule, finding.statement


def _entries(entries: list[int]) -> str:
    shown = ", ".join(map(str, entries[:_MAX_SHOWN]))
    more = f" and {len(entries) - _MAX_SHOWN:,} more" if len(entries) > _MAX_SHOWN else ""
    return f"{'entry' if len(entries) == 1 else 'entries'} {shown}{more}"


def _show_end(page: FindingsPage, count: int) -> None:
    """Say how many, and what was not looked for: no finding is no all-clear."""
    found = count_of(count, "finding") if count else "no finding"
    click.echo(f"{found}; the rules have seen the first {page.followed:,} entries")
    idle = [(rule.rule, rule.lacks) for rule in page.rules if not rule.runs]
    if not page.rules:
        click.echo("which rules run is not known yet")
    if idle:
        click.echo(printable("rules that do not run:"))
        echo_facts(idle)
