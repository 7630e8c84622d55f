"""`ledger rebuild`: blocks and index come back from the archive, and the same ledger goes on."""

import time
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from audit_ledger.aws import clients
from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.cli.main import run as command
from audit_ledger.errors import LostRaceError
from audit_ledger.ledger.block import archived_name
from audit_ledger.recovery.rebuild import REBUILDING
from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.crashes.faults import Fault, install_wire
from tests.functions.pipeline import message, sealed_record
from tests.functions.publishing import CONTEXT, Clock, append, root_of, run
from tests.recovery.lost_tables import Commands, cold, contents, empty, frozen
from tests.world import LEDGER, NAME, ORIGIN, World

SIZE = 14


def continues(world: World, clock: Clock) -> None:
    """The next append and the next publish are of the same ledger."""
    cold()
    before = len(world.items("events"))
    append(3)
    clock.now += 60
    assert run()["published"] is True
    assert len(world.items("events")) == before + 3
    (state,) = (i for i in world.items("ledgers") if i["key"]["S"].endswith("#published"))
    assert int(state["size"]["N"]) == SIZE + 3


def archived(world: World, first_seq: int) -> dict[str, Any]:
    return {"Bucket": f"{NAME}-archive", "Key": f"{LEDGER}/{archived_name(first_seq)}"}


@pytest.mark.parametrize("lost", [("blocks", "events"), ("blocks",), ("events",)], ids="+".join)
def test_lost_tables_are_what_they_were_byte_for_byte(
    grown: World, clock: Clock, commands: Commands, lost: tuple[str, ...]
) -> None:
    """Whichever were lost; then the ledger grows and is published as if nothing had been."""
    before = {table: contents(grown, table) for table in ("blocks", "events")}
    for table in lost:
        empty(grown, table)
    ran = commands.rebuild("--json")
    assert ran.code == 0, ran.err
    assert {table: contents(grown, table) for table in ("blocks", "events")} == before
    report = ran.report
    blocks = ("put", "there") if "blocks" in lost else ("there", "put")
    assert [report["blocks"][name] for name in blocks] == [len(before["blocks"]), 0]
    assert report["events"]["put"] == (len(before["events"]) if "events" in lost else 0)
    assert (report["size"], report["lost_rows"], report["frozen"]) == (SIZE, 0, None)
    continues(grown, clock)


def test_what_is_rebuilt_is_verified_by_the_command(
    world: World, clock: Clock, commands: Commands, tmp_path: Any
) -> None:
    """The whole drill: emptied, rebuilt, appended to, published; `ledger verify` says verified."""
    clock.now = int(time.time()) - 300
    append(2)
    run()
    empty(world, "blocks")
    empty(world, "events")
    assert commands.rebuild().code == 0
    cold()
    append(5)
    clock.now += 60
    run()
    policy = tmp_path / "policy"
    where = ["--stage", "test", "--ledger", LEDGER]
    assert command(["policy", *where, "-o", str(policy)]) == 0
    source = f"s3://{NAME}-published/{LEDGER}"
    assert command(["verify", source, "--policy", str(policy), "--no-state"]) == 0
    assert len(world.items("events")) == 7


@pytest.mark.parametrize("kept_from", [0, 3, 10])
def test_a_table_that_is_only_partly_filled_is_completed(
    grown: World, clock: Clock, commands: Commands, kept_from: int
) -> None:
    """As a rebuild that died leaves it, or a restore from a backup: what is there stays."""
    before = {table: contents(grown, table) for table in ("blocks", "events")}
    for table in before:
        empty(grown, table, before_seq=kept_from)
        empty(grown, table, from_seq=kept_from + 1)
    assert commands.rebuild().code == 0
    assert {table: contents(grown, table) for table in before} == before
    continues(grown, clock)


