"""Commands that use a stub of the API, without the environment and files of the user."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.client import http_client
from tests.cli.command_result import CommandResult, run_command

TOKEN = "a.secret.token"


@dataclass
class StubbedCommand:
    """Runs commands in a folder, against one URL. `pauses`: the requested pauses, in seconds."""

    path: Path
    capture: pytest.CaptureFixture[str]
    url: str = ""
    token: str = TOKEN
    pauses: list[float] = field(default_factory=list)

    def run(self, *arguments: object, with_connection: bool = True) -> CommandResult:
        """Run a command, which must print neither the token nor a traceback."""
        options = ["--url", self.url, "--token", self.token] if with_connection else []
        result = run_command(self.capture, *arguments, *options)
        assert self.token not in result.out + result.err
        return result

    def error_line(self, code: int, *arguments: object, with_connection: bool = True) -> str:
        """Return the only line on standard error of a command that must end with this code."""
        result = self.run(*arguments, with_connection=with_connection)
        assert result.code == code, result
        (line,) = result.err.splitlines()
        return line

    def write(self, name: str, *contents: object) -> Path:
        """Write a file of lines: bytes, or values as JSON."""
        lines = [c if isinstance(c, bytes) else json.dumps(c).encode() for c in contents]
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\n".join(lines) + b"\n")
        return file


def make_stubbed_command(
    path: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> StubbedCommand:
    for name in list(os.environ):
        if name.startswith("AUDIT_LEDGER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(path / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(path)
    runner = StubbedCommand(path, capture)
    monkeypatch.setattr(http_client, "sleep", runner.pauses.append)
    return runner


def audit_event(number: int, **more: Any) -> dict[str, Any]:
    """Return an event that differs from those of other numbers."""
    return {"resourceType": "AuditEvent", "id": f"e{number}", **more}


def cloudevent(number: int, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": f"c{number}", "source": "urn:x", "type": "a.b", **more}
