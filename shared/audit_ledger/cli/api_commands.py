"""The commands that ask a ledger's API, and their options. What each does is in its own module."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.filters import with_filters
from audit_ledger.cli.parameters import FILE, EventId, Time, with_connection

if TYPE_CHECKING:
    from audit_ledger.cli.api import ConnectionOptions

_JSON = click.option("--json", "as_json", is_flag=True, help="To standard output as JSON.")


@click.command(cls=LedgerCommand)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(readable=False)
)
@click.option("--state", type=FILE, help="What was sent before; else FILE.sent beside each FILE.")
@_JSON
@with_connection
def send(
    connection: "ConnectionOptions", files: tuple[str, ...], state: Path | None, as_json: bool
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
    from audit_ledger.cli import send_command  # noqa: PLC0415

    return send_command.run(connection, files, state, as_json=as_json)


@click.command(cls=LedgerCommand)
@with_filters
@click.option("--sort", type=click.Choice(["-date", "date"]), default="-date", help="[-date]")
@click.option("--limit", type=click.IntRange(min=1), default=50, metavar="N", help="[50]")
@click.option("--all", "everything", is_flag=True, help="All that match, whatever --limit says.")
@_JSON
@with_connection
def search(
    connection: "ConnectionOptions",
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
    from audit_ledger.cli import search_command  # noqa: PLC0415

    options = search_command.SearchOptions(filters, sort, None if everything else limit)
    return search_command.run(connection, options, as_json=as_json)


@click.command(cls=LedgerCommand)
@click.argument("event_id", type=EventId(), metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The bytes that its sender submitted.")
@with_connection
def show(connection: "ConnectionOptions", event_id: str, as_json: bool) -> int:
    """Show one event. ID is its id, or the number of its entry."""
    from audit_ledger.cli import show_command  # noqa: PLC0415

    return show_command.run(connection, event_id, as_json=as_json)


@click.command("get", cls=LedgerCommand)
@click.argument("event_id", type=EventId(), metavar="ID")
@click.option("-o", "--output", type=FILE, required=True, help="The proof; FILE.record.json too.")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.IntRange(min=0),
    default=120,
    metavar="SECONDS",
    help="For a checkpoint to cover it. [120]",
)
@click.option("--policy", "policy_file", type=FILE, help="Whom to trust: verify it at once.")
@with_connection
def get_receipt(
    connection: "ConnectionOptions",
    event_id: str,
    output: Path,
    wait_seconds: int,
    policy_file: Path | None,
) -> int:
    """Get the receipt of an event: what proves to anybody that it is in the ledger.

    OUTPUT is the proof (C2SP tlog-proof), OUTPUT.record.json what the entry commits to, for
    `ledger receipt verify --record`. The record tells of a patient: only you may read the file.
    """
    from audit_ledger.cli import receipt_get_command  # noqa: PLC0415

    return receipt_get_command.run(connection, event_id, output, wait_seconds, policy_file)


@click.command(cls=LedgerCommand)
@click.option(
    "--from", "first", type=Time(), metavar="TIME", help="2026-11-22T05:59:00Z. [1 h ago]"
)
@click.option("--to", "last", type=Time(), metavar="TIME", help="The same. [now]")
@click.option("--latest", is_flag=True, help="Only the newest.")
@click.option("--json", "as_json", is_flag=True, help="A digest a line, with the signed note.")
@with_connection
def digests(
    connection: "ConnectionOptions",
    first: int | None,
    last: int | None,
    latest: bool,
    as_json: bool,
) -> int:
    """List the digests that ended in a time."""
    from audit_ledger.cli import digests_command  # noqa: PLC0415

    return digests_command.run(connection, first, last, latest=latest, as_json=as_json)


@click.command(cls=LedgerCommand)
@click.option(
    "--from", "first", type=Time(), metavar="TIME", help="A day before --to if not given."
)
@click.option("--to", "last", type=Time(), metavar="TIME", help="2026-11-22T05:59:00Z. [now]")
@click.option("--json", "as_json", is_flag=True, help="A page a line, as the API gives it.")
@with_connection
def findings(
    connection: "ConnectionOptions", first: int | None, last: int | None, as_json: bool
) -> int:
    """List what the rules found, by the ledger's time.

    Below each finding stand its entries, for `ledger show`: they say who and whom. Rules that do
    not run are listed with what they lack (docs/detections.md).
    """
    from audit_ledger.cli import findings_command  # noqa: PLC0415

    return findings_command.run(connection, first, last, as_json=as_json)


@click.command(cls=LedgerCommand)
@click.argument("file", type=FILE)
@_JSON
@with_connection
def document(connection: "ConnectionOptions", file: Path, as_json: bool) -> int:
    """Say whether the ledger recorded a document, by its SHA-256. FILE itself is never sent.

    Prints the digest as RFC 6920 has it, and the entries that name it.

    Exit codes: 0 recorded, 1 not recorded, 2 usage, 3 cannot tell.
    """
    from audit_ledger.cli import document_command  # noqa: PLC0415

    return document_command.run(connection, file, as_json=as_json)


@click.command(cls=LedgerCommand)
@_JSON
def profiles(as_json: bool) -> int:
    """List the ledgers that are known here; tokens are never shown.

    \b
    They are in $XDG_CONFIG_HOME/audit-ledger/profiles.toml (~/.config):
      default = "st-elsewhere"
      [profiles.st-elsewhere]
      url = "https://api.example.org"
      token_command = ["pass", "show", "audit-ledger"]    # prints a token; or
      token = "…"                                         # then only you may read the file; or
      token_endpoint = "https://…/oauth2/token"           # client credentials
      client_id = "…"
      client_secret_env = "AUDIT_LEDGER_CLIENT_SECRET"    # the variable that holds the secret
      scope = "…"                                         # if the issuer wants it

    A command goes to --url with --token, or to --profile; else to AUDIT_LEDGER_URL with
    AUDIT_LEDGER_TOKEN; else to the profile AUDIT_LEDGER_PROFILE, else the default, else the only
    one. --token and, where no --profile is given, AUDIT_LEDGER_TOKEN replace a profile's token.

    `--profile local` is what `make local` serves from this folder: the portal's token to send,
    the security officer's to read; local:patient, local:portal, local:security choose one.
    """
    from audit_ledger.cli import profiles_command  # noqa: PLC0415

    return profiles_command.run(as_json=as_json)


@click.command(cls=LedgerCommand)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print a script that completes words in a shell.

    \b
    bash:  ledger completion bash > ~/.local/share/bash-completion/completions/ledger
    zsh:   ledger completion zsh > "${fpath[1]}/_ledger"
    fish:  ledger completion fish > ~/.config/fish/completions/ledger.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    kind = get_completion_class(shell)
    if kind is not None:
        script = kind(context.find_root().command, {}, "ledger", "_LEDGER_COMPLETE").source()
        click.echo(script)
    return 0
