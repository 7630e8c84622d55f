"""`ledger unfreeze`: a freeze is lifted once everything agrees again."""

import click

from audit_ledger.cli.aws_ledger import deployed_ledger, reporting_errors
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import INCOMPLETE, VERIFIED, UsageError
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import ARCHIVE, LEDGER, ORIGIN, STAGE
from audit_ledger.client.shown_text import printable
from audit_ledger.recovery.unfreeze import Unfreeze


@click.command("unfreeze", cls=LedgerCommand)
@STAGE
@LEDGER
@ARCHIVE
@click.option("--published", required=True, help="The published bucket (PublishedBucket).")
@ORIGIN
@click.option("--reason", metavar="TEXT", help="Lift the freeze if this is what it is for.")
@click.option("--yes", is_flag=True, help="Lift it, whatever it is for.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def command(
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
    checks, and reports the reason of the freeze.

    Exit codes: 0 lifted, 1 refused (something does not agree), 2 usage, 3 not lifted.
    """
    if reason is not None and yes:
        raise click.UsageError("--reason and --yes exclude each other")
    with reporting_errors(f"stage {stage}, ledger {ledger_id}"):
        ledger = deployed_ledger(stage, ledger_id, origin)
        unfreeze = Unfreeze(
            ledger.origin,
            ledger.blocks,
            ledger.state,
            ledger.objects(published),
            ledger.objects(archive),
            ledger.verify_block,
        )
        agreement = unfreeze.check()
        frozen = agreement.frozen
        if reason is not None and reason != frozen.frozen:
            raise UsageError(printable(f"--reason: it is frozen for another: {frozen.frozen}"))
        lift = yes or reason is not None
        if lift:
            unfreeze.lift(agreement)
    if as_json:
        report = {
            "origin": ledger.origin,
            "lifted": lift,
            "reason": frozen.frozen,
            "size": agreement.size,
            "published_size": frozen.size,
        }
        echo_json(report)
    else:
        lines = [
            f"{'lifted' if lift else 'frozen'}: {ledger.origin}",
            f"  frozen for: {frozen.frozen}",
            f"  blocks agree with what is published up to {frozen.size:,} and go to "
            f"{agreement.size:,}",
            "  appending and publishing go on by themselves"
            if lift
            else "  nothing was changed; --yes, or this reason as --reason, lifts it",
        ]
        click.echo("\n".join(map(printable, lines)))
    return VERIFIED if lift else INCOMPLETE
