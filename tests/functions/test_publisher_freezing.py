"""The publisher's handler on moto: it freezes if history and tables disagree.

tests/attacks has each way of tampering and the exact reason of its freeze; these are other facts.
"""

import pytest

from audit_ledger.errors import FrozenError
from functions.publisher import handler
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import message, sealed_record
from tests.functions.publishing import CONTEXT, Clock, append, run
from tests.world import LEDGER, NAME, ORIGIN, World


@pytest.mark.parametrize(
    "attribute", ["body", "signature", "head", "count"], ids="a changed {}".format
)
def test_a_changed_block_freezes_the_ledger(world: World, clock: Clock, attribute: str) -> None:
    """Nothing more is published, and the sequencer stops too."""
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
def test_blocks_short_of_the_published_size_freeze_the_ledger(
    world: World, clock: Clock, warm: bool
) -> None:
    """Nothing is published over a table restored to an earlier time."""
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
def test_another_history_freezes_the_ledger(world: World, clock: Clock, warm: bool) -> None:
    """Even with blocks that the sequencer's key signed, under the same origin."""
    append(1)
    run()
    for item in world.items("blocks"):
        world.dynamodb.delete_item(
            TableName=f"{NAME}-blocks", Key={k: item[k] for k in ("origin", "first_seq")}
        )
    saved = world.states()
    world.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key={"key": saved[0]["key"]})
    sequencing.sequencer.cache_clear()
    append(1)
    world.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=saved[0])
    if not warm:
        handler.publisher.cache_clear()
    with pytest.raises(FrozenError, match="not what was published"):
        run()


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_forged_published_state_freezes_the_ledger(
    world: World, clock: Clock, warm: bool
) -> None:
    """Otherwise the next digest would name a digest that was never published."""
    append(1)
    run()
    (state,) = world.states()
    digest = bytes(state["digest"]["B"])
    forged = digest[:-10] + bytes([digest[-10] ^ 1]) + digest[-9:]
    world.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=state | {"digest": {"B": forged}})
    if not warm:
        handler.publisher.cache_clear()
    append(1)
    clock.now += 60
    with pytest.raises(FrozenError, match=r"published state: .*signature"):
        run()


def test_a_freeze_before_the_first_digest_can_be_lifted(world: World, clock: Clock) -> None:
    """By removing the reason."""
    append(1)
    handler.publisher().state.freeze("test freeze")
    with pytest.raises(FrozenError, match="test freeze"):
        run()
    world.dynamodb.update_item(
        TableName=f"{NAME}-ledgers",
        Key={"key": {"S": f"{ORIGIN}#published"}},
        UpdateExpression="REMOVE frozen",
    )
    assert run()["published"] is True


@pytest.mark.parametrize("state", ["put back three days", "deleted"])
def test_a_digest_gets_no_second_successor_without_its_copies(
    world: World, clock: Clock, state: str
) -> None:
    """With a state of three days before, or none, and without the newest files."""
    append(1)
    run()
    (old,) = world.states()
    append(1)
    clock.now += 3 * 86_400
    run()
    if state == "deleted":
        world.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key={"key": old["key"]})
    else:
        world.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=old)
    for name in ("digests/latest", "checkpoint"):
        world.s3.delete_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{name}")
    handler.publisher.cache_clear()
    clock.now += 60
    with pytest.raises(FrozenError, match=r"digests/\d{4}/.* is newer than the published state"):
        run()
