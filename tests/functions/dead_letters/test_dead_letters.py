"""Dead letters: copied once, under one name, and kept in the queue until they are."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit_ledger.errors import FormatError
from functions.dead_letters import handler
from functions.dead_letters.archive import ledger_of
from tests.world import LEDGER, NAME, STAGE, World

CONTEXT: Any = None
QUEUE = f"arn:aws:sqs:eu-central-1:123456789012:{NAME}-{LEDGER}-dead"
SENT_MS = 1_795_326_000_123  # 2026-11-22T06:20:00.123Z


@pytest.fixture(autouse=True)
def _fresh_container(world: World) -> None:
    handler.environment.cache_clear()
    handler.objects.cache_clear()
    handler._s3.cache_clear()


def letter(message_id: str = "m-1", body: str = "c2VhbGVk", queue: str = QUEUE) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "body": body,
        "eventSourceARN": queue,
        "attributes": {
            "SenderId": "AROAEXAMPLE:ingest",
            "SentTimestamp": str(SENT_MS),
            "ApproximateReceiveCount": "3",
        },
    }


def archived(world: World) -> dict[str, Any]:
    listed = world.s3.list_objects_v2(Bucket=f"{NAME}-archive").get("Contents", [])
    return {
        item["Key"]: json.loads(
            world.s3.get_object(Bucket=f"{NAME}-archive", Key=item["Key"])["Body"].read()
        )
        for item in listed
    }


def test_a_dead_letter_is_kept_whole_by_the_day_it_was_sent(world: World) -> None:
    """Body, sender and time: what returning it, and asking who sent it, needs."""
    assert handler.handler({"Records": [letter()]}, CONTEXT) == {"batchItemFailures": []}
    assert archived(world) == {
        f"{LEDGER}/dead-letters/2026/11/22/m-1": {
            "sender": "AROAEXAMPLE:ingest",
            "sent": SENT_MS,
            "body": "c2VhbGVk",
        }
    }


def test_a_letter_delivered_again_is_still_one_copy(world: World) -> None:
    """A delivery counts up in its attributes; the copy does not change, and nothing fails."""
    again = letter()
    again["attributes"]["ApproximateReceiveCount"] = "4"
    for record in (letter(), again):
        assert handler.handler({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}
    versions = world.s3.list_object_versions(Bucket=f"{NAME}-archive")["Versions"]
    assert len(versions) == 1


def test_what_cannot_be_copied_stays_in_its_queue_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another queue's message fails; the one beside it is copied."""
    stray = letter("m-2", queue=QUEUE.replace("-dead", ""))
    answer = handler.handler({"Records": [stray, letter("m-3")]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    assert list(archived(world)) == [f"{LEDGER}/dead-letters/2026/11/22/m-3"]


def test_other_bytes_under_the_same_name_are_never_written_over(world: World) -> None:
    """A message id names one message for ever; a second content is refused and stays queued."""
    handler.handler({"Records": [letter()]}, CONTEXT)
    answer = handler.handler({"Records": [letter(body="b3RoZXI=")]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert [kept["body"] for kept in archived(world).values()] == ["c2VhbGVk"]


def test_without_the_archive_every_letter_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of S3 loses nothing: SQS keeps dead letters for 14 days."""
    monkeypatch.setenv("ARCHIVE_BUCKET", "no-such-bucket")
    answer = handler.handler({"Records": [letter("a"), letter("b")]}, CONTEXT)
    assert [failed["itemIdentifier"] for failed in answer["batchItemFailures"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("queue", "ledger_id"),
    [
        (f"arn:aws:sqs:r:1:audit-ledger-{STAGE}-st-elsewhere-dead", "st-elsewhere"),
        (f"arn:aws:sqs:r:1:audit-ledger-{STAGE}-a-dead", "a"),
        (f"arn:aws:sqs:r:1:audit-ledger-{STAGE}-a-dead-dead", "a-dead"),
    ],
)
def test_the_queue_says_the_ledger(queue: str, ledger_id: str) -> None:
    """Between the stage's prefix and the last `-dead`."""
    assert ledger_of(queue, STAGE) == ledger_id


@pytest.mark.parametrize(
    "queue", ["audit-ledger-prod-a-dead", f"audit-ledger-{STAGE}-a", f"audit-ledger-{STAGE}--dead"]
)
def test_another_queue_is_refused(queue: str) -> None:
    """Another stage's, a queue of waiting messages, or one without a ledger."""
    with pytest.raises(FormatError, match="no dead-letter queue"):
        ledger_of(f"arn:aws:sqs:r:1:{queue}", STAGE)


def test_a_copy_is_locked_as_long_as_blocks_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mode and days of the settings: nobody deletes it before somebody could return it."""
    monkeypatch.setenv("LOCK_MODE", "COMPLIANCE")
    monkeypatch.setenv("LOCK_DAYS", "3653")
    before = datetime.now(UTC)
    assert handler.handler({"Records": [letter()]}, CONTEXT) == {"batchItemFailures": []}
    (key,) = archived(world)
    # By HeadObject: moto 5.2.5 answers GetObjectRetention with 500 here.
    kept = world.s3.head_object(Bucket=f"{NAME}-archive", Key=key)
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    locked = kept["ObjectLockRetainUntilDate"] - before
    assert timedelta(days=3652) < locked <= timedelta(days=3653, minutes=10)
