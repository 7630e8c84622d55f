"""The `ledger` command, run as a stranger would run it: in a process that knows nothing of ours."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.synth import REPOSITORY


@dataclass(frozen=True)
class Verification:
    """What the command said. `command`: the line that a person would type to see the same."""

    command: str
    exit_code: int
    report: str


def ledger_verify(source: Path, policy: Path) -> Verification:
    """Verify a folder with `ledger verify`; nothing is remembered outside of the demo's folder.

    Its progress bar goes to this process's standard error, if that is a terminal.
    """
    arguments = ["verify", str(source), "--policy", str(policy), "--no-state"]
    ran = subprocess.run(  # noqa: S603  # no shell, and the program is this one
        [sys.executable, "-m", "audit_ledger.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=None if sys.stderr.isatty() else subprocess.PIPE,
        text=True,
        check=False,
    )
    shown = ["verify", short(source), "--policy", short(policy), "--no-state"]
    report = "\n".join(part.strip("\n") for part in (ran.stdout, ran.stderr) if part)
    return Verification(" ".join(["ledger", *shown]), ran.returncode, report)


def short(path: Path) -> str:
    """Give a path as one types it in the repository's folder."""
    return str(path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path)
