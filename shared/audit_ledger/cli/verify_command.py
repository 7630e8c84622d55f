"""`ledger verify`: verify a published ledger, and say so to a person or a machine."""

import os
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import click

from audit_ledger.cli.exit_codes import EXIT_CODES, CannotTellError, WrongInputError
from audit_ledger.cli.inputs import open_source, read_policy
from audit_ledger.cli.progress import progress
from audit_ledger.cli.report import report_for_machines, report_for_people
from audit_ledger.errors import FormatError
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.verify.remembered import (
    Memory,
    StateFile,
    StateFolder,
    default_state_folder,
)
from audit_ledger.verify.verification import verify


def run(
    source_text: str,
    policy_file: Path,
    state: Path | None,
    no_state: bool,
    at: int | None,
    tlog_only: bool,
    as_json: bool,
    token: str | None,
) -> int:
    """Verify, report, and give the exit code."""
    policy = read_policy(policy_file)
    source = open_source(source_text, token)
    memory = None if no_state else _Unwritten(_memory(state))
    try:
        with progress("verifying") as show_progress:
            report = verify(
                source,
                policy,
                int(time.time()) if at is None else at,
                memory=memory,
                tlog_only=tlog_only,
                progress=show_progress,
            )
    except FormatError as error:  # of the memory: nothing that is published raises
        raise WrongInputError(str(error)) from None
    except BrokenProcessPool:
        raise CannotTellError("a worker process was killed; is there memory enough?") from None
    if as_json:
        click.echo(report_for_machines(report, source.name).encode())
    else:
        click.echo(report_for_people(report, source.name))
    if memory is not None:
        memory.write(is_reported=as_json)
    return EXIT_CODES[report.answer]


@dataclass
class _Unwritten:
    """A memory that is written once the report is out: a full disk costs nobody the report."""

    kept_in: Memory
    note: bytes | None = None

    def load(self, origin: str) -> Checkpoint | None:
        return self.kept_in.load(origin)

    def save(self, note: bytes) -> None:
        self.note = note

    def write(self, *, is_reported: bool) -> None:
        """Write what is to be remembered, or say in one line why that cannot be."""
        if self.note is None:
            return
        try:
            self.kept_in.save(self.note)
        except OSError as error:
            message = f"cannot remember what was verified: {error.filename}: {error.strerror}"
            raise WrongInputError(message, is_reported=is_reported) from None


def _memory(state: Path | None) -> Memory:
    return StateFolder(default_state_folder(os.environ)) if state is None else StateFile(state)