def test_a_rebuild_that_dies_anywhere_is_finished_by_the_next(
    world: World, clock: Clock, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any call to AWS, before and after it took effect; frozen from the first write on."""
    append(1, 2)
    run()
    grown = world
    before = {table: contents(grown, table) for table in ("blocks", "events")}
    wire = install_wire(monkeypatch)
    for service in ("dynamodb", "kms", "s3", "ssm"):  # to make clients is most of the time
        monkeypatch.setattr(clients, service, cache(getattr(clients, service)))
    wrote = 0
    for fault in (Fault.UNSENT, Fault.TIMED_OUT):
        at = -1
        while True:
            at += 1
            empty(grown, "blocks")
            empty(grown, "events")
            wire.forget()
            wire.armed = {at: fault}
            with wire.under_test():
                died = commands.rebuild()
            if at not in wire.occurred:
                assert died.code == 0
                break
            assert died.code == 3
            if grown.items("blocks") or grown.items("events"):
                wrote += 1
                lifted = wire.calls[-1] == "dynamodb.UpdateItem" and fault is Fault.TIMED_OUT
                assert frozen(grown) == (None if lifted else REBUILDING)
            assert commands.rebuild().code == 0
            assert {table: contents(grown, table) for table in before} == before
            assert frozen(grown) is None
    assert wrote > 10
    cold()
    append(1)
    clock.now += 60
    assert run()["size"] == 5


def test_a_dry_run_writes_nothing(grown: World, commands: Commands) -> None:
    """It verifies all the same, and says what would be done."""
    empty(grown, "blocks", from_seq=3)
    before = {table: contents(grown, table) for table in ("blocks", "events", "ledgers")}
    ran = commands.rebuild("--dry-run")
    assert ran.code == 0
    assert ran.out.startswith(f"would be rebuilt: {ORIGIN}\n  14 entries verified, 14 of them")
    assert {table: contents(grown, table) for table in before} == before


@pytest.mark.parametrize(
    "spoil",
    ["body", "signature", "head", "count", "another's", "missing", "swapped", "no block"],
)
def test_an_archive_that_does_not_verify_is_refused_before_anything_is_written(
    grown: World, commands: Commands, spoil: str
) -> None:
    """The last block is spoilt: those before it are not put either, and nothing is frozen."""
    place = archived(grown, 10)
    data = grown.s3.get_object(**place)["Body"].read()
    lines = data.split(b"\n", 5)
    if spoil == "body":
        data = data[:-1] + bytes([data[-1] ^ 1])
    elif spoil == "signature":
        other = grown.s3.get_object(**archived(grown, 3))["Body"].read().split(b"\n", 5)
        data = b"\n".join([*lines[:4], other[4], lines[5]])
    elif spoil == "head":
        data = b"\n".join([*lines[:3], b"A" * 43 + b"=", *lines[4:]])
    elif spoil == "count":
        data = b"\n".join([*lines[:2], b"10 3", *lines[3:]])
    elif spoil == "another's":
        data = data.replace(ORIGIN.encode(), b"audit.example.org/other", 1)
    elif spoil == "swapped":
        data = grown.s3.get_object(**archived(grown, 3))["Body"].read()
    elif spoil == "no block":
        data = b"{}"
    grown.s3.delete_object(**place)
    if spoil != "missing":
        grown.s3.put_object(**place, Body=data)
    empty(grown, "blocks")
    empty(grown, "events")
    ran = commands.rebuild()
    assert ran.code == 1
    assert f"ledger: {NAME}-archive/{LEDGER}: refused: " in ran.err
    assert grown.items("blocks") == grown.items("events") == []
    assert frozen(grown) is None


def test_a_history_that_is_signed_but_was_never_published_is_refused(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """Whoever may use the sequencer's key makes another history: its tree is not the published."""
    empty(grown, "blocks")
    (state,) = grown.states()
    grown.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key={"key": state["key"]})
    cold()
    append(2, 7, 4)
    for block in BlocksTable(grown.dynamodb, f"{NAME}-blocks", ORIGIN).since(0):
        grown.s3.put_object(**archived(grown, block.first_seq), Body=block.to_bytes())
    grown.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=state)
    empty(grown, "blocks")
    ran = commands.rebuild()
    assert ran.code == 1
    assert "the blocks up to 14 are not what was published" in ran.err
    assert grown.items("blocks") == []


def test_a_table_that_holds_another_block_is_refused(grown: World, commands: Commands) -> None:
    """It is never written over, and nothing else is written either."""
    item = next(i for i in grown.items("blocks") if i["first_seq"]["N"] == "3")
    item["signature"] = {"B": bytes(64)}
    grown.dynamodb.put_item(TableName=f"{NAME}-blocks", Item=item)
    empty(grown, "blocks", from_seq=200)
    before = contents(grown, "blocks")
    ran = commands.rebuild()
    assert ran.code == 1
    assert "block 3: archive and table hold different ones" in ran.err
    assert contents(grown, "blocks") == before


