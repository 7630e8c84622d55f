"""Runs commands that ask an API, in this process, with nothing of the user's around."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.cli.main import run
from audit_ledger.client import http_client
from tests.cli.ledger_command import Ran

TOKEN = "a.secret.token"


@dataclass
class Asker:
    """A folder to work in, a place to ask, and the pauses that were made, in seconds."""

    path: Path
    capture: pytest.CaptureFixture[str]
    url: str = ""
    token: str = TOKEN
    pauses: list[float] = field(default_factory=list)

    def run(self, *arguments: object, asks: bool = True) -> Ran:
        """Run a command; no token and no traceback may be in what it says."""
        self.capture.readouterr()
        place = ["--url", self.url, "--token", self.token] if asks else []
        code = run([str(argument) for argument in (*arguments, *place)])
        out, err = self.capture.readouterr()
        assert "Traceback" not in out + err
        assert self.token not in out + err
        return Ran(code, out, err)

    def said(self, code: int, *arguments: object, asks: bool = True) -> str:
        """Run a command that must end with this code and one line on standard error."""
        ran = self.run(*arguments, asks=asks)
        assert ran.code == code, ran
        (line,) = ran.err.splitlines()
        return line

    def write(self, name: str, *contents: object) -> Path:
        """Write a file: bytes, or JSON, one a line."""
        lines = [c if isinstance(c, bytes) else json.dumps(c).encode() for c in contents]
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"\n".join(lines) + b"\n")
        return file


def make_asker(
    path: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Asker:
    for name in list(os.environ):
        if name.startswith("AUDIT_LEDGER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(path / "config"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(path)
    asker = Asker(path, capture)
    monkeypatch.setattr(http_client, "sleep", asker.pauses.append)
    return asker


def audit_event(number: int, **more: Any) -> dict[str, Any]:
    """An event that differs from others."""
    return {"resourceType": "AuditEvent", "id": f"e{number}", **more}


def cloudevent(number: int, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": f"c{number}", "source": "urn:x", "type": "a.b", **more}
