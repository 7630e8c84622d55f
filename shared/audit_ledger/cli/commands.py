"""The commands and their options. What each does is in the module it calls, imported then."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit_ledger.cli import api_commands, report_commands
from audit_ledger.cli.command import LedgerGroup
from audit_ledger.cli.parameters import FILE, Time, with_connection

if TYPE_CHECKING:
    from audit_ledger.cli.api import ConnectionOptions

_SOURCE_HELP = "SOURCE is a folder, an http(s) URL or s3://bucket/prefix."

_ARCHIVE = click.option("--archive", required=True, help="The archive bucket (ArchiveBucket).")
_STAGE = click.option("--stage", required=True, help="dev or prod.")
_LEDGER = click.option("--ledger", "ledger_id", required=True, help="The ledger's id.")
_ORIGIN = click.option("--origin", help="Its origin; else taken from its settings on AWS.")


@click.group(
    cls=LedgerGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="audit-ledger", message="%(prog)s %(version)s")
def ledger() -> None:
    """Send events to a ledger, find them, and verify it without trusting whoever published it.

    Exit codes: 0 verified or done, 1 failed, 3 incomplete (cannot tell), 2 usage.
    """


for _command in (
    api_commands.send,
    api_commands.search,
    api_commands.show,
    api_commands.digests,
    api_commands.document,
    api_commands.findings,
    report_commands.report,
    report_commands.export,
    report_commands.verify_export,
    report_commands.directory,
    api_commands.profiles,
    api_commands.completion,
):
    ledger.add_command(_command)


@ledger.command(help=f"Verify a whole published ledger.\n\n{_SOURCE_HELP}")
@click.argument("source", type=click.Path(readable=False))
@click.option("--policy", "policy_file", type=FILE, required=True, help="Whom to trust.")
@click.option("--state", type=FILE, help="Remember the last verified checkpoint in this file.")
@click.option(
    "--no-state", is_flag=True, help="Neither compare with a remembered one nor keep any."
)
@click.option(
    "--at", type=Time(), metavar="TIME", help="Judge freshness as of 2026-11-22T05:59:00Z."
)
@click.option("--tlog-only", is_flag=True, help="Any tlog-tiles log: only checkpoint and tree.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
@click.option(
    "--token", envvar="AUDIT_LEDGER_TOKEN", help="Bearer token for https. [env: AUDIT_LEDGER_TOKEN]"
)
def verify(
    source: str,
    policy_file: Path,
    state: Path | None,
    no_state: bool,
    at: int | None,
    tlog_only: bool,
    as_json: bool,
    token: str | None,
) -> int:
    if state is not None and no_state:
        raise click.UsageError("--state and --no-state exclude each other")
    from audit_ledger.cli import verify_command  # noqa: PLC0415

    return verify_command.run(source, policy_file, state, no_state, at, tlog_only, as_json, token)


@ledger.command()
@click.option("--stage", help="dev or prod: with --ledger, from the keys in KMS.")
@click.option("--ledger", "ledger_id", help="The ledger's id, with --stage.")
@_ORIGIN
@click.option("-o", "--output", type=FILE, help="File to write; else standard output.")
@with_connection
def policy(
    connection: "ConnectionOptions",
    stage: str | None,
    ledger_id: str | None,
    origin: str | None,
    output: Path | None,
) -> int:
    """Write the policy file of a ledger: its public keys, from its API or from KMS.

    With --stage and --ledger the keys are read in KMS. Else the API is asked (--url or --profile):
    whoever answers there says which keys to trust, so compare them with those that you were given
    by another way.
    """
    from audit_ledger.cli import policy_command  # noqa: PLC0415

    if stage is None and ledger_id is None and origin is None:
        return policy_command.run_with_api(connection, output)
    if stage is None or ledger_id is None:
        raise click.UsageError("--stage and --ledger go together")
    if any((connection.profile, connection.url, connection.token)):
        raise click.UsageError("--stage and --ledger go with neither --url, --profile nor --token")
    return policy_command.run_with_kms(stage, ledger_id, origin, output)


@ledger.group(cls=LedgerGroup)
def receipt() -> None:
    """Prove that one entry is in a ledger."""


receipt.add_command(api_commands.get_receipt)


@receipt.command(
    "make",
    help=f"Make the proof of the entry with number INDEX (from 0) from tiles.\n\n{_SOURCE_HELP}",
)
@click.argument("source", type=click.Path(readable=False))
@click.argument("index", type=click.IntRange(min=0))
@click.option("-o", "--output", type=FILE, help="File to write; else standard output.")
@click.option(
    "--token", envvar="AUDIT_LEDGER_TOKEN", help="Bearer token for https. [env: AUDIT_LEDGER_TOKEN]"
)
def make_receipt(source: str, index: int, output: Path | None, token: str | None) -> int:
    from audit_ledger.cli import receipt_commands  # noqa: PLC0415

    return receipt_commands.make(source, index, output, token)


@receipt.command("show")
@click.argument("file", type=FILE)
@click.option("--policy", "policy_file", type=FILE, help="Whom to trust.")
@click.option("--record", "record_file", type=FILE, help="What the holder has: JSON in base64.")
def show_receipt(file: Path, policy_file: Path | None, record_file: Path | None) -> int:
    """Say what a .tlog-proof FILE proves, and what it does not.

    With --record also what was recorded: it tells of a patient. Without --policy nobody's signature
    is looked at, and the exit code is 3.
    """
    from audit_ledger.cli import receipt_show_command  # noqa: PLC0415

    return receipt_show_command.run(file, policy_file, record_file)


@receipt.command("verify")
@click.argument("file", type=FILE)
@click.option("--policy", "policy_file", type=FILE, required=True, help="Whom to trust.")
@click.option("--record", "record_file", type=FILE, help="What the holder has: JSON in base64.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def verify_receipt(file: Path, policy_file: Path, record_file: Path | None, as_json: bool) -> int:
    """Verify a .tlog-proof FILE, and with --record what the entry commits to."""
    from audit_ledger.cli import receipt_commands  # noqa: PLC0415

    return receipt_commands.verify(file, policy_file, record_file, as_json)


@ledger.command()
@click.option("--stage", type=click.Choice(["dev", "prod"]), required=True)
@click.option("--try-keys", is_flag=True, help="Make a KMS key of each spec, and delete it.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def doctor(stage: str, try_keys: bool, as_json: bool) -> int:
    """Say whether cdk.json can be deployed into an AWS account, before you deploy.

    It reads, and changes nothing but with --try-keys. It runs in a checkout, with your credentials.

    Exit codes: 0 nothing stands in the way, 1 something does, 2 usage, 3 something is not known.
    """
    from audit_ledger.cli import doctor_command  # noqa: PLC0415

    return doctor_command.run(stage, try_keys=try_keys, as_json=as_json)


@ledger.command()
@_STAGE
@_LEDGER
@_ARCHIVE
@click.option("--since", default="", metavar="YYYY/MM/DD", help="Only of this day and later.")
@click.option("--dry-run", is_flag=True, help="Only count them.")
def redrive(stage: str, ledger_id: str, archive: str, since: str, dry_run: bool) -> int:
    """Return dead letters from the archive to the ledger's queue.

    Break-glass: run it as the role audit-ledger-STAGE-rebuild, after unfreeze. What the ledger has
    already is left out, and the archive keeps its copies: twice does no harm.
    """
    from audit_ledger.cli import redrive_command  # noqa: PLC0415

    return redrive_command.run(stage, ledger_id, archive, since, dry_run=dry_run)


@ledger.command()
@_STAGE
@_LEDGER
@_ARCHIVE
@_ORIGIN
@click.option(
    "--settle",
    type=click.IntRange(min=0),
    default=70,
    metavar="SECONDS",
    help="Wait this long, frozen, for sequencers that run. [70]",
)
@click.option("--dry-run", is_flag=True, help="Verify and count, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def rebuild(
    stage: str,
    ledger_id: str,
    archive: str,
    origin: str | None,
    settle: int,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Rebuild a ledger's blocks and event index from the archive, under the same origin.

    Break-glass: run it as the role audit-ledger-STAGE-rebuild. Everything is verified before
    anything is written; nothing is ever written over. The ledger is frozen meanwhile.

    Exit codes: 0 done, 1 refused (something does not verify), 2 usage, 3 could not be finished.
    """
    from audit_ledger.cli import rebuild_command  # noqa: PLC0415

    return rebuild_command.run(
        stage, ledger_id, archive, origin, settle, dry_run=dry_run, as_json=as_json
    )


