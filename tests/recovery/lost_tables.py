"""What disasters do to tables, and the commands that mend it, run in this process."""

from dataclasses import dataclass

import pytest

from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.cli.command_result import CommandResult, run_command
from tests.world import LEDGER, NAME, ORIGIN, STAGE, World

WHERE = ["--stage", STAGE, "--ledger", LEDGER, "--archive", f"{NAME}-archive"]
KEYS = {"blocks": ("origin", "first_seq"), "events": ("key",), "ledgers": ("key",)}


def empty(world: World, table: str, *, from_seq: int = 0, before_seq: int = 1 << 60) -> None:
    """Lose a table's items, or those of blocks or entries in a range."""
    for item in world.items(table):
        seq = int((item.get("first_seq") or item.get("seq") or {"N": "0"})["N"])
        if from_seq <= seq < before_seq:
            key = {name: item[name] for name in KEYS[table]}
            world.dynamodb.delete_item(TableName=f"{NAME}-{table}", Key=key)


def contents(world: World, table: str) -> list[str]:
    """A table's items in an order, byte for byte."""
    return sorted(repr(sorted(item.items())) for item in world.items(table))


def cold() -> None:
    """The platform starts new containers."""
    sequencing.sequencer.cache_clear()
    publishing.publisher.cache_clear()


def frozen(world: World) -> str | None:
    """What the ledger is frozen for."""
    for item in world.items("ledgers"):
        if item["key"]["S"] == f"{ORIGIN}#published" and "frozen" in item:
            return str(item["frozen"]["S"])
    return None


@dataclass(frozen=True)
class Commands:
    """`ledger rebuild` and `ledger unfreeze` of the test's ledger."""

    capture: pytest.CaptureFixture[str]

    def rebuild(self, *options: str) -> CommandResult:
        return self._run("rebuild", *WHERE, "--settle", "0", *options)

    def unfreeze(self, *options: str) -> CommandResult:
        return self._run("unfreeze", *WHERE, "--published", f"{NAME}-published", *options)

    def republish(self, *options: str) -> CommandResult:
        return self._run("republish", *WHERE, "--published", f"{NAME}-published", *options)

    def _run(self, *arguments: str) -> CommandResult:
        result = run_command(self.capture, *arguments)
        assert len(result.err.splitlines()) <= 1, result.err
        return result
