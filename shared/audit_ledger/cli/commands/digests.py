"""`ledger digests`: what was published, and when."""

import os
from collections.abc import Iterator
from urllib.parse import urlencode

import click
import msgspec

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError
from audit_ledger.cli.json_output import echo_json_line
from audit_ledger.cli.parameters import Time, with_connection
from audit_ledger.client.api import Api, ConnectionOptions, json_of, open_api
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.instants import format_instant

_TITLES = ("until (UTC)", "size", "root")
_WIDTHS = (19, 13, 44)
_JSON = {"Accept": "application/json"}


class _Digest(msgspec.Struct, frozen=True):
    to: str
    size_after: int
    root: str


class _Digests(msgspec.Struct, frozen=True):
    digests: list[msgspec.Raw]
    next: str | None = None


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
    found = _latest(api) if latest else _between(api, first, last)
    columns: Columns | None = None
    for digest in found:
        if as_json:
            echo_json_line(digest)
            continue
        columns = columns or Columns(_TITLES, _WIDTHS)
        columns.row(_cells(digest, api.url))
    if columns is None and not as_json:
        click.echo("no digest ended in that time")
    return VERIFIED


def _latest(api: Api) -> Iterator[bytes]:
    yield api.ask(ApiRequest("GET", "/digests/latest", headers=_JSON)).body


def _between(api: Api, first: int | None, to: int | None) -> Iterator[bytes]:
    """Return the digests as they are in the answers, which are an hour's worth each."""
    given = {} if first is None else {"from": format_instant(first)}
    if to is not None:
        given["to"] = format_instant(to)
    while True:
        answered = api.ask(ApiRequest("GET", "/digests", urlencode(given), headers=_JSON))
        page = json_of(answered.body, _Digests, f"{api.url}: GET /digests")
        yield from map(bytes, page.digests)
        if page.next is None:
            return
        if page.next <= given.get("from", ""):
            raise IncompleteError(f"{api.url}: GET /digests: its pages do not go on")
        given["from"] = page.next


def _cells(digest: bytes, url: str) -> tuple[str, ...]:
    read = json_of(digest, _Digest, f"{url}: GET /digests")
    return (
        read.to.replace("T", " ").removesuffix("Z"),
        f"{read.size_after:,}",
        read.root,
    )
