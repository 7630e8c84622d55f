"""`ledger republish`: published files that are lost are put back."""

import time
from collections.abc import Iterator

import click

from audit_ledger.cli.aws_ledger import deployed_ledger, reporting_errors
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import INCOMPLETE, VERIFIED
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import ARCHIVE, LEDGER, ORIGIN, STAGE
from audit_ledger.cli.progress import progress_bar
from audit_ledger.client.shown_text import printable
from audit_ledger.recovery.republish import Republish, RepublishResult

_SHOWN = 100


@click.command("republish", cls=LedgerCommand)
@STAGE
@LEDGER
@ARCHIVE
@click.option("--published", required=True, help="The published bucket (PublishedBucket).")
@ORIGIN
@click.option("--dry-run", is_flag=True, help="Only name what is lost.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def command(
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
    with reporting_errors(f"{published}/{ledger_id}"), progress_bar("verifying") as show_progress:
        ledger = deployed_ledger(stage, ledger_id, origin)
        archived = ledger.objects(archive)
        republish = Republish(
            ledger.origin,
            ledger.blocks,
            ledger.state,
            archived,
            ledger.objects(published, archived.retention_of_the_first("blocks/")),
            ledger.verify_block,
            lambda: int(time.time()),
        )
        done = republish.run(dry_run=dry_run, progress=show_progress or (lambda *_: None))
    if as_json:
        report = {
            "origin": ledger.origin,
            "size": done.size,
            "dry_run": dry_run,
            "put_back": done.put_back,
            "lost": done.lost,
        }
        echo_json(report)
    else:
        lines = _for_people(ledger.origin, done, dry_run=dry_run)
        click.echo("\n".join(map(printable, lines)))
    return INCOMPLETE if done.lost or (dry_run and done.put_back) else VERIFIED


def _for_people(origin: str, done: RepublishResult, *, dry_run: bool) -> Iterator[str]:
    what = "would be put back" if dry_run else "put back"
    yield f"{origin}: {done.size:,} entries verified, {len(done.put_back):,} files {what}"
    yield from (f"  missing: {path}: {what}" for path in done.put_back[:_SHOWN])
    if len(done.put_back) > _SHOWN:
        yield f"  and {len(done.put_back) - _SHOWN:,} more"
    for path in done.lost:
        yield f"  lost: {path}: no version of it is left, and those before it cannot be determined"
