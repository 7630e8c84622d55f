"""Runs the command in this process, on ledgers published in a folder of the test."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.cli.main import run
from tests.verify.writer import MINUTE, Keys, Writer


@dataclass(frozen=True)
class Ran:
    """What a run came to."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """A folder with a fresh ledger of 600 entries and its policy file."""

    path: Path
    capture: pytest.CaptureFixture[str]

    @property
    def ledger(self) -> Path:
        return self.path / "ledger"

    @property
    def policy(self) -> Path:
        return self.path / "policy"

    def run(self, *arguments: object) -> Ran:
        self.capture.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = self.capture.readouterr()
        assert "Traceback" not in out + err
        return Ran(code, out, err)

    def verify(self, *options: object) -> Ran:
        return self.run("verify", self.ledger, "--policy", self.policy, *options)


def make_desk(path: Path, capture: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(path, capture)
    writer = Writer(begin=int(time.time()) - 3 * MINUTE)
    for size in (300, 600):
        writer.add_events(size - len(writer.entries))
        writer.publish()
    writer.objects.write_to(desk.ledger)
    desk.policy.write_bytes(Keys().policy().to_bytes())
    return desk
