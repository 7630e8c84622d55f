"""The publisher's handler on moto: history and tables that disagree are never signed over."""

import pytest

from audit_ledger.errors import FrozenError
from functions.publisher import handler
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import message, sealed_record
from tests.functions.publishing import CONTEXT, Clock, append, run
from tests.world import NAME, ORIGIN, World


@pytest.mark.parametrize(
    "attribute", ["body", "signature", "head", "count"], ids="a changed {}".format
)
def test_a_block_that_was_changed_freezes_the_ledger(
    world: World, clock: Clock, attribute: str
) -> None:
    """No signature is ever made over it, and the sequencer stops too."""
    append(2)
    run()
    append(1)
    key = {"origin": {"S": ORIGIN}, "first_seq": {"N": "3"}}
    item = world.dynamodb.get_item(TableName=f"{NAME}-blocks", Key=key)["Item"]
    if attribute == "count":
        item["count"] = {"N": "2"}
    else:
        value = bytes(item[attribute]["B"])
        item[attribute] = {"B": value[:-1] + bytes([value[-1] ^ 1])}
    world.dynamodb.put_item(TableName=f"{NAME}-blocks", Item=item)
    before = world.published()
    with pytest.raises(FrozenError):
        run()
    with pytest.raises(FrozenError):
        run()
    assert world.published() == before
    failed = sequencing.handler({"Records": [message(sealed_record())]}, CONTEXT)
    assert len(failed["batchItemFailures"]) == 1


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_blocks_behind_what_is_published_freeze_the_ledger(
    world: World, clock: Clock, warm: bool
) -> None:
    """A table restored to an earlier time is never published over."""
    append(2)
    append(1)
    run()
    key = {"origin": {"S": ORIGIN}, "first_seq": {"N": "3"}}
    world.dynamodb.delete_item(TableName=f"{NAME}-blocks", Key=key)
    if not warm:
        handler.publisher.cache_clear()
    with pytest.raises(FrozenError, match="do not reach the published size 4"):
        run()


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_another_prefix_freezes_the_ledger(world: World, clock: Clock, warm: bool) -> None:
    """Blocks signed by the right key, of another history, under the same origin: not published."""
    append(1)
    run()
    for item in world.items("blocks"):
        world.dynamodb.delete_item(
            TableName=f"{NAME}-blocks", Key={k: item[k] for k in ("origin", "first_seq")}
        )
    saved = world.items("ledgers")
    world.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key={"key": saved[0]["key"]})
    sequencing.sequencer.cache_clear()
    append(1)
    world.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=saved[0])
    if not warm:
        handler.publisher.cache_clear()
    with pytest.raises(FrozenError, match="not what was published"):
        run()


@pytest.mark.parametrize("lost", ["state restored", "state gone"])
def test_a_published_state_older_than_the_newest_digest_freezes_the_ledger(
    world: World, clock: Clock, lost: str
) -> None:
    """No digest ever gets a second successor."""
    append(1)
    run()
    (old,) = world.items("ledgers")
    append(1)
    clock.now += 60
    run()
    if lost == "state restored":
        world.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=old)
    else:
        world.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key={"key": old["key"]})
    handler.publisher.cache_clear()
    before = world.published()
    append(1)
    clock.now += 60
    with pytest.raises(FrozenError, match="newer than the published state"):
        run()
    assert world.published() == before


def test_an_item_that_is_no_block_freezes_the_ledger(world: World, clock: Clock) -> None:
    """Whoever put it there."""
    append(1)
    run()
    world.dynamodb.put_item(
        TableName=f"{NAME}-blocks", Item={"origin": {"S": ORIGIN}, "first_seq": {"N": "2"}}
    )
    with pytest.raises(FrozenError, match="no block"):
        run()


def test_a_freeze_before_the_first_digest_can_be_lifted(world: World, clock: Clock) -> None:
    """Removing the reason is enough, also where nothing was published yet."""
    append(1)
    handler.publisher().state.freeze("a test says so")
    with pytest.raises(FrozenError, match="a test says so"):
        run()
    world.dynamodb.update_item(
        TableName=f"{NAME}-ledgers",
        Key={"key": {"S": f"{ORIGIN}#published"}},
        UpdateExpression="REMOVE frozen",
    )
    assert run()["published"] is True
