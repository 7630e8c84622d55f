"""`ledger receipt make`: the proof that one entry is in a ledger, from its tiles."""

from pathlib import Path

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import VERIFIED, FailedError, IncompleteError, UsageError
from audit_ledger.cli.files import open_source
from audit_ledger.cli.parameters import FILE, SOURCE_HELP
from audit_ledger.client.files import write_file
from audit_ledger.errors import FormatError, NotFoundError, UnreachableError, VerificationError
from audit_ledger.verify.receipts import make_receipt


@click.command(
    "make",
    cls=LedgerCommand,
    help=f"Make the proof of the entry with number INDEX (from 0) from tiles.\n\n{SOURCE_HELP}",
)
@click.argument("source", type=click.Path(readable=False))
@click.argument("index", type=click.IntRange(min=0))
@click.option("-o", "--output", type=FILE, help="File to write; else standard output.")
@click.option(
    "--token", envvar="AUDIT_LEDGER_TOKEN", help="Bearer token for https. [env: AUDIT_LEDGER_TOKEN]"
)
def command(source: str, index: int, output: Path | None, token: str | None) -> int:
    ledger = open_source(source, token)
    try:
        data = make_receipt(ledger, index)
    except NotFoundError as error:
        raise UsageError(f"{ledger.name}: {error}") from None
    except UnreachableError as error:
        raise IncompleteError(str(error)) from None
    except (FormatError, VerificationError) as error:
        raise FailedError(f"{ledger.name}: {error}") from None
    if output is None:
        click.echo(data, nl=False)
    else:
        write_file(output, data)
    return VERIFIED
