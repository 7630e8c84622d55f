"""`ledger rebuild`: blocks and index of a ledger come back from the archive."""

import time
from collections.abc import Iterator

import click

from audit_ledger.cli.aws_ledger import deployed_ledger, reporting_errors
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import VERIFIED
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import ARCHIVE, LEDGER, ORIGIN, STAGE
from audit_ledger.cli.progress import progress_bar
from audit_ledger.client.shown_text import printable
from audit_ledger.recovery.rebuild import Rebuild, RebuildResult
from audit_ledger.verify.freshness import format_time


@click.command("rebuild", cls=LedgerCommand)
@STAGE
@LEDGER
@ARCHIVE
@ORIGIN
@click.option(
    "--settle",
    type=click.IntRange(min=0),
    default=70,
    metavar="SECONDS",
    help="Wait this long, frozen, for sequencers that run. [70]",
)
@click.option("--dry-run", is_flag=True, help="Verify and count, write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def command(
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

    def wait() -> None:
        if settle:
            click.echo(f"frozen; waiting {settle} s for sequencers that run", err=True)
            time.sleep(settle)

    with reporting_errors(f"{archive}/{ledger_id}"), progress_bar("rebuilding") as show_progress:
        ledger = deployed_ledger(stage, ledger_id, origin)
        rebuild = Rebuild(
            ledger.origin,
            ledger.blocks,
            ledger.index,
            ledger.state,
            ledger.objects(archive),
            ledger.verify_block,
            wait,
        )
        done = rebuild.run(dry_run=dry_run, progress=show_progress or (lambda *_: None))
    if as_json:
        echo_json(_for_machines(ledger.origin, done, dry_run=dry_run))
    else:
        lines = _for_people(ledger.origin, done, dry_run=dry_run)
        click.echo("\n".join(map(printable, lines)))
    return VERIFIED


def _for_people(origin: str, done: RebuildResult, *, dry_run: bool) -> Iterator[str]:
    rows, published = done.rows, done.published
    yield f"{'would be rebuilt' if dry_run else 'rebuilt'}: {origin}"
    yield f"  {done.size:,} entries verified, {published.size:,} of them published"
    yield "  table     was there         put    replaced"
    yield f"  blocks {done.blocks_there:12,}{done.blocks_put:12,}           -"
    yield f"  events {rows.there:12,}{rows.put:12,}{rows.replaced:12,}"
    if done.blocks_unarchived:
        yield f"  {done.blocks_unarchived:,} blocks are in the table alone, until the next digest"
    yield "not rebuilt:"
    if published.time:
        yield (
            f"  what was accepted after {format_time(published.time)} and is in neither copy: the "
            "recovery point is a minute"
        )
    if done.lost_rows:
        verb = "would be marked" if dry_run else "are marked"
        yield (
            f"  {done.lost_rows:,} rows of the index name entries that are nowhere; they {verb} "
            "as lost, so that portals can send those events again"
        )
    if done.frozen is not None:
        yield f"still frozen: {done.frozen}"
        yield "  `ledger unfreeze` checks, and lifts it"


def _for_machines(origin: str, done: RebuildResult, *, dry_run: bool) -> dict[str, object]:
    rows = done.rows
    return {
        "origin": origin,
        "dry_run": dry_run,
        "size": done.size,
        "published_size": done.published.size,
        "published_time": format_time(done.published.time),
        "blocks": {
            "there": done.blocks_there,
            "put": done.blocks_put,
            "unarchived": done.blocks_unarchived,
        },
        "events": {"there": rows.there, "put": rows.put, "replaced": rows.replaced},
        "lost_rows": done.lost_rows,
        "frozen": done.frozen,
    }
