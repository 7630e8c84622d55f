"""`ledger redrive` returns dead letters to the queue; the ledger gets their events once."""

from typing import Any

import pytest

from audit_ledger.cli.main import run
from functions.dead_letters import handler as dead_letters
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import message, sealed_record
from tests.world import LEDGER, NAME, STAGE, World

ARGUMENTS = ["redrive", "--stage", STAGE, "--ledger", LEDGER, "--archive", f"{NAME}-archive"]
SENT_MS = 1_795_327_140_000  # 2026-11-22
CONTEXT: Any = None


@pytest.fixture
def dead_letter(world: World) -> dict[str, Any]:
    """A message that went to the dead-letter queue and was archived."""
    sequencing.sequencer.cache_clear()
    dead_letters.objects.cache_clear()
    dead_letters._s3.cache_clear()
    letter = message(sealed_record())
    letter["attributes"]["SentTimestamp"] = str(SENT_MS)
    letter["eventSourceARN"] = f"arn:aws:sqs:eu-central-1:123456789012:{NAME}-{LEDGER}-dead"
    assert dead_letters.handler({"Records": [letter]}, CONTEXT) == {"batchItemFailures": []}
    return letter


def test_a_dead_letter_returns_to_the_queue_unchanged(
    world: World, dead_letter: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is then appended like any other message, and a second redrive adds nothing."""
    for _ in range(2):
        assert run(ARGUMENTS) == 0
        (sent,) = world.messages()
        assert sent["body"] == dead_letter["body"]
        assert sequencing.handler({"Records": [sent]}, CONTEXT) == {"batchItemFailures": []}
    assert len(world.items("events")) == 1
    assert capsys.readouterr().out.startswith(f"1 dead letters sent to {NAME}-{LEDGER}\n")


@pytest.mark.parametrize(("since", "count"), [("2026/11/22", 1), ("2026/11/23", 0)])
def test_redrive_can_start_at_a_day(
    world: World, dead_letter: dict[str, Any], since: str, count: int
) -> None:
    """The day is that on which a message was first sent."""
    assert run([*ARGUMENTS, "--since", since]) == 0
    assert len(world.messages()) == count


def test_a_dry_run_sends_nothing(
    world: World, dead_letter: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """It only counts dead letters."""
    assert run([*ARGUMENTS, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("1 dead letters would be sent")
    assert world.messages() == []


def test_an_invalid_dead_letter_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A bucket that does not exist is reported in one line too."""
    key = f"{LEDGER}/dead-letters/2026/11/22/odd"
    world.s3.put_object(Bucket=f"{NAME}-archive", Key=key, Body=b"{}")
    assert run(ARGUMENTS) == 3
    assert f"{NAME}-archive/{key}: not a dead letter" in capsys.readouterr().err
    assert run([*ARGUMENTS[:-1], "no-such-bucket"]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1