def test_blocks_not_yet_published_stay_and_are_indexed(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """They exist once, in the table: what is left of it is followed and indexed like the rest."""
    append(5)
    before = contents(grown, "events")
    empty(grown, "blocks", before_seq=SIZE)
    empty(grown, "events")
    ran = commands.rebuild()
    assert ran.code == 0, ran.err
    assert "  1 blocks are in the table alone, until the next digest\n" in ran.out
    assert contents(grown, "events") == before
    cold()
    clock.now += 60
    assert run()["size"] == SIZE + 5


def test_unpublished_events_are_reported_lost_and_can_be_sent_again(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """The recovery point: their blocks are nowhere. Their index rows must not make them known."""
    again = [message(sealed_record()) for _ in range(2)]
    assert sequencing.handler({"Records": again}, CONTEXT) == {"batchItemFailures": []}
    empty(grown, "blocks")
    ran = commands.rebuild()
    assert ran.code == 0, ran.err
    assert "what was accepted after 2026-11-23T" in ran.out
    assert "  2 rows of the index name entries that are nowhere; they are marked as lost" in ran.out
    assert commands.rebuild("--json").report["lost_rows"] == 0
    cold()
    assert sequencing.handler({"Records": again}, CONTEXT) == {"batchItemFailures": []}
    clock.now += 60
    assert run()["size"] == SIZE + 2
    assert len([i for i in grown.items("events") if "lost" not in i]) == SIZE - 1 + 2


def test_a_sequencer_that_remembers_a_lost_block_does_not_append_behind_it(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """It was warm all along, and never saw the freeze: a block behind nothing could never go."""
    append(5)
    empty(grown, "blocks")
    assert commands.rebuild().code == 0
    append(3)
    clock.now += 60
    assert run()["size"] == SIZE + 3


def test_a_publisher_that_read_the_state_before_a_rebuild_commits_nothing(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """A freeze and its end in between are a change of the state like any other."""
    before = publishing.publisher().state.published()
    empty(grown, "blocks")
    assert commands.rebuild().code == 0
    assert before is not None
    with pytest.raises(LostRaceError):
        publishing.publisher().state.swap_published(before, replace(before, version=99))


def test_entries_behind_a_gap_are_refused(grown: World, clock: Clock, commands: Commands) -> None:
    """A sequencer that was warm appended behind blocks that are lost: no rebuild can close that."""
    append(5)
    append(6)
    empty(grown, "blocks", before_seq=SIZE + 5)
    ran = commands.rebuild()
    assert ran.code == 1
    assert f"block {SIZE + 5}: expected entry {SIZE} next" in ran.err


def test_rows_that_say_something_else_than_the_blocks_are_put_right(
    grown: World, commands: Commands
) -> None:
    """The index is derived: it is never the truth itself."""
    before = contents(grown, "events")
    item = grown.items("events")[0]
    grown.dynamodb.put_item(
        TableName=f"{NAME}-events", Item={**item, "seq": {"N": "1"}, "x": {"S": "y"}}
    )
    ran = commands.rebuild("--json")
    assert ran.report["events"] == {"there": len(before) - 1, "put": 0, "replaced": 1}
    assert contents(grown, "events") == before


def test_an_earlier_freeze_is_left_to_unfreeze(grown: World, commands: Commands) -> None:
    """It was not for this, and who lifts it should have read why."""
    grown.dynamodb.update_item(
        TableName=f"{NAME}-ledgers",
        Key={"key": {"S": f"{ORIGIN}#published"}},
        UpdateExpression="SET frozen = :reason",
        ExpressionAttributeValues={":reason": {"S": "the publisher said so"}},
    )
    empty(grown, "blocks")
    ran = commands.rebuild()
    assert ran.code == 0
    assert "still frozen: the publisher said so\n" in ran.out
    assert frozen(grown) == "the publisher said so"
    assert commands.unfreeze("--yes").code == 0
    assert frozen(grown) is None


def test_what_is_not_there_is_said_in_one_line(grown: World, commands: Commands) -> None:
    """A ledger that is not declared, a bucket that is none, a state that is gone."""
    ran = commands.rebuild("--ledger", "nowhere")
    assert (ran.code, ran.err) == (2, "ledger: stage test has no ledger nowhere\n")
    ran = commands.rebuild("--archive", "no-such-bucket")
    assert (ran.code, "NoSuchBucket (GetObject)" in ran.err) == (3, True)
    empty(grown, "ledgers")
    ran = commands.rebuild()
    assert (ran.code, "has no published state" in ran.err) == (3, True)


def test_the_rebuilt_tree_is_the_recounted_one(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """By hand, from the entries in the table, at the size that was published before."""
    root = root_of(grown)
    empty(grown, "blocks")
    assert commands.rebuild().code == 0
    continues(grown, clock)
    assert root_of(grown, SIZE) == root
