"""`ledger redrive`: dead letters go back from the archive to the queue they came from.

Doing it twice does no harm: what is in the ledger already is left out by its event ids, and the
archive keeps its copies.
"""

import click

from audit_ledger.aws import clients
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.aws.queue import LedgerQueue
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError
from audit_ledger.cli.parameters import ARCHIVE, LEDGER, STAGE
from audit_ledger.errors import FormatError
from audit_ledger.records.dead_letter import FOLDER, parse_dead_letter


@click.command("redrive", cls=LedgerCommand)
@STAGE
@LEDGER
@ARCHIVE
@click.option("--since", default="", metavar="YYYY/MM/DD", help="Only of this day and later.")
@click.option("--dry-run", is_flag=True, help="Only count them.")
def command(stage: str, ledger_id: str, archive: str, since: str, dry_run: bool) -> int:
    """Return dead letters from the archive to the ledger's queue.

    Break-glass: run it as the role audit-ledger-STAGE-rebuild, after unfreeze. What the ledger has
    already is left out, and the archive keeps its copies: twice does no harm.
    """
    letters = LedgerObjects(clients.s3(), archive, ledger_id)
    name = f"audit-ledger-{stage}-{ledger_id}"
    sent = 0
    try:
        paths = [p for p in letters.names(FOLDER) if p.removeprefix(FOLDER) >= since]
        queue = None if dry_run else LedgerQueue(clients.sqs(), name)
        for path in paths:
            found = letters.get(path)
            if found is None:
                continue
            letter = parse_dead_letter(found.data)
            if queue is not None:
                queue.send(letter.body)
            sent += 1
    except FormatError as error:
        raise IncompleteError(
            f"{archive}/{ledger_id}/{path}: {error}; {sent} sent before"
        ) from None
    except clients.AwsError as error:
        place = f"{archive}/{ledger_id}/{FOLDER} to {name}"
        raise IncompleteError(f"{place}: {clients.error_code(error)}; {sent} sent before") from None
    click.echo(f"{sent} dead letters {'would be sent' if dry_run else 'sent'} to {name}")
    return VERIFIED
