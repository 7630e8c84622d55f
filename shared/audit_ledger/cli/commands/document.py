"""`ledger document`: whether a ledger recorded this very document. The document stays here."""

import os
from base64 import urlsafe_b64encode
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path

import click
import msgspec

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns
from audit_ledger.cli.exit_codes import (
    FAILED,
    INCOMPLETE,
    VERIFIED,
    IncompleteError,
    UsageError,
)
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON, FILE, with_connection
from audit_ledger.client.api import ConnectionOptions, json_of, open_api
from audit_ledger.client.event_files import STDIN
from audit_ledger.client.files import standard_input
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.reports.labels import ACTIONS

PATH = "/documents/verify"
_TITLES = ("time (UTC)", "action", "entry")
_WIDTHS = (20, 7, 0)


class _Entry(msgspec.Struct, frozen=True):
    id: str
    entry: int
    time: str
    action: str | None = None


class _Entries(msgspec.Struct, frozen=True):
    entries: list[_Entry]
    more: bool = False


@click.command("document", cls=LedgerCommand)
@click.argument("file", type=FILE)
@AS_JSON
@with_connection
def command(connection: ConnectionOptions, file: Path, as_json: bool) -> int:
    """Check whether the ledger recorded a document, by its SHA-256. FILE itself is never sent.

    Prints the digest as RFC 6920 has it, and the entries that name it.

    Exit codes: 0 recorded, 1 not recorded, 2 usage, 3 cannot tell.
    """
    digest = digest_uri(file)
    if not as_json:
        click.echo(digest)
    api = open_api(connection, os.environ)
    body = msgspec.json.encode({"digest": digest})
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    answered = api.ask(ApiRequest("POST", PATH, body=body, headers=headers), also=(404,))
    if answered.status == 404:
        raise IncompleteError(f"{api.url}: POST {PATH}: this server verifies no documents (404)")
    found = json_of(answered.body, _Entries, f"{api.url}: POST {PATH}")
    entries, more = found.entries, found.more
    if as_json:
        shown = {"digest": digest, "entries": msgspec.to_builtins(entries), "more": more}
        echo_json(shown)
    elif not entries and more:
        click.echo("cannot tell: many entries name this digest, and the first are not yours to see")
    elif not entries:
        click.echo("not recorded: no entry of this ledger names this digest")
    else:
        columns = Columns(_TITLES, _WIDTHS)
        for entry in entries:
            time = entry.time.replace("T", " ").removesuffix("Z")
            action = ACTIONS.get(entry.action or "", entry.action or "")
            columns.row((time, action, f"{entry.entry:,}"))
            columns.below(entry.id)
        if more:
            click.echo("and more")
    if entries:
        return VERIFIED
    return INCOMPLETE if more else FAILED


def digest_uri(file: Path) -> str:
    """Return the SHA-256 of a file's bytes as an RFC 6920 URI; `-` is standard input."""
    digest = sha256()
    try:
        with nullcontext(standard_input()) if str(file) == STDIN else file.open("rb") as opened:
            while piece := opened.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    return f"ni:///sha-256;{urlsafe_b64encode(digest.digest()).decode().rstrip('=')}"
