"""`ledger verify`: verify a published ledger, and say so to a person or a machine."""

import os
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import EXIT_CODES, FailedError, IncompleteError, UsageError
from audit_ledger.cli.files import open_source, read_policy
from audit_ledger.cli.parameters import FILE, SOURCE_HELP, Time
from audit_ledger.cli.progress import progress_bar
from audit_ledger.cli.report import report_for_machines, report_for_people
from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.policy import Policy
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.log_verifier import verify_log
from audit_ledger.verify.policy_file import PolicyError
from audit_ledger.verify.state_files import StateFile, StateFolder, default_state_folder


@click.command(
    "verify", cls=LedgerCommand, help=f"Verify a whole published ledger.\n\n{SOURCE_HELP}"
)
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
def command(
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
    policy = read_policy(policy_file)
    ledger = open_source(source, token)
    memory = None if no_state else _Unwritten(_memory(state))
    try:
        with progress_bar("verifying") as show_progress:
            now = int(time.time()) if at is None else at
            verify = verify_log if tlog_only else verify_ledger
            report = verify(ledger, policy, now, store=memory, progress=show_progress)
    except PolicyError as error:
        raise UsageError(f"{policy_file}: {error}") from None
    except FormatError as error:  # of the memory: nothing that is published raises
        raise UsageError(str(error)) from None
    except BrokenProcessPool:
        raise IncompleteError("a worker process was killed; is there memory enough?") from None
    if as_json:
        click.echo(report_for_machines(report, ledger.name).encode())
    else:
        click.echo(report_for_people(report, ledger.name))
    if memory is not None:
        memory.write(is_reported=as_json)
    return EXIT_CODES[report.answer]


@dataclass
class _Unwritten:
    """A memory that is written once the report is out: a full disk costs nobody the report."""

    kept_in: CheckpointStore
    known: tuple[KnownLedger, Policy] | None = None

    def load(self, origin: str, policy: Policy) -> KnownLedger | None:
        return self.kept_in.load(origin, policy)

    def knows_other_keys(self, origin: str, policy: Policy) -> bool:
        return self.kept_in.knows_other_keys(origin, policy)

    def save(self, known: KnownLedger, policy: Policy) -> None:
        self.known = (known, policy)

    def write(self, *, is_reported: bool) -> None:
        """Write what is to be remembered, or say in one line why that cannot be."""
        if self.known is None:
            return
        try:
            self.kept_in.save(*self.known)
        except OSError as error:
            message = f"cannot remember what was verified: {error.filename}: {error.strerror}"
            raise UsageError(message, is_reported=is_reported) from None
        except FormatError as error:
            message = f"cannot remember what was verified: {error}"
            raise UsageError(message, is_reported=is_reported) from None
        except VerificationError as error:
            raise FailedError(str(error), is_reported=is_reported) from None


def _memory(state: Path | None) -> CheckpointStore:
    return StateFolder(default_state_folder(os.environ)) if state is None else StateFile(state)
