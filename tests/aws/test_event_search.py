"""Entries are found by patient, agent and lateness, in order of their own time, and by id."""

from itertools import product

import msgspec
import pytest

from audit_ledger.aws.batches import batch_put
from audit_ledger.aws.events_search import By, EventsSearch
from audit_ledger.aws.events_table import index_items
from audit_ledger.ledger.block import BlockItem
from audit_ledger.ledger.index import EntryPosition, PositionRange, StoredEntry
from audit_ledger.records.index_row import IndexRow
from tests.aws.counted_calls import counted_calls
from tests.world import NAME, ORIGIN, World

NOW = 1_795_327_140
ROSE, MARTHA = b"r" * 16, b"m" * 16
DOC, NURSE = b"d" * 16, b"n" * 16
ALWAYS = PositionRange(0, 2**53)


def entry(seq: int, offset_ms: int, patient: bytes | None, *agents: bytes) -> StoredEntry:
    """An entry whose event is so far from the ledger's time; blocks hold three."""
    row = IndexRow(
        event_id=f"{seq:064x}",
        time_ms=NOW * 1000 + offset_ms,
        patient=patient,
        agents=agents,
        others=(),
        fingerprint=bytes(32),
        generation=2026000,
    )
    item = BlockItem(b"", row.to_bytes(), conflict=seq == 5)
    return StoredEntry(seq, seq - seq % 3, NOW, row, item)


ENTRIES = [
    entry(1, 0, ROSE, DOC),
    entry(2, -1000, ROSE, DOC, NURSE),
    entry(3, 1000, MARTHA, NURSE),
    entry(4, -300_000, ROSE, NURSE),  # late
    entry(5, 500, None, DOC),
    entry(6, 500, ROSE),  # the same time as another
    entry(7, 200_000, MARTHA, DOC),  # ahead of its time
    entry(8, 120_000, ROSE, ROSE),  # as far as is not late; a patient who acted
    entry(9, -120_001, MARTHA, DOC),
]


@pytest.fixture(scope="module")
def search(world: World) -> EventsSearch:
    """The index of ENTRIES, beside that of another ledger with the same pseudonyms."""
    for origin, entries in (
        (ORIGIN, ENTRIES),
        ("audit.example.org/other", [entry(1, 7, ROSE, DOC)]),
    ):
        batch_put(
            world.dynamodb,
            f"{NAME}-events",
            [item for each in entries for item in index_items(origin, each)],
            pause=lambda _: None,
        )
    return EventsSearch(world.dynamodb, f"{NAME}-events", ORIGIN)


def recounted(
    entries: list[StoredEntry], window: PositionRange, *, newest_first: bool
) -> list[int]:
    """Numbers of entries within a window, in order of their own time, then of entry."""
    first, last = (window.first, window.first_seq), (window.last, window.last_seq)
    inside = sorted((e.row.time_ms, e.seq) for e in entries)
    found = [seq for time_ms, seq in inside if first <= (time_ms, seq) <= last]
    return found[::-1] if newest_first else found


WINDOWS = [
    ALWAYS,
    PositionRange(NOW * 1000 - 1000, NOW * 1000 + 1000),  # both ends are in it
    PositionRange(NOW * 1000 + 1, NOW * 1000 + 499),
    PositionRange(NOW * 1000 + 500, NOW * 1000 + 500),
    PositionRange(
        NOW * 1000 + 500, NOW * 1000 + 500, first_seq=6
    ),  # behind the other of one instant
    PositionRange(NOW * 1000 + 500, NOW * 1000 + 500, last_seq=5),
    PositionRange(NOW * 1000, NOW * 1000, last_seq=-1),  # nothing is left
]


HOW = [(window, newest_first) for window in WINDOWS for newest_first in (False, True)]


@pytest.mark.parametrize("by", ["patient", "agent"])
def test_a_persons_entries_are_found_by_time(search: EventsSearch, by: By) -> None:
    """Every one of them, further agents too, and of this ledger alone."""
    for person, (window, newest_first) in product((ROSE, MARTHA, DOC, NURSE, b"x" * 16), HOW):
        places = list(search.of_person(by, person, window, newest_first=newest_first))
        named = [
            e
            for e in ENTRIES
            if (person == e.row.patient if by == "patient" else person in e.row.agents)
        ]
        wanted = recounted(named, window, newest_first=newest_first)
        assert [place.seq for place in places] == wanted
        assert set(places) <= {e.position for e in ENTRIES}


def test_a_search_reads_every_page(search: EventsSearch, world: World) -> None:
    """DynamoDB returns less than a whole index; here one entry a page."""
    expected = list(search.of_person("agent", DOC, ALWAYS, newest_first=False))
    with counted_calls(world.dynamodb, "Query", Limit=1) as pages:
        assert list(search.of_person("agent", DOC, ALWAYS, newest_first=False)) == expected
    assert len(pages) >= len(expected) > 1


def test_late_entries_are_found_by_their_own_time(search: EventsSearch) -> None:
    """Those more than two minutes from the ledger's time, before or after."""
    late = [e for e in ENTRIES if e.seq in (4, 7, 9)]
    for window, newest_first in HOW:
        places = list(search.late(window, newest_first=newest_first))
        assert [p.seq for p in places] == recounted(late, window, newest_first=newest_first)


def test_an_entry_is_found_by_its_id(search: EventsSearch) -> None:
    """Or by its conflict key: where it is, and its index row as stored."""
    for each in ENTRIES:
        found = search.entry(each.key)
        assert found is not None
        assert found.position == EntryPosition(each.row.time_ms, each.seq, each.seq - each.seq % 3)
        assert found.row_bytes == each.row.to_bytes()


def test_an_id_without_an_entry_finds_nothing(search: EventsSearch, world: World) -> None:
    """An unknown id, a further person's item, and one whose entry a rebuild did not find."""
    assert search.entry("f" * 64) is None
    assert search.entry(f"{ENTRIES[1].row.event_id}#1") is None
    lost = {"key": {"S": f"{ORIGIN}#{'e' * 64}"}, "lost": {"BOOL": True}}
    world.dynamodb.put_item(TableName=f"{NAME}-events", Item=lost)
    assert search.entry("e" * 64) is None


def test_places_sort_by_time_and_then_by_entry() -> None:
    """As the pages of a search do."""
    places = [
        EntryPosition(2, 1, 0),
        EntryPosition(1, 9, 3),
        EntryPosition(1, 2, 0),
        EntryPosition(1, 9, 0),
    ]
    assert sorted(places) == [
        EntryPosition(1, 2, 0),
        EntryPosition(1, 9, 0),
        EntryPosition(1, 9, 3),
        EntryPosition(2, 1, 0),
    ]
    assert msgspec.structs.astuple(ENTRIES[3].position) == (NOW * 1000 - 300_000, 4, 3)
