"""`ledger rebuild-views`: what the follower derived is derived again, from the first entry."""

import json
from typing import Any

import click

from audit_ledger.aws import clients
from audit_ledger.aws.ssm_settings import SsmSettings
from audit_ledger.cli.aws_ledger import reporting_errors
from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError, UsageError
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import LEDGER, STAGE
from audit_ledger.cli.progress import progress_bar
from audit_ledger.client.shown_text import printable
from audit_ledger.errors import NotFoundError

_RUN_SECONDS = 15 * 60 + 10  # the longest that a function runs, and the way there and back
_MAX_IDLE_RUNS = 5  # in a row that get no further: others are at it, or something is wrong


@click.command("rebuild-views", cls=LedgerCommand)
@STAGE
@LEDGER
@click.option("--go-on", is_flag=True, help="With what an interrupted one began.")
@click.option("--json", "as_json", is_flag=True, help="Report to standard output as JSON.")
def command(stage: str, ledger_id: str, go_on: bool, as_json: bool) -> int:
    """Derive gaps, findings and documents of a ledger again, from its first entry.

    Break-glass: run it as the role audit-ledger-STAGE-rebuild. What was derived is read until all
    of it is there again; with the same rules it is the same. Nobody is notified of a finding twice.

    Exit codes: 0 done, 2 usage, 3 could not be finished (--go-on).
    """
    with reporting_errors(f"{stage}/{ledger_id}"), progress_bar("following") as show_progress:
        try:
            origin = SsmSettings(clients.ssm(), stage).read(ledger_id).origin
        except NotFoundError:
            raise UsageError(f"stage {stage} has no ledger {ledger_id}") from None
        function = f"audit-ledger-{stage}-follower"
        runs, reached, idle, followed = 0, -1, 0, 0
        while True:
            how = "continue" if go_on or runs else "begin"
            answer = _invoke_follower(function, {"detail": {"origin": origin, "rebuild": how}})
            runs += 1
            if "size" not in answer:
                raise IncompleteError(f"{origin}: nothing is published, or others rebuild it now")
            followed += answer["followed"]
            if show_progress:
                show_progress(answer["next_seq"], answer["size"])
            if answer["next_seq"] >= answer["size"]:
                break
            idle = idle + 1 if answer["next_seq"] <= reached else 0
            reached = answer["next_seq"]
            if idle == _MAX_IDLE_RUNS:
                raise IncompleteError(f"{origin}: stays at entry {reached}; --go-on continues")
    if as_json:
        facts = {"origin": origin, "size": answer["size"], "followed": followed, "runs": runs}
        echo_json({**facts, "generation": answer["generation"]})
    else:
        click.echo(printable(f"derived again: gaps, findings and documents of {origin}"))
        click.echo(f"  {answer['size']:,} entries, {followed:,} records opened, {runs} runs")
    return VERIFIED


def _invoke_follower(function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Run the follower once, and wait for what it answers."""
    answer = clients.lambda_(_RUN_SECONDS).invoke(
        FunctionName=function, Payload=json.dumps(event).encode()
    )
    if answer.get("FunctionError"):
        raise IncompleteError(f"{function}: it ended with an error, which its log tells; --go-on")
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    return result
