"""The sequencer's handler on moto tables."""

import dataclasses
import hashlib
from typing import Any

import msgspec
import pytest
from botocore.exceptions import EndpointConnectionError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.kms_signing import public_key_der
from audit_ledger.ledger.block import Block, parse_body
from audit_ledger.ledger.entry import ControlEntry, parse_entry
from audit_ledger.ledger.head import EMPTY, check_block
from audit_ledger.public_keys import raw_public_key
from audit_ledger.records.index_row import FIRST_MS, LAST_MS
from functions.sequencer import handler
from functions.sequencer.messages import read_messages
from tests.builders.sealed_record import committed_record
from tests.functions.pipeline import message, sealed_record
from tests.world import ALIAS, NAME, ORIGIN, World

CONTEXT: Any = None


@pytest.fixture(autouse=True)
def _fresh_container(world: World) -> None:
    handler.sequencer.cache_clear()


def blocks(world: World) -> list[Block]:
    return list(BlocksTable(world.dynamodb, f"{NAME}-blocks", ORIGIN).since(0))


def entries(world: World) -> list[Any]:
    head, found = EMPTY, []
    for block in blocks(world):
        checked = check_block(block, head)
        head = checked.head
        found += checked.entries
    return found


def test_a_batch_becomes_one_signed_block_behind_the_entry_that_creates_the_ledger(
    world: World,
) -> None:
    """Commitments are in the entries in order of acceptance, links hold, KMS signed the block."""
    late, early = sealed_record(), sealed_record()
    batch = [message(late, accepted_ms=2000), message(early, accepted_ms=1000)]
    assert handler.handler({"Records": batch}, CONTEXT) == {"batchItemFailures": []}
    (block,) = blocks(world)
    created, *rest = entries(world)
    assert isinstance(created, ControlEntry)
    assert created.control["origin"] == ORIGIN
    assert [e.commitment for e in rest] == [early.commitment, late.commitment]
    raw = raw_public_key(public_key_der(world.kms, f"{ALIAS}/sequencer"))
    Ed25519PublicKey.from_public_bytes(raw).verify(block.signature, block.signed_message())


def test_hash_links_hold_when_recounted_by_hand(world: World) -> None:
    """SHA-256(0x00 ‖ entry) of each entry stands as prev in the next, from 32 zero bytes on."""
    handler.handler({"Records": [message(sealed_record()) for _ in range(5)]}, CONTEXT)
    prev = bytes(32)
    for seq, item in enumerate(parse_body(blocks(world)[0].body).items):
        entry = parse_entry(item.entry)
        assert (entry.seq, entry.prev) == (seq, prev)
        prev = hashlib.sha256(b"\0" + item.entry).digest()
    assert blocks(world)[0].head == prev


def test_a_redelivered_batch_adds_nothing(world: World) -> None:
    """The same message twice, in one batch and in the next, is one entry."""
    same = message(sealed_record())
    handler.handler({"Records": [same, {**same, "messageId": "again"}]}, CONTEXT)
    handler.sequencer.cache_clear()
    assert handler.handler({"Records": [same]}, CONTEXT) == {"batchItemFailures": []}
    assert len(entries(world)) == 2


def test_other_content_under_a_known_id_is_kept_once_as_a_conflict(world: World) -> None:
    """Both are entries, the second is indexed under SHA-256(id ‖ fingerprint) and flagged."""
    event_id = "ab" * 32
    first, second = (sealed_record(event_id, bytes([n]) * 32) for n in (1, 2))
    for batch in ([message(first)], [message(second)], [message(second)], [message(first)]):
        handler.handler({"Records": batch}, CONTEXT)
    assert [e.commitment for e in entries(world)[1:]] == [first.commitment, second.commitment]
    rows = {i["key"]["S"]: i for i in world.items("events")}
    key = hashlib.sha256(bytes.fromhex(event_id) + b"\2" * 32).hexdigest()
    assert set(rows) == {f"{ORIGIN}#{event_id}", f"{ORIGIN}#{key}"}
    assert rows[f"{ORIGIN}#{key}"]["conflict"]["BOOL"] is True


def test_a_conflict_within_one_batch_is_found_too(world: World) -> None:
    """Same id, other content, same batch: two entries, one flagged."""
    event_id = "cd" * 32
    records = [sealed_record(event_id, bytes([n]) * 32) for n in (1, 2, 2)]
    handler.handler({"Records": [message(*records)]}, CONTEXT)
    assert len(entries(world)) == 3
    assert sum("conflict" in i for i in world.items("events")) == 1


