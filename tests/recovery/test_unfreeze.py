"""`ledger unfreeze` lifts a freeze once all stored data agrees again."""

from collections.abc import Callable
from typing import Any

import pytest

from audit_ledger.errors import FrozenError
from audit_ledger.ledger.block import archived_name
from audit_ledger.recovery.unfreeze import Unfreeze
from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import message, sealed_record
from tests.functions.publishing import CONTEXT, Clock, append, run
from tests.recovery.lost_tables import Commands, empty, frozen, start_containers
from tests.world import LEDGER, NAME, ORIGIN, World

SIZE = 14
REASON = f"the blocks do not reach the published size {SIZE}"


def freeze(world: World, clock: Clock) -> None:
    """Have the publisher freeze the ledger for a lost block; put the block back."""
    (lost,) = (i for i in world.items("blocks") if i["first_seq"]["N"] == "10")
    empty(world, "blocks", from_seq=10)
    start_containers()
    clock.now += 60
    with pytest.raises(FrozenError):
        run()
    assert frozen(world) == REASON
    world.dynamodb.put_item(TableName=f"{NAME}-blocks", Item=lost)


@pytest.mark.parametrize("options", [["--yes"], ["--reason", REASON]], ids=["yes", "reason"])
def test_the_ledger_continues_after_the_freeze_is_lifted(
    grown: World, clock: Clock, commands: Commands, options: list[str]
) -> None:
    """Sequencer and publisher."""
    freeze(grown, clock)
    waiting = [message(sealed_record())]
    assert sequencing.handler({"Records": waiting}, CONTEXT)["batchItemFailures"]
    ran = commands.unfreeze(*options)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"lifted: {ORIGIN}\n  frozen for: {REASON}\n")
    assert frozen(grown) is None
    assert sequencing.handler({"Records": waiting}, CONTEXT) == {"batchItemFailures": []}
    assert run()["size"] == SIZE + 1


def test_without_an_option_it_only_checks(grown: World, clock: Clock, commands: Commands) -> None:
    """It reports the reason; with another reason it does not lift the freeze."""
    freeze(grown, clock)
    ran = commands.unfreeze("--json")
    assert ran.code == 3
    expected = {"lifted": False, "reason": REASON, "size": SIZE, "published_size": SIZE}
    assert ran.report == {"origin": ORIGIN, **expected}
    ran = commands.unfreeze("--reason", "another")
    assert (ran.code, ran.err) == (2, f"ledger: --reason: it is frozen for another: {REASON}\n")
    assert frozen(grown) == REASON


def test_a_ledger_that_is_not_frozen_is_an_error(grown: World, commands: Commands) -> None:
    """Exit code 3, with the reason."""
    ran = commands.unfreeze("--yes")
    assert (ran.code, ran.err.endswith(f"{ORIGIN} is not frozen\n")) == (3, True)


def lose_a_block(world: World) -> None:
    empty(world, "blocks", from_seq=10)


def change_a_block(world: World) -> None:
    item = world.items("blocks")[-1]
    item["signature"] = {"B": bytes(64)}
    world.dynamodb.put_item(TableName=f"{NAME}-blocks", Item=item)


def change_a_block_not_yet_published(world: World) -> None:
    append(1)
    change_a_block(world)


def archive_another_block(world: World) -> None:
    append(1)
    key = f"{LEDGER}/{archived_name(SIZE)}"
    world.s3.put_object(Bucket=f"{NAME}-archive", Key=key, Body=b"another")


def publish(path: str, data: bytes) -> Callable[[World], None]:
    def put(world: World) -> None:
        world.s3.put_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}", Body=data)

    return put


def lose_a_tile(world: World) -> None:
    key = f"{LEDGER}/tile/0/000.p/{SIZE}"
    world.s3.delete_object(Bucket=f"{NAME}-published", Key=key)


def restore_the_state(world: World) -> None:
    """Restore the published state of the first digest, as from a backup."""
    (old,) = world.states()
    append(1)
    start_containers()
    run()
    world.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=old)
    start_containers()


def restore_the_state_and_hide_it(world: World) -> None:
    """Restore the state of the first digest, and delete the files that reveal it."""
    restore_the_state(world)
    for path in ("checkpoint", "digests/latest"):
        world.s3.delete_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}")


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lose_a_block, REASON),
        (change_a_block, "not signed by the sequencer's key"),
        (change_a_block_not_yet_published, "not signed by the sequencer's key"),
        (archive_another_block, "exists with other bytes"),
        (restore_the_state, "digests/latest is newer than the published state"),
        (restore_the_state_and_hide_it, "is newer than the published state"),
        (publish(f"tile/0/000.p/{SIZE}", bytes(32 * SIZE)), "not the hashes of the published root"),
        (publish(f"tile/entries/000.p/{SIZE}", b"\0\1x" * SIZE), "not the entries of the tile"),
        (lose_a_tile, "missing, and no full one in its place"),
        (publish("tile/0/000", b"planted"), "tile/0/000: exists with other bytes"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_ledger_whose_data_disagrees_stays_frozen(
    grown: World, clock: Clock, commands: Commands, damage: Any, error: str
) -> None:
    """The command makes the publisher's checks."""
    freeze(grown, clock)
    lift_for_appending(grown)
    if error.startswith("tile/0/000:"):
        append(250)
    damage(grown)
    freeze_again(grown)
    ran = commands.unfreeze("--yes")
    assert ran.code == 1
    assert error in ran.err
    assert frozen(grown) == "again"


def lift_for_appending(world: World) -> None:
    world.dynamodb.update_item(
        TableName=f"{NAME}-ledgers",
        Key={"key": {"S": f"{ORIGIN}#published"}},
        UpdateExpression="REMOVE frozen",
    )
    start_containers()


def freeze_again(world: World) -> None:
    publishing.publisher().state.freeze("again")


def test_another_freeze_than_the_checked_one_is_not_lifted(
    grown: World, clock: Clock, monkeypatch: pytest.MonkeyPatch, commands: Commands
) -> None:
    """It may have another reason."""
    freeze(grown, clock)
    lift = Unfreeze.lift

    def meanwhile(self: Unfreeze, agreement: Any) -> None:
        lift_for_appending(grown)
        freeze_again(grown)
        lift(self, agreement)

    monkeypatch.setattr(Unfreeze, "lift", meanwhile)
    ran = commands.unfreeze("--yes")
    assert ran.code == 3
    assert "changed meanwhile" in ran.err
    assert frozen(grown) == "again"


def test_a_freeze_before_the_first_digest_is_lifted(
    world: World, clock: Clock, commands: Commands
) -> None:
    """The blocks are checked from the first one on."""
    append(2)
    freeze_again(world)
    assert commands.unfreeze("--yes").code == 0
    assert run()["published"] is True
