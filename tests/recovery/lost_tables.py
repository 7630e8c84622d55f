"""Losses of tables, and the commands that repair them, run in this process."""

from dataclasses import dataclass

import pytest

from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.cli.command_result import CommandResult, run_command
from tests.world import LEDGER, NAME, ORIGIN, STAGE, World

WHERE = ["--stage", STAGE, "--ledger", LEDGER, "--archive", f"{NAME}-archive"]
KEYS = {"blocks": ("origin", "first_seq"), "events": ("key",), "ledgers": ("key",)}


def empty(world: World, table: str, *, from_seq: int = 0, before_seq: int = 1 << 60) -> None:
    """Delete a table's items, all or those of a range of entries."""
    for item in world.items(table):
        seq = int((item.get("first_seq") or item.get("seq") or {"N": "0"})["N"])
        if from_seq <= seq < before_seq:
            key = {name: item[name] for name in KEYS[table]}
            world.dynamodb.delete_item(TableName=f"{NAME}-{table}", Key=key)


def contents(world: World, table: str) -> list[str]:
    """Return the items of a table, sorted, byte for byte."""
    return sorted(repr(sorted(item.items())) for item in world.items(table))


def start_containers() -> None:
    """Start new containers."""
    sequencing.sequencer.cache_clear()
    publishing.publisher.cache_clear()


def frozen(world: World) -> str | None:
    """Return the reason of the ledger's freeze, None if there is none."""
    for item in world.items("ledgers"):
        if item["key"]["S"] == f"{ORIGIN}#published" and "frozen" in item:
            return str(item["frozen"]["S"])
    return None


@dataclass(frozen=True)
class Commands:
    """The recovery commands of the test's ledger."""

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