@pytest.mark.parametrize(
    "body",
    ["not base64!", "AAAA", "", "AQAA"],
    ids=["no base64", "wrong version", "empty", "ends early"],
)
def test_a_poisoned_message_fails_alone(world: World, body: str) -> None:
    """The rest of its batch is in the ledger."""
    good = sealed_record()
    poisoned = {"messageId": "poison", "body": body}
    answer = handler.handler({"Records": [poisoned, message(good)]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert entries(world)[1].commitment == good.commitment


def test_a_message_of_another_ledger_is_refused(world: World) -> None:
    """The origin comes from the function's settings, never from a message."""
    foreign = message(sealed_record(), origin="audit.example.org/other")
    answer = handler.handler({"Records": [foreign]}, CONTEXT)
    assert len(answer["batchItemFailures"]) == 1
    assert blocks(world) == []


def test_a_large_batch_makes_several_blocks_within_their_limits(world: World) -> None:
    """700 small records: blocks of at most 256 entries. Large ones: bodies of at most 300 KB."""
    handler.handler({"Records": [message(*[sealed_record() for _ in range(700)])]}, CONTEXT)
    assert [b.count for b in blocks(world)] == [256, 256, 189]
    handler.handler({"Records": [message(sealed_record(size=120_000)) for _ in range(5)]}, CONTEXT)
    assert [b.count for b in blocks(world)][3:] == [2, 2, 1]
    assert all(len(b.body) <= 300 * 1024 for b in blocks(world))
    assert [e.seq for e in entries(world)] == list(range(706))


def test_a_frozen_ledger_takes_nothing(world: World) -> None:
    """Every message goes back to the queue."""
    handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    world.dynamodb.put_item(
        TableName=f"{NAME}-ledgers",
        Item={"key": {"S": f"{ORIGIN}#published"}, "frozen": {"S": "a test says so"}},
    )
    answer = handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    assert len(answer["batchItemFailures"]) == 1
    assert len(entries(world)) == 2


def test_a_head_shorter_than_what_is_published_takes_nothing(world: World) -> None:
    """A table restored to an earlier time grows no second history."""
    world.dynamodb.put_item(
        TableName=f"{NAME}-ledgers",
        Item={
            "key": {"S": f"{ORIGIN}#published"},
            "version": {"N": "7"},
            "size": {"N": "10"},
        },
    )
    answer = handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    assert len(answer["batchItemFailures"]) == 1
    assert blocks(world) == []


def test_a_container_that_was_overtaken_appends_behind_the_other(world: World) -> None:
    """An old head in memory costs a lost race, never a fork or a double."""
    shared = message(sealed_record())
    handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    zombie = handler.sequencer()
    handler.sequencer.cache_clear()
    handler.handler({"Records": [shared, message(sealed_record())]}, CONTEXT)
    records, _ = read_messages(ORIGIN, [shared, message(sealed_record())])
    appended = zombie.append(records)
    assert (appended.entries, appended.duplicates, appended.lost_races) == (1, 1, 1)
    assert len(entries(world)) == 5


def test_the_newest_block_is_indexed_again_by_the_next_container(world: World) -> None:
    """Its writer may have died between block and index; older blocks were indexed before."""
    known = message(sealed_record())
    handler.handler({"Records": [known]}, CONTEXT)
    for item in world.items("events"):
        world.dynamodb.delete_item(TableName=f"{NAME}-events", Key={"key": item["key"]})
    handler.sequencer.cache_clear()
    handler.handler({"Records": [known]}, CONTEXT)
    assert len(entries(world)) == 2
    assert len(world.items("events")) == 1


@pytest.mark.parametrize("n", [1, 25, 26, 99, 100, 150, 200])
def test_a_warm_sequencer_makes_only_the_calls_that_a_batch_needs(world: World, n: int) -> None:
    """A GetItem of state and next key, ⌈n/100⌉ BatchGet, a Sign, a Put, ⌈n/25⌉ index writes."""
    handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    calls: list[str] = []
    sequencer = handler.sequencer()
    sign: Any = sequencer.sign
    blocks_table: Any = sequencer.blocks
    for client in (blocks_table._client, sign.__self__.client):
        client.meta.events.register("before-call.*.*", lambda model, **_: calls.append(model.name))
    handler.handler({"Records": [message(*[sealed_record() for _ in range(n)])]}, CONTEXT)
    counted = {name: calls.count(name) for name in set(calls)}
    assert counted == {
        "BatchGetItem": -(-n // 100),
        "GetItem": 2,
        "Sign": 1,
        "PutItem": 1,
        "BatchWriteItem": -(-n // 25),
    }


@pytest.mark.parametrize("n", [1, 99, 100, 200])
def test_a_freeze_stops_a_warm_sequencer_at_its_next_batch(world: World, n: int) -> None:
    """Whatever the size of the batch: the published state is read once for each."""
    handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    world.dynamodb.put_item(
        TableName=f"{NAME}-ledgers",
        Item={"key": {"S": f"{ORIGIN}#published"}, "frozen": {"S": "a test says so"}},
    )
    answer = handler.handler({"Records": [message(*[sealed_record() for _ in range(n)])]}, CONTEXT)
    assert len(answer["batchItemFailures"]) == 1
    assert len(entries(world)) == 2


def published(world: World, size: int, unfreeze_count: int = 0) -> None:
    """Put a published state of so many entries, after so many lifted freezes."""
    world.dynamodb.put_item(
        TableName=f"{NAME}-ledgers",
        Item={
            "key": {"S": f"{ORIGIN}#published"},
            "version": {"N": "1"},
            "size": {"N": str(size)},
            "lifts": {"N": str(unfreeze_count)},
        },
    )


@pytest.mark.parametrize("unfreeze_count", [0, 1])
def test_a_cold_container_appends_nothing_to_a_table_that_lost_what_is_published(
    world: World, unfreeze_count: int
) -> None:
    """Also where a freeze was lifted meanwhile."""
    published(world, 500, unfreeze_count)
    assert (
        len(handler.handler({"Records": [message(sealed_record())]}, CONTEXT)["batchItemFailures"])
        == 1
    )
    assert blocks(world) == []


def test_a_container_that_met_a_freeze_remembers_no_head_behind_it(world: World) -> None:
    """When the freeze is lifted, the table may have been rebuilt shorter."""
    handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    assert handler.sequencer().memory.head is not None
    world.dynamodb.put_item(
        TableName=f"{NAME}-ledgers",
        Item={"key": {"S": f"{ORIGIN}#published"}, "frozen": {"S": "a test says so"}},
    )
    handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    assert handler.sequencer().memory.head is None


def test_a_warm_container_that_was_overtaken_and_published_past_goes_on(world: World) -> None:
    """With two sequencers this is an ordinary minute: its old head is no sign of tampering."""
    handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    warm = handler.sequencer()
    handler.sequencer.cache_clear()
    handler.handler({"Records": [message(sealed_record())]}, CONTEXT)
    published(world, 3)
    records, _ = read_messages(ORIGIN, [message(sealed_record())])
    appended = warm.append(records)
    assert (appended.entries, appended.committed) == (1, True)
    assert len(entries(world)) == 4


def test_a_repeat_within_a_batch_comes_again_when_its_first_was_not_committed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message is acknowledged only once its event is in the ledger."""
    same = sealed_record()
    batch = [message(same), message(same)]

    def refuse(_: bytes) -> bytes:
        raise EndpointConnectionError(endpoint_url="kms")

    broken = dataclasses.replace(handler.sequencer(), sign=refuse)
    monkeypatch.setattr(handler, "sequencer", lambda: broken)
    answer = handler.handler({"Records": batch}, CONTEXT)
    assert len(answer["batchItemFailures"]) == 2
    assert entries(world) == []


def test_an_event_of_any_time_that_ingest_accepts_can_be_indexed(world: World) -> None:
    """From year 1 to year 9999; a forged row beyond fails alone."""
    for time_ms in (FIRST_MS, LAST_MS):
        record = sealed_record()
        row = msgspec.structs.replace(record.row, time_ms=time_ms)
        record = committed_record(row, record.sealed)
        assert handler.handler({"Records": [message(record)]}, CONTEXT) == {"batchItemFailures": []}
    beyond = msgspec.structs.replace(row, time_ms=LAST_MS + 1)
    forged = committed_record(beyond, record.sealed)
    good = message(sealed_record())
    answer = handler.handler({"Records": [message(forged), good]}, CONTEXT)
    assert len(answer["batchItemFailures"]) == 1
    assert len(entries(world)) == 4
