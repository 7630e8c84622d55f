"""Runs the command `ledger` in this process."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from audit_ledger.cli.main import run


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        return json.loads(self.out)


def run_command(capture: pytest.CaptureFixture[str], *arguments: object) -> CommandResult:
    """Run a command, which must not print a traceback."""
    capture.readouterr()
    code = run([str(argument) for argument in arguments])
    result = CommandResult(code, *capture.readouterr())
    assert "Traceback" not in result.out + result.err
    return result
