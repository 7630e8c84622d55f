"""How a ledger's head moves: what is grown can be followed, anything else cannot."""

import dataclasses
import hashlib
from collections.abc import Callable

import msgspec
import pytest

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.ledger.block import Block, BlockItem, Body, parse_body
from audit_ledger.ledger.entry import EventEntry, parse_entry
from audit_ledger.ledger.head import EMPTY, Head, build_block, check_block, head_of
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.sealed_record import SealedRecord
from tests.builders.sealed_record import committed_record
from tests.tlog.naive import mth

ORIGIN = "audit.example.org/x"
NOW = 1_795_327_140


ROW = IndexRow(event_id="ab" * 32, time_ms=0, fingerprint=bytes(32), generation=0)


def records(count: int) -> list[SealedRecord]:
    return [committed_record(ROW, b"sealed%d" % n, row_bytes=b"row%d" % n) for n in range(count)]


def block_of(origin: str, head: Head, body: Body, after: Head) -> Block:
    return Block(origin, head.size, len(body.items), after.hash, b"s" * 64, body.to_bytes())


def grown(head: Head, count: int, now: int = NOW) -> tuple[Block, Head]:
    body, after, _ = build_block(ORIGIN, head, now, records(count))
    return block_of(ORIGIN, head, body, after), after


def test_built_blocks_are_checked_up_to_the_recounted_root() -> None:
    """Over several blocks; the root is recounted from all leaves by the definition."""
    writer = reader = EMPTY
    leaves: list[bytes] = []
    for count in (1, 5, 255, 256, 3):
        block, writer = grown(writer, count)
        checked = check_block(block, reader)
        reader = checked.head
        leaves += [hashlib.sha256(b"\0" + entry).digest() for entry in checked.body.entry_bytes]
        assert checked.leaves == leaves[-len(checked.leaves) :]
        assert reader == writer == head_of(block, checked.body)
        assert reader.root() == mth(leaves)
    assert reader.size == 521


def test_times_in_the_ledger_never_decrease() -> None:
    """With a clock that runs backwards, entries have the time of the entry before."""
    _, head = grown(EMPTY, 1)
    block, after = grown(head, 1, NOW - 100)
    assert after.time == NOW
    check_block(block, head)


def item_change(**change: object) -> Callable[[Block], Block]:
    """Change the last item of a block's body."""

    def apply(block: Block) -> Block:
        body = parse_body(block.body)
        items = (*body.items[:-1], msgspec.structs.replace(body.items[-1], **change))
        return dataclasses.replace(block, body=dataclasses.replace(body, items=items).to_bytes())

    return apply


def entry_change(**change: object) -> Callable[[Block], Block]:
    """Change the last entry."""

    def apply(block: Block) -> Block:
        entry = parse_entry(parse_body(block.body).items[-1].entry)
        changed = dataclasses.replace(entry, **change)  # type: ignore[arg-type]
        return item_change(entry=changed.to_bytes())(block)

    return apply


def reordered(block: Block) -> Block:
    body = parse_body(block.body)
    return dataclasses.replace(
        block, body=dataclasses.replace(body, items=body.items[::-1]).to_bytes()
    )


def other_frontier(block: Block) -> Block:
    body = parse_body(block.body)
    frontier = (bytes(32), *body.frontier[1:])
    return dataclasses.replace(block, body=dataclasses.replace(body, frontier=frontier).to_bytes())


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        pytest.param(item_change(sealed=b""), "record or index row missing", id="no record"),
        pytest.param(
            item_change(row_bytes=b"", row_blind=b"", record_commitment=b""),
            "record or index row missing",
            id="no row",
        ),
        pytest.param(item_change(row_bytes=b"row"), "commits to another", id="another row"),
        pytest.param(item_change(row_blind=bytes(32)), "commits to another", id="row blind"),
        pytest.param(
            item_change(record_commitment=bytes(32)), "commits to another", id="record's part"
        ),
        pytest.param(item_change(entry=b"{}"), "exactly the keys", id="no entry"),
        pytest.param(entry_change(seq=99), "its seq is 99", id="a gap"),
        pytest.param(entry_change(prev=bytes(32)), "prev is not", id="a broken link"),
        pytest.param(entry_change(time=NOW - 1), "time is before", id="time runs back"),
        pytest.param(entry_change(commitment=bytes(32)), "commits to another", id="a commitment"),
        pytest.param(reordered, "its seq is", id="reordered"),
        pytest.param(other_frontier, "frontier is not", id="another frontier"),
        pytest.param(lambda b: dataclasses.replace(b, count=9), "count is not", id="count"),
        pytest.param(lambda b: dataclasses.replace(b, head=bytes(32)), "head is not", id="head"),
        pytest.param(
            lambda b: dataclasses.replace(b, first_seq=9), "expected entry", id="first_seq"
        ),
        pytest.param(
            lambda b: dataclasses.replace(b, body=b.body[:-1]), "does not end", id="truncated"
        ),
    ],
)
def test_a_block_that_breaks_a_rule_is_refused(
    change: Callable[[Block], Block], finding: str
) -> None:
    """One rule each; the error names it."""
    _, head = grown(EMPTY, 3)
    block, _ = grown(head, 3)
    with pytest.raises((VerificationError, FormatError), match=finding):
        check_block(change(block), head)


def test_a_ledger_without_its_own_creation_is_refused() -> None:
    """Another origin's first block, or one that begins with an event."""
    body, after, _ = build_block("audit.example.org/y", EMPTY, NOW, records(1))
    with pytest.raises(VerificationError, match="was created"):
        check_block(block_of(ORIGIN, EMPTY, body, after), EMPTY)
    entry = EventEntry(0, NOW, bytes(32), bytes(32)).to_bytes()
    leaf = hashlib.sha256(b"\0" + entry).digest()
    item = BlockItem(entry, b"row", bytes(32), bytes(32), b"sealed")
    body = Body((item,), (leaf,), NOW)
    with pytest.raises(VerificationError, match="was created"):
        check_block(Block(ORIGIN, 0, 1, leaf, b"s" * 64, body.to_bytes()), EMPTY)
