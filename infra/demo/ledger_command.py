"""The `ledger` command, run as an outsider runs it: in a process of its own."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.synth import REPOSITORY

MAX_COLUMNS = 97  # of the demo's 100, less what it indents
INDENT_COLUMNS = 3


@dataclass(frozen=True)
class Ran:
    """The output of the command. `command`: the line that a person types for the same."""

    command: str
    exit_code: int
    report: str


def ledger_verify(source: Path, policy: Path) -> Ran:
    """Verify a folder with `ledger verify`; nothing is stored outside the demo's folder.

    Its progress bar goes to this process's standard error, if that is a terminal.
    """
    return ledger(["verify", str(source), "--policy", str(policy), "--no-state"])


def ledger_receipt_verify(proof: Path, policy: Path, record: Path) -> Ran:
    """Verify a receipt with `ledger receipt verify`, and what its entry commits to."""
    files = ["--policy", str(policy), "--record", str(record)]
    return ledger(["receipt", "verify", str(proof), *files])


def ledger(arguments: Sequence[str], **environment: str) -> Ran:
    """Run a `ledger` command; `environment` is added to this process's own."""
    columns = MAX_COLUMNS
    if sys.stdout.isatty():
        columns = min(columns, shutil.get_terminal_size().columns - INDENT_COLUMNS)
    ran = subprocess.run(  # noqa: S603  # no shell, and the program is this one
        [sys.executable, "-m", "audit_ledger.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=None if sys.stderr.isatty() else subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": str(columns), **environment},
    )
    report = "\n".join(part.strip("\n") for part in (ran.stdout, ran.stderr) if part)
    shown = [short(Path(a)) if os.path.isabs(a) else a for a in arguments]
    return Ran(shlex.join(["ledger", *shown]), ran.returncode, report)


def short(path: Path) -> str:
    """Return a path as one types it in the repository's folder."""
    return str(path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path)
