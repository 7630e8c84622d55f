"""A ledger that is published in a folder of the test, and the commands that read it."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.command_result import CommandResult, run_command
from tests.verify.writer import MINUTE, Keys, Writer


@dataclass(frozen=True)
class Workspace:
    """A folder with a fresh ledger of 600 entries and its policy file."""

    path: Path
    capture: pytest.CaptureFixture[str]

    @property
    def ledger(self) -> Path:
        return self.path / "ledger"

    @property
    def policy(self) -> Path:
        return self.path / "policy"

    def run(self, *arguments: object) -> CommandResult:
        return run_command(self.capture, *arguments)

    def verify(self, *options: object) -> CommandResult:
        return self.run("verify", self.ledger, "--policy", self.policy, *options)


def make_workspace(path: Path, capture: pytest.CaptureFixture[str]) -> Workspace:
    workspace = Workspace(path, capture)
    writer = Writer(begin=int(time.time()) - 3 * MINUTE)
    for size in (300, 600):
        writer.add_events(size - len(writer.entries))
        writer.publish()
    writer.objects.write_to(workspace.ledger)
    workspace.policy.write_bytes(Keys().policy().to_bytes())
    return workspace
