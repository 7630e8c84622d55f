"""Blocks are read forwards, backwards and one by one, across pages of DynamoDB."""

import pytest

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.errors import LostRaceError
from audit_ledger.ledger.block import Block
from tests.aws.counted_calls import counted_calls
from tests.world import NAME, ORIGIN, World

COUNTS = (1, 7, 256, 3, 250, 256, 2)
FIRST = [sum(COUNTS[:number]) for number in range(len(COUNTS))]
BODY_BYTES = 300_000  # as large as bodies are: a page of DynamoDB contains three


def block(number: int, origin: str = ORIGIN) -> Block:
    body = bytes([number]) * BODY_BYTES
    return Block(origin, FIRST[number], COUNTS[number], b"h" * 32, b"s" * 64, body)


@pytest.fixture(scope="module")
def blocks(world: World) -> BlocksTable:
    """Blocks of this ledger, and the first of another."""
    table = BlocksTable(world.dynamodb, f"{NAME}-blocks", ORIGIN)
    for number in range(len(COUNTS)):
        table.put_if_absent(block(number))
    BlocksTable(world.dynamodb, f"{NAME}-blocks", "other").put_if_absent(block(1, "other"))
    return table


def test_blocks_before_an_entry_come_the_newest_first(blocks: BlocksTable) -> None:
    """Those that begin before it, over all pages, of this ledger alone."""
    for seq in (0, 1, *FIRST, FIRST[-1] + 1, 10_000):
        found = list(blocks.before(seq))
        wanted = [block(n) for n in reversed(range(len(COUNTS))) if FIRST[n] < seq]
        assert found == wanted


def test_reading_backwards_reads_no_more_than_requested(blocks: BlocksTable) -> None:
    """A reader that stops after one block has not read the ledger."""
    newest = next(iter(blocks.before(10_000)))
    assert newest == block(len(COUNTS) - 1) == blocks.newest()


def test_a_block_is_found_by_its_first_entry_only(blocks: BlocksTable) -> None:
    """Not by one within it."""
    for number, first in enumerate(FIRST):
        assert blocks.beginning_at(first) == block(number)
    for seq in (2, 8 + 5, 10_000):
        assert seq not in FIRST
        assert blocks.beginning_at(seq) is None


def test_last_block_before_an_entry_contains_the_entry_before(
    blocks: BlocksTable,
) -> None:
    """Entry 0 has none before it."""
    assert blocks.ending_before(0) is None
    for seq in range(1, sum(COUNTS) + 1):
        container = max(n for n, first in enumerate(FIRST) if first <= seq - 1)
        if seq in (1, 2, *FIRST, sum(COUNTS)):
            assert blocks.ending_before(seq) == block(container)


def test_forwards_and_backwards_are_the_same_blocks(blocks: BlocksTable) -> None:
    """Over several pages of 1 MB each; and none is put twice."""
    with counted_calls(blocks._client, "Query") as pages:
        forwards = list(blocks.since(0))
    assert len(pages) > 1
    with counted_calls(blocks._client, "Query") as pages:
        backwards = list(blocks.before(10_000))
    assert len(pages) > 1
    assert forwards == backwards[::-1]
    with pytest.raises(LostRaceError):
        blocks.put_if_absent(block(3))
