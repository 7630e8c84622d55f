"""`ledger report`: accountings, accesses, the privacy report; a table, or the API's own forms."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns, echo_facts, make_console
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.parameters import FILE, NameAndValue, with_connection
from audit_ledger.client.api import ConnectionOptions, json_of, open_api
from audit_ledger.client.private_files import write_for_owner
from audit_ledger.client.reports import PATHS, fetch_report

_OPTION_NAMES = {
    **{name: f"--{name}" for name in ("patient", "user", "from", "to", "sort")},
    "_format": "--format",
}
_INSTANT = re.compile(  # in the zone that the report names
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{3})?[+-][0-9]{2}:[0-9]{2}"
)
_FOOTER = ("notes", "verify")
_TIME_WIDTH = len("2026-11-22 05:59:00")
_READABLE = 10  # characters a column
_STATED = "stated"  # below its row: a time that cannot be is rare, and needs a word
_SECONDARY = {  # where a terminal is too narrow for all of them
    *("user_id", "role", "kind", "failed", "break_glass", "address", "source", "portal"),
    *("entry_time", "received", "event_id", "format", "flags", "conflict"),
}


@click.command("report", cls=LedgerCommand)
@click.argument("kind", type=click.Choice(["accounting", "accesses", "privacy"]))
@click.option(
    "--patient",
    metavar="WHO",
    help="Patient/1, 1, or system|value; also several names.",
    multiple=True,
)
@click.option(
    "--user",
    "--agent",
    "user",
    metavar="WHO",
    help="Of whom the privacy report is: Practitioner/1, system|value.",
)
@click.option("--from", "first", metavar="TIME", help="2026-11-22, or 2026-11-22T05:59:00Z.")
@click.option("--to", "last", metavar="TIME", help="The same; the last day is in.")
@click.option(
    "--sort", metavar="ELEMENT", help="Of the privacy report; - before it: descending. [time]"
)
@click.option(
    "--param", "more", type=NameAndValue(), multiple=True, help="Any other parameter of the API."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "html"]),
    default="table",
    help="[table]",
)
@click.option("--json", "as_json", is_flag=True, help="As --format json.")
@click.option("-o", "--output", type=FILE, help="Into a file that only you may read.")
@with_connection
def command(
    connection: ConnectionOptions,
    kind: str,
    patient: tuple[str, ...],
    user: str | None,
    first: str | None,
    last: str | None,
    sort: str | None,
    more: tuple[tuple[str, str], ...],
    form: str,
    as_json: bool,
    output: Path | None,
) -> int:
    """Make a report: to whom a record was disclosed, who accessed it, or what users did.

    accounting: disclosures of a patient's record (45 CFR 164.528), of the last six years.
    accesses: who accessed a patient's record, as the patient may see it, of the last year.
    privacy: all events and their elements, break-the-glass apart, of the last day.

    --format html is a page to print.
    """
    if as_json and form not in ("table", "json"):
        raise click.UsageError(f"--json is not --format {form}")
    if output is not None and form == "table" and not as_json:
        raise click.UsageError("-o needs --format json, csv or html")
    options = [("from", first), ("to", last), ("user", user), ("sort", sort)]
    parameters = [("patient", who) for who in patient]
    parameters += [(name, value) for name, value in options if value] + list(more)
    form = "json" if as_json else form
    api = open_api(connection, os.environ, option_names=_OPTION_NAMES)
    body = fetch_report(api, kind, parameters, "json" if form == "table" else form)
    if output is not None:
        write_for_owner(output, body)
        click.echo(f"{output}: {len(body):,} bytes", err=True)
    elif form == "table":
        _show(json_of(body, dict[str, Any], f"{api.url}: GET {PATHS[kind]}"))
    else:
        sys.stdout.buffer.write(body)
    return VERIFIED


def _show(report: dict[str, Any]) -> None:
    """Show title and facts, each table, and the notes."""
    click.echo(report.get("title", ""))
    echo_facts(
        [
            (_label(key), _text(value))
            for key, value in report.items()
            if not isinstance(value, list) and key not in ("title", "report")
        ]
    )
    for key, rows in report.items():
        if isinstance(rows, list) and key not in _FOOTER:
            click.echo(f"\n{_label(key)}: {len(rows):,}")
            _table([row for row in rows if isinstance(row, dict)])
    for note in report.get("notes", ()):
        click.echo(f"\n{note}")


def _table(rows: Sequence[dict[str, Any]]) -> None:
    """Show rows in the columns that any of them has something in."""
    titles = [
        key
        for key in (rows[0] if rows else ())
        if key != _STATED and any(_text(row[key]) for row in rows)
    ]
    if not titles:
        return
    hidden = []
    if len(titles) * _READABLE > make_console().width:
        hidden = [title for title in titles if title in _SECONDARY]
        titles = [title for title in titles if title not in _SECONDARY]
    columns = Columns(
        [_label(title) for title in titles], [_width(title, rows) for title in titles]
    )
    for row in rows:
        columns.row([_text(row.get(title)) for title in titles])
        if stated := _text(row.get(_STATED)):
            columns.below(
                f"its sender stated {stated}; counted when the ledger accepted it", "yellow"
            )
    if hidden:
        click.echo(f"{len(hidden)} more columns: in a wider terminal, with --json, --format csv")


def _width(title: str, rows: Sequence[dict[str, Any]]) -> int:
    """Return the width of a column of times or numbers; 0 for others, which share the rest."""
    options = [row[title] for row in rows if row.get(title) is not None]
    if all(isinstance(value, int) for value in options):
        return max(map(len, (*_label(title).split(), *map(_text, options))))
    return _TIME_WIDTH if all(_INSTANT.fullmatch(str(value)) for value in options) else 0


def _label(key: str) -> str:
    return key.replace("_", " ")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _INSTANT.sub(r"\1 \2", str(value))
