"""`ledger rebuild` restores blocks and index from the archive, and the ledger continues."""

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
from tests.recovery.lost_tables import Commands, contents, empty, frozen, start_containers
from tests.world import LEDGER, NAME, ORIGIN, World

SIZE = 14


def check_continuation(world: World, clock: Clock) -> None:
    """Check that the next batch and the next digest continue the ledger."""
    start_containers()
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
def test_lost_tables_are_restored_byte_for_byte(
    grown: World, clock: Clock, commands: Commands, lost: tuple[str, ...]
) -> None:
    """One or both; then the ledger continues."""
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
    check_continuation(grown, clock)


def test_a_rebuilt_ledger_is_verified(
    world: World, clock: Clock, commands: Commands, tmp_path: Any
) -> None:
    """`ledger verify` exits 0 after loss, rebuild, append and publication."""
    clock.now = int(time.time()) - 300
    append(2)
    run()
    empty(world, "blocks")
    empty(world, "events")
    assert commands.rebuild().code == 0
    start_containers()
    append(5)
    clock.now += 60
    run()
    policy = tmp_path / "policy"
    where = ["--stage", "test", "--ledger", LEDGER]
    assert command(["policy", *where, "-o", str(policy)]) == 0
    source = f"s3://{NAME}-published/{LEDGER}"
    assert command(["verify", source, "--policy", str(policy), "--no-state"]) == 0
    assert len(world.items("events")) == 7


@pytest.mark.parametrize("first_left", [0, 3, 10])
def test_a_partly_filled_table_is_completed(
    grown: World, clock: Clock, commands: Commands, first_left: int
) -> None:
    """As after an interrupted rebuild or a restored backup: items that are there remain."""
    before = {table: contents(grown, table) for table in ("blocks", "events")}
    for table in before:
        empty(grown, table, before_seq=first_left)
        empty(grown, table, from_seq=first_left + 1)
    assert commands.rebuild().code == 0
    assert {table: contents(grown, table) for table in before} == before
    check_continuation(grown, clock)


def test_a_rebuild_interrupted_at_any_call_is_completed_by_the_next(
    world: World, clock: Clock, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any call to AWS, before and after it took effect; frozen from the first write on."""
    append(1, 2)
    run()
    grown = world
    before = {table: contents(grown, table) for table in ("blocks", "events")}
    wire = install_wire(monkeypatch)
    for service in ("dynamodb", "kms", "s3", "ssm"):  # creating clients takes most of the time
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
                failed = commands.rebuild()
            if at not in wire.occurred:
                assert failed.code == 0
                break
            assert failed.code == 3
            if grown.items("blocks") or grown.items("events"):
                wrote += 1
                lifted = wire.calls[-1] == "dynamodb.UpdateItem" and fault is Fault.TIMED_OUT
                assert frozen(grown) == (None if lifted else REBUILDING)
            assert commands.rebuild().code == 0
            assert {table: contents(grown, table) for table in before} == before
            assert frozen(grown) is None
    assert wrote > 10
    start_containers()
    append(1)
    clock.now += 60
    assert run()["size"] == 5


def test_a_dry_run_writes_nothing(grown: World, commands: Commands) -> None:
    """It verifies, and reports what would be done."""
    empty(grown, "blocks", from_seq=3)
    before = {table: contents(grown, table) for table in ("blocks", "events", "ledgers")}
    ran = commands.rebuild("--dry-run")
    assert ran.code == 0
    assert ran.out.startswith(f"would be rebuilt: {ORIGIN}\n  14 entries verified, 14 of them")
    assert {table: contents(grown, table) for table in before} == before


@pytest.mark.parametrize(
    "damage",
    ["body", "signature", "head", "count", "another's", "missing", "swapped", "no block"],
)
def test_an_archive_with_a_bad_block_is_refused_before_any_write(
    grown: World, commands: Commands, damage: str
) -> None:
    """The last block is bad: those before it are not put either, and nothing is frozen."""
    place = archived(grown, 10)
    data = grown.s3.get_object(**place)["Body"].read()
    lines = data.split(b"\n", 5)
    if damage == "body":
        data = data[:-1] + bytes([data[-1] ^ 1])
    elif damage == "signature":
        other = grown.s3.get_object(**archived(grown, 3))["Body"].read().split(b"\n", 5)
        data = b"\n".join([*lines[:4], other[4], lines[5]])
    elif damage == "head":
        data = b"\n".join([*lines[:3], b"A" * 43 + b"=", *lines[4:]])
    elif damage == "count":
        data = b"\n".join([*lines[:2], b"10 3", *lines[3:]])
    elif damage == "another's":
        data = data.replace(ORIGIN.encode(), b"audit.example.org/other", 1)
    elif damage == "swapped":
        data = grown.s3.get_object(**archived(grown, 3))["Body"].read()
    elif damage == "no block":
        data = b"{}"
    grown.s3.delete_object(**place)
    if damage != "missing":
        grown.s3.put_object(**place, Body=data)
    empty(grown, "blocks")
    empty(grown, "events")
    ran = commands.rebuild()
    assert ran.code == 1
    assert f"ledger: {NAME}-archive/{LEDGER}: refused: " in ran.err
    assert grown.items("blocks") == grown.items("events") == []
    assert frozen(grown) is None


def test_a_signed_history_that_was_never_published_is_refused(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """With the sequencer's key, one can sign another history, with another tree."""
    empty(grown, "blocks")
    (state,) = grown.states()
    grown.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key={"key": state["key"]})
    start_containers()
    append(2, 7, 4)
    for block in BlocksTable(grown.dynamodb, f"{NAME}-blocks", ORIGIN).since(0):
        grown.s3.put_object(**archived(grown, block.first_seq), Body=block.to_bytes())
    grown.dynamodb.put_item(TableName=f"{NAME}-ledgers", Item=state)
    empty(grown, "blocks")
    ran = commands.rebuild()
    assert ran.code == 1
    assert "the blocks up to 14 are not what was published" in ran.err
    assert grown.items("blocks") == []


