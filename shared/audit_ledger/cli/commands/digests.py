"""`ledger digests`: what was published, and when."""

import os

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.json_output import echo_json_line
from audit_ledger.cli.parameters import Time, with_connection
from audit_ledger.client.api import ConnectionOptions, json_of, open_api
from audit_ledger.client.digests import PublishedDigest, digests_between, latest_digest

_TITLES = ("until (UTC)", "size", "root")
_WIDTHS = (19, 13, 44)


@click.command("digests", cls=LedgerCommand)
@click.option(
    "--from", "first", type=Time(), metavar="TIME", help="2026-11-22T05:59:00Z. [1 h ago]"
)
@click.option("--to", "last", type=Time(), metavar="TIME", help="The same. [now]")
@click.option("--latest", is_flag=True, help="Only the newest.")
@click.option("--json", "as_json", is_flag=True, help="A digest a line, with the signed note.")
@with_connection
def command(
    connection: ConnectionOptions,
    first: int | None,
    last: int | None,
    latest: bool,
    as_json: bool,
) -> int:
    """List the digests that ended in a time."""
    if latest and (first is not None or last is not None):
        raise click.UsageError("--latest goes with neither --from nor --to")
    api = open_api(connection, os.environ, option_names={"from": "--from", "to": "--to"})
    found = latest_digest(api) if latest else digests_between(api, first, last)
    columns = Columns(_TITLES, _WIDTHS)
    for digest in found:
        if as_json:
            echo_json_line(digest)
        else:
            columns.row(_cells(digest, api.url))
    if not columns.rows and not as_json:
        click.echo("no digest ended in that time")
    return VERIFIED


def _cells(digest: bytes, url: str) -> tuple[str, ...]:
    read = json_of(digest, PublishedDigest, f"{url}: GET /digests")
    return (
        read.to.replace("T", " ").removesuffix("Z"),
        f"{read.size_after:,}",
        read.root,
    )