@ledger.command("rebuild-views")
@_STAGE
@_LEDGER
@click.option("--go-on", is_flag=True, help="With what an interrupted one began.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def rebuild_views(stage: str, ledger_id: str, go_on: bool, as_json: bool) -> int:
    """Derive gaps, findings and documents of a ledger again, from its first entry.

    Break-glass: run it as the role audit-ledger-STAGE-rebuild. What was derived is read until all
    of it is there again; with the same rules it is the same. Nobody is told of a finding twice.

    Exit codes: 0 done, 2 usage, 3 could not be finished (--go-on).
    """
    from audit_ledger.cli import rebuild_views_command  # noqa: PLC0415

    return rebuild_views_command.run(stage, ledger_id, go_on=go_on, as_json=as_json)


@ledger.command()
@_STAGE
@_LEDGER
@_ARCHIVE
@click.option("--published", required=True, help="The published bucket (PublishedBucket).")
@_ORIGIN
@click.option("--dry-run", is_flag=True, help="Only name what is lost.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def republish(
    stage: str,
    ledger_id: str,
    archive: str,
    published: str,
    origin: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Put back published files that are lost, from blocks, archive and old versions.

    Break-glass: run it as the role audit-ledger-STAGE-rebuild. Every block is verified up to the
    signed root before anything is put; nothing is ever written over.

    Exit codes: 0 done, 1 refused (blocks are not those of the signed root), 2 usage, 3 something is
    lost for good, or with --dry-run something is to be put back.
    """
    from audit_ledger.cli import republish_command  # noqa: PLC0415

    return republish_command.run(
        stage, ledger_id, archive, published, origin, dry_run=dry_run, as_json=as_json
    )


@ledger.command()
@_STAGE
@_LEDGER
@_ARCHIVE
@click.option("--published", required=True, help="The published bucket (PublishedBucket).")
@_ORIGIN
@click.option("--reason", metavar="TEXT", help="Lift the freeze if this is what it is for.")
@click.option("--yes", is_flag=True, help="Lift it, whatever it is for.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def unfreeze(
    stage: str,
    ledger_id: str,
    archive: str,
    published: str,
    origin: str | None,
    reason: str | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Lift a freeze, if blocks, archive, published files and published state agree again.

    Break-glass: run it as the role audit-ledger-STAGE-rebuild. Without --reason or --yes it only
    checks, and says what the ledger is frozen for.

    Exit codes: 0 lifted, 1 refused (something does not agree), 2 usage, 3 not lifted.
    """
    from audit_ledger.cli import unfreeze_command  # noqa: PLC0415

    return unfreeze_command.run(
        stage, ledger_id, archive, published, origin, reason, yes=yes, as_json=as_json
    )