def test_a_table_with_another_block_is_refused(grown: World, commands: Commands) -> None:
    """It is not replaced, and nothing else is written."""
    item = next(i for i in grown.items("blocks") if i["first_seq"]["N"] == "3")
    item["signature"] = {"B": bytes(64)}
    grown.dynamodb.put_item(TableName=f"{NAME}-blocks", Item=item)
    empty(grown, "blocks", from_seq=200)
    before = contents(grown, "blocks")
    ran = commands.rebuild()
    assert ran.code == 1
    assert "block 3: archive and table hold different ones" in ran.err
    assert contents(grown, "blocks") == before


def test_unpublished_blocks_remain_and_are_indexed(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """They are in the table alone."""
    append(5)
    before = contents(grown, "events")
    empty(grown, "blocks", before_seq=SIZE)
    empty(grown, "events")
    ran = commands.rebuild()
    assert ran.code == 0, ran.err
    assert "  1 blocks are in the table alone, until the next digest\n" in ran.out
    assert contents(grown, "events") == before
    start_containers()
    clock.now += 60
    assert run()["size"] == SIZE + 5


def test_unpublished_events_are_reported_lost_and_can_be_sent_again(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """Beyond the recovery point: their index rows must not make them duplicates."""
    again = [message(sealed_record()) for _ in range(2)]
    assert sequencing.handler({"Records": again}, CONTEXT) == {"batchItemFailures": []}
    empty(grown, "blocks")
    ran = commands.rebuild()
    assert ran.code == 0, ran.err
    assert "what was accepted after 2026-11-23T" in ran.out
    assert "  2 rows of the index name entries that are nowhere; they are marked as lost" in ran.out
    assert commands.rebuild("--json").report["lost_rows"] == 0
    start_containers()
    assert sequencing.handler({"Records": again}, CONTEXT) == {"batchItemFailures": []}
    clock.now += 60
    assert run()["size"] == SIZE + 2
    assert len([i for i in grown.items("events") if "lost" not in i]) == SIZE - 1 + 2


def test_a_warm_sequencer_does_not_append_after_a_lost_block(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """Though it was not invoked during the freeze."""
    append(5)
    empty(grown, "blocks")
    assert commands.rebuild().code == 0
    append(3)
    clock.now += 60
    assert run()["size"] == SIZE + 3


def test_a_publisher_with_the_state_before_a_rebuild_commits_nothing(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """A freeze that was lifted changed the state."""
    before = publishing.publisher().state.published()
    empty(grown, "blocks")
    assert commands.rebuild().code == 0
    assert before is not None
    with pytest.raises(LostRaceError):
        publishing.publisher().state.swap_published(before, replace(before, version=99))


def test_entries_after_a_gap_are_refused(grown: World, clock: Clock, commands: Commands) -> None:
    """No rebuild can close a gap of lost blocks."""
    append(5)
    append(6)
    empty(grown, "blocks", before_seq=SIZE + 5)
    ran = commands.rebuild()
    assert ran.code == 1
    assert f"block {SIZE + 5}: expected entry {SIZE} next" in ran.err


def test_index_rows_that_differ_from_the_blocks_are_replaced(
    grown: World, commands: Commands
) -> None:
    """The index is derived from the blocks."""
    before = contents(grown, "events")
    item = grown.items("events")[0]
    grown.dynamodb.put_item(
        TableName=f"{NAME}-events", Item={**item, "seq": {"N": "1"}, "x": {"S": "y"}}
    )
    ran = commands.rebuild("--json")
    assert ran.report["events"] == {"there": len(before) - 1, "put": 0, "replaced": 1}
    assert contents(grown, "events") == before


def test_an_earlier_freeze_is_left_to_unfreeze(grown: World, commands: Commands) -> None:
    """It has another reason, which the operator should read first."""
    grown.dynamodb.update_item(
        TableName=f"{NAME}-ledgers",
        Key={"key": {"S": f"{ORIGIN}#published"}},
        UpdateExpression="SET frozen = :reason",
        ExpressionAttributeValues={":reason": {"S": "test freeze"}},
    )
    empty(grown, "blocks")
    ran = commands.rebuild()
    assert ran.code == 0
    assert "still frozen: test freeze\n" in ran.out
    assert frozen(grown) == "test freeze"
    assert commands.unfreeze("--yes").code == 0
    assert frozen(grown) is None


def test_a_missing_ledger_bucket_or_state_is_one_line_of_error(
    grown: World, commands: Commands
) -> None:
    """With the exit code of its kind."""
    ran = commands.rebuild("--ledger", "nowhere")
    assert (ran.code, ran.err) == (2, "ledger: stage test has no ledger nowhere\n")
    ran = commands.rebuild("--archive", "no-such-bucket")
    assert (ran.code, "NoSuchBucket (GetObject)" in ran.err) == (3, True)
    empty(grown, "ledgers")
    ran = commands.rebuild()
    assert (ran.code, "has no published state" in ran.err) == (3, True)


def test_the_rebuilt_tree_is_the_published_one(
    grown: World, clock: Clock, commands: Commands
) -> None:
    """Recounted from the entries of the table, at the published size."""
    root = root_of(grown)
    empty(grown, "blocks")
    assert commands.rebuild().code == 0
    check_continuation(grown, clock)
    assert root_of(grown, SIZE) == root
