"""`ledger redrive`: dead letters go back to the queue, and what they hold into the ledger once."""

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
def dead(world: World) -> dict[str, Any]:
    """A message that went to the dead-letter queue and was archived."""
    sequencing.sequencer.cache_clear()
    dead_letters.objects.cache_clear()
    dead_letters._s3.cache_clear()
    letter = message(sealed_record())
    letter["attributes"]["SentTimestamp"] = str(SENT_MS)
    letter["eventSourceARN"] = f"arn:aws:sqs:eu-central-1:123456789012:{NAME}-{LEDGER}-dead"
    assert dead_letters.handler({"Records": [letter]}, CONTEXT) == {"batchItemFailures": []}
    return letter


def test_a_dead_letter_goes_back_as_it_was(
    world: World, dead: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """And is then appended like any other message; a second redrive adds nothing."""
    for _ in range(2):
        assert run(ARGUMENTS) == 0
        (back,) = world.messages()
        assert back["body"] == dead["body"]
        assert sequencing.handler({"Records": [back]}, CONTEXT) == {"batchItemFailures": []}
    assert len(world.items("events")) == 1
    assert capsys.readouterr().out.startswith(f"1 dead letters sent to {NAME}-{LEDGER}\n")


@pytest.mark.parametrize(("since", "sent"), [("2026/11/22", 1), ("2026/11/23", 0)])
def test_redrive_can_start_at_a_day(
    world: World, dead: dict[str, Any], since: str, sent: int
) -> None:
    """By the day they were sent first."""
    assert run([*ARGUMENTS, "--since", since]) == 0
    assert len(world.messages()) == sent


def test_a_dry_run_sends_nothing(
    world: World, dead: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """It only counts."""
    assert run([*ARGUMENTS, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("1 dead letters would be sent")
    assert world.messages() == []


def test_an_invalid_dead_letter_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, with its place; and so is a bucket that does not exist."""
    key = f"{LEDGER}/dead-letters/2026/11/22/odd"
    world.s3.put_object(Bucket=f"{NAME}-archive", Key=key, Body=b"{}")
    assert run(ARGUMENTS) == 3
    assert f"{NAME}-archive/{key}: not a dead letter" in capsys.readouterr().err
    assert run([*ARGUMENTS[:-1], "no-such-bucket"]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1
