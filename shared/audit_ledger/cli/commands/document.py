"""`ledger document`: whether a ledger recorded this very document. The document stays here."""

import os
from pathlib import Path

import click
import msgspec

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import Columns
from audit_ledger.cli.exit_codes import FAILED, INCOMPLETE, VERIFIED
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON, FILE, with_connection
from audit_ledger.client.api import ConnectionOptions, open_api
from audit_ledger.client.documents import digest_uri, find_document
from audit_ledger.reports.labels import ACTIONS

_TITLES = ("time (UTC)", "action", "entry")
_WIDTHS = (20, 7, 0)


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
    found = find_document(api, digest)
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
