"""Who can write a ledger's tables cannot make a response omit events without a warning.

Removed and altered items are errors or warnings. Rows of the index alone are not compared with the
blocks here: docs/threat-model.md, event index.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import structs

from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.subjects_table import SubjectsTable
from audit_ledger.errors import LedgerError, VerificationError
from audit_ledger.ledger.block import BlockItem, Body, parse_body
from audit_ledger.ledger.entry import created
from audit_ledger.reading.event_finder import EventFinder
from audit_ledger.reading.period_search import find_in_period
from audit_ledger.reading.record_opener import RecordOpener
from audit_ledger.reading.search import count_matches, find_page
from audit_ledger.reading.snapshot import LogSnapshot
from audit_ledger.search.criteria import Search
from audit_ledger.search.parameters import parse_search
from functions.sequencer import handler as sequencing
from tests.attacks.small_ledger import event
from tests.follower.sealed_ledger import NOW, SealedLedger
from tests.functions.publishing import Clock
from tests.world import NAME, ORIGIN, World

Item = dict[str, Any]


@pytest.fixture
def blocks(world: World, monkeypatch: pytest.MonkeyPatch) -> SealedLedger:
    """Four blocks: entries 0 to 2, 3 and 4, 5 and 6, 7 and 8, a minute each."""
    sequencing.sequencer.cache_clear()
    clock = Clock()
    monkeypatch.setattr(sequencing, "time", clock)
    ledger = SealedLedger(world)
    for minute in range(4):
        clock.now = NOW + 60 * minute
        ledger.append(*(json.dumps(event(n)).encode() for n in range(2)))
    assert [int(item["first_seq"]["N"]) for item in in_order(world)] == [0, 3, 5, 7]
    return ledger


def in_order(world: World) -> list[Item]:
    return sorted(world.items("blocks"), key=lambda item: int(item["first_seq"]["N"]))


def finder(ledger: SealedLedger) -> EventFinder:
    now = NOW + 3600
    readable = ledger.ledger
    log = LogSnapshot(readable.blocks, ledger.size)
    return EventFinder(readable, log, RecordOpener(readable, now), now)


def search(sort: str) -> Search:
    pairs = [("date", "2026-11"), ("_sort", sort)]
    return parse_search(pairs, is_strict=False, is_bounded_by_token=False)


def seqs_of(ledger: SealedLedger, sort: str) -> list[int]:
    page = find_page(finder(ledger), search(sort), None)
    assert (page.next, page.warnings) == (None, ())
    return [opened.event.seq for opened in page.found]


@pytest.mark.parametrize("sort", ["date", "-date"])
def test_all_entries_of_whole_blocks_are_found(blocks: SealedLedger, sort: str) -> None:
    """Without an attack no search of a period is refused."""
    assert sorted(seqs_of(blocks, sort)) == list(range(1, 9))


@pytest.mark.parametrize("first_seq", [0, 3, 5, 7])
@pytest.mark.parametrize("sort", ["date", "-date"])
def test_a_search_of_a_period_with_a_removed_block_is_an_error(
    world: World, blocks: SealedLedger, sort: str, first_seq: int
) -> None:
    """A count and a report too, whichever block it is."""
    key = {"origin": {"S": ORIGIN}, "first_seq": {"N": str(first_seq)}}
    world.dynamodb.delete_item(TableName=f"{NAME}-blocks", Key=key)
    event_finder = finder(blocks)
    for attempt in (
        lambda: find_page(event_finder, search(sort), None),
        lambda: count_matches(event_finder, search(sort), 1000, lambda: True),
        lambda: find_in_period(event_finder, Search(), 0, 2 * NOW * 1000, 1000, lambda: True),
    ):
        with pytest.raises(VerificationError):
            attempt()


def test_the_error_names_the_missing_entries(world: World, blocks: SealedLedger) -> None:
    """In both directions."""
    key = {"origin": {"S": ORIGIN}, "first_seq": {"N": "3"}}
    world.dynamodb.delete_item(TableName=f"{NAME}-blocks", Key=key)

    def log() -> LogSnapshot:
        return LogSnapshot(BlocksTable(world.dynamodb, f"{NAME}-blocks", ORIGIN), blocks.size)

    readers: tuple[Callable[[], Iterator[Any]], ...] = (
        lambda: log().newest_first(),
        lambda: log().oldest_first(0),
    )
    for read in readers:
        with pytest.raises(VerificationError, match=r"found entry [35], expected entry [35] next"):
            list(read())


def _without_row(item: BlockItem) -> BlockItem:
    return BlockItem(item.entry)


def _as_control(item: BlockItem) -> BlockItem:
    return structs.replace(item, entry=created(ORIGIN, NOW).to_bytes())


@pytest.mark.parametrize("alter", [_without_row, _as_control])
def test_an_entry_without_its_row_is_not_taken_for_a_control_entry(
    world: World, blocks: SealedLedger, alter: Callable[[BlockItem], BlockItem]
) -> None:
    """A search is an error or warns, and the follower names the entry."""
    item = in_order(world)[1]
    body = parse_body(bytes(item["body"]["B"]))
    items = (alter(body.items[0]), *body.items[1:])
    data = Body(items, body.frontier, body.time).to_bytes()
    world.dynamodb.put_item(TableName=f"{NAME}-blocks", Item={**item, "body": {"B": data}})
    for sort in ("date", "-date"):
        try:
            warnings = find_page(finder(blocks), search(sort), None).warnings
        except LedgerError:
            continue
        assert warnings
    assert blocks.follow().altered == (3,)


def _exchanged(first: Item, second: Item) -> tuple[Item, Item]:
    return {**first, "secret": second["secret"]}, {**second, "secret": first["secret"]}


def _pseudonyms_exchanged(first: Item, second: Item) -> tuple[Item, Item]:
    return (
        {**first, "pseudonym": second["pseudonym"]},
        {**second, "pseudonym": first["pseudonym"]},
    )


def _changed(first: Item, second: Item) -> tuple[Item, Item]:
    return tuple({**one, "secret": {"B": bytes(32)}} for one in (first, second))  # type: ignore[return-value]


def _short(first: Item, second: Item) -> tuple[Item, Item]:
    return tuple({**one, "secret": {"B": b""}} for one in (first, second))  # type: ignore[return-value]


def _without(name: str) -> Callable[[Item, Item], tuple[Item, Item]]:
    def alter(*rows: Item) -> tuple[Item, Item]:
        return tuple({k: v for k, v in row.items() if k != name} for row in rows)  # type: ignore[return-value]

    return alter


@pytest.mark.parametrize(
    "alter",
    [
        _exchanged,
        _pseudonyms_exchanged,
        _changed,
        _short,
        _without("secret"),
        _without("pseudonym"),
    ],
)
def test_a_secret_of_another_pseudonym_is_refused(
    world: World, alter: Callable[[Item, Item], tuple[Item, Item]]
) -> None:
    """Query opens no records with it, and ingest seals none under it."""
    table = SubjectsTable(world.dynamodb, f"{NAME}-subjects", ORIGIN)
    names = ["aa" * 32, "bb" * 32]
    table.current(names, 2026)
    first, second = world.items("subjects")
    for row in alter(first, second):
        world.dynamodb.put_item(TableName=f"{NAME}-subjects", Item=row)
    for name in names:
        with pytest.raises(VerificationError):
            table.generations(name)
        with pytest.raises(VerificationError):
            table.current([name], 2026)
