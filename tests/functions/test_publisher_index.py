"""The publisher's index: recounted from the committed rows and the text of docs/design.md."""

import dataclasses
import json
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.errors import FrozenError, UnreachableError
from audit_ledger.ledger.block import parse_body
from audit_ledger.records.index_row import IndexRow, parse_index_row
from audit_ledger.runs import run_id
from functions.publisher import handler
from tests.functions.publishing import Clock, append, run
from tests.runs import specified
from tests.runs.specified import number
from tests.world import LEDGER, NAME, ORIGIN, World

KEYS = ("patient", "agent", "time")
WHOLE = 16


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run cover 16 entries."""
    monkeypatch.setattr(run_id, "LEVEL_0_ENTRIES", WHOLE)


def rows_of(world: World) -> list[IndexRow | None]:
    """Return the row of each committed entry, None of a control entry."""
    table = BlocksTable(world.dynamodb, f"{NAME}-blocks", ORIGIN)
    return [
        parse_index_row(item.row_bytes) if item.row_bytes else None
        for block in table.since(0)
        for item in parse_body(block.body).items
    ]


def expected_index(rows: list[IndexRow | None]) -> tuple[bytes, set[str]]:
    """Return the index hash of a ledger without merged runs, and the paths of its full runs."""
    hashes, paths = b"", set()
    for key in KEYS:
        cover = b""
        for n, first in enumerate(range(0, len(rows), WHOLE)):
            end = min(first + WHOLE, len(rows))
            if key == "time":
                root = specified.time_root(rows, ORIGIN, 0, n, first, end)
            else:
                root = specified.keyed_root(rows, ORIGIN, key, 0, n, first, end)
            cover += number(0, 1) + number(n, 8) + number(end, 8) + root
            if end == first + WHOLE:
                paths.add(f"runs/{key}/0/{n:016}-{root[:8].hex()}")
        framed = b"".join(number(len(text), 4) + text.encode() for text in (ORIGIN, key))
        hashes += sha256(b"audit-ledger/cover/v1\n" + framed + cover).digest()
    return sha256(b"audit-ledger/index/v1\n" + hashes).digest(), paths


def stated_index(world: World) -> bytes:
    """Return the hash that the newest digest states."""
    lines = world.published_file("digests/latest").decode().split("\n")
    (line,) = [line for line in lines if line.startswith("index ")]
    return b64decode(line.removeprefix("index "))


def require_index(world: World) -> None:
    """Check digest and names of the objects against a recount."""
    rows = rows_of(world)
    index, paths = expected_index(rows)
    assert stated_index(world) == index
    objects = world.indexed()
    assert {path for path in objects if path.startswith("runs/")} == paths
    assert f"indexes/{len(rows):020}-{index[:8].hex()}" in objects


@pytest.mark.parametrize("is_cold", [False, True])
@pytest.mark.parametrize("growth", [(1,), (14,), (15,), (16,), (40,), (3, 20, 8, 1), (15, 16, 17)])
def test_a_digest_states_the_recounted_index(
    world: World, clock: Clock, growth: tuple[int, ...], is_cold: bool
) -> None:
    """With the control entry that creates the ledger; a cold container reads what is published."""
    for count in growth:
        append(count)
        run()
        require_index(world)
        clock.now += 60
        if is_cold:
            handler.publisher.cache_clear()


def test_one_publication_and_many_make_equal_objects(world: World, clock: Clock) -> None:
    """Full runs and the newest index file, byte for byte."""
    for count in (5, 9, 20):
        append(count)
        run()
        clock.now += 60
    size = len(rows_of(world))
    many = world.indexed()
    for path in many:
        world.s3.delete_object(Bucket=f"{NAME}-index", Key=f"{LEDGER}/{path}")
    writer = handler.publisher().memory.index_writer
    assert writer is not None
    fresh = dataclasses.replace(writer, size=0, _runs={}, _rows=type(writer._rows)())
    entries = [
        entry
        for block in handler.publisher().blocks.since(0)
        for entry in _stored(block.first_seq, block.body)
    ]
    objects = dict(fresh.extend(size, entries))
    file = fresh.file()
    objects[f"indexes/{size:020}-{file.hash(ORIGIN)[:8].hex()}"] = file.to_bytes()
    assert objects == {
        path: data
        for path, data in many.items()
        if path.startswith(("runs/", f"indexes/{size:020}"))
    }


def _stored(first_seq: int, body: bytes) -> Any:
    from audit_ledger.ledger.index import stored_entries

    return stored_entries(first_seq, parse_body(body))


def test_a_heartbeat_repeats_the_index(world: World, clock: Clock) -> None:
    """And puts no object."""
    append(3)
    run()
    index, objects = stated_index(world), world.indexed()
    clock.now += 3600
    assert run()["published"]
    assert (stated_index(world), world.indexed()) == (index, objects)


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_index_file_stops_the_run_and_does_not_freeze(
    world: World, clock: Clock, damage: str
) -> None:
    """Nothing is signed; once the file is there again, the next run publishes."""
    append(5)
    run()
    ((path, data),) = world.indexed().items()
    where = {"Bucket": f"{NAME}-index", "Key": f"{LEDGER}/{path}"}
    if damage == "missing":
        world.s3.delete_object(**where)
    else:
        bad = data[:-1] if damage == "cut" else data.replace(data[60:92], bytes(32), 1)
        world.s3.put_object(**where, Body=bad)
    handler.publisher.cache_clear()
    append(1)
    clock.now += 60
    before = world.published_file("digests/latest")
    with pytest.raises(UnreachableError, match="indexes/"):
        run()
    assert world.published_file("digests/latest") == before
    world.s3.put_object(**where, Body=data)
    assert run()["published"]
    require_index(world)


@pytest.mark.usefixtures("clock")
def test_a_damaged_run_is_replaced(world: World) -> None:
    """It is named after its root, so there can be but one true object under the name."""
    append(15)
    run()
    paths = {path for path in world.indexed() if path.startswith("runs/")}
    state = {path: data for path, data in world.indexed().items() if path in paths}
    assert len(paths) == 3
    world.s3.put_object(Bucket=f"{NAME}-index", Key=f"{LEDGER}/{min(paths)}", Body=b"other")
    for item in world.states():
        world.dynamodb.delete_item(TableName=f"{NAME}-ledgers", Key={"key": item["key"]})
    for path in world.published():
        world.s3.delete_object(Bucket=f"{NAME}-published", Key=f"{LEDGER}/{path}")
    handler.publisher.cache_clear()
    run()
    assert {path: world.indexed()[path] for path in paths} == state


def test_blocks_with_other_rows_than_the_index_freeze_the_ledger(
    world: World, clock: Clock
) -> None:
    """Rows of the partial run are compared with the published roots before they are extended."""
    append(2)
    append(2)
    run()
    table = f"{NAME}-blocks"
    first = world.dynamodb.get_item(
        TableName=table, Key={"origin": {"S": ORIGIN}, "first_seq": {"N": "0"}}
    )["Item"]
    body = bytes(first["body"]["B"])
    row = json.loads(parse_body(body).items[1].row_bytes)
    assert body.count(row["patient"].encode()) == 1
    other = "A" * 22 + "=="
    first["body"] = {"B": body.replace(row["patient"].encode(), other.encode())}
    world.dynamodb.put_item(TableName=table, Item=first)
    handler.publisher.cache_clear()
    append(1)
    clock.now += 60
    with pytest.raises(FrozenError, match="are not those of the index"):
        run()
