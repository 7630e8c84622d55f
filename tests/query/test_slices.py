"""An event that takes long, or cannot be read, does not stop a search."""

from collections.abc import Callable
from typing import Any

import pytest

from audit_ledger.reading import event_finder
from audit_ledger.reading.event_finder import EventFinder
from audit_ledger.reading.record_opener import RecordOpener
from audit_ledger.reading.search import UNOPENED, Page, find_page
from audit_ledger.reading.snapshot import LogSnapshot
from audit_ledger.search.criteria import Search
from audit_ledger.search.match import matches
from audit_ledger.search.parameters import parse_search
from functions.sequencer import handler as sequencing
from tests.builders.audit_event import encoded, r4
from tests.follower.sealed_ledger import NOW, SealedLedger
from tests.functions.publishing import Clock
from tests.world import World

EVENTS = 12


@pytest.fixture
def one_ledger(world: World, monkeypatch: pytest.MonkeyPatch) -> SealedLedger:
    """A ledger with twelve events in one block."""
    sequencing.sequencer.cache_clear()
    clock = Clock()
    clock.now = NOW
    monkeypatch.setattr(sequencing, "time", clock)
    ledger = SealedLedger(world)
    ledger.append(*(event(number) for number in range(1, EVENTS + 1)))
    return ledger


def event(number: int) -> bytes:
    """Return an event by a practitioner of this number, of a kilobyte."""
    return encoded(
        r4(
            recorded="2026-11-23T02:00:00.000Z",
            agent=[{"who": {"reference": f"Practitioner/{number}"}, "requestor": True}],
            source={"observer": {"display": "x" * 1000}},
        )
    )


def search_of_the_month() -> Search:
    """Return a search of the month of all events."""
    return parse_search([("date", "2026-11")], is_strict=False, is_bounded_by_token=False)


def finder(one_ledger: SealedLedger) -> EventFinder:
    """Return a finder of all events, as of a minute later."""
    ledger = one_ledger.ledger
    return EventFinder(
        ledger,
        LogSnapshot(ledger.blocks, one_ledger.size),
        RecordOpener(ledger, NOW + 60),
        NOW + 60,
    )


def pages(one_ledger: SealedLedger, has_time: Callable[[], Callable[[], bool]]) -> list[Page]:
    """Return all pages of a search, each of a request of its own."""
    found = [find_page(finder(one_ledger), search_of_the_month(), None, has_time())]
    while found[-1].next is not None:
        found.append(
            find_page(finder(one_ledger), search_of_the_month(), found[-1].next, has_time())
        )
        assert len(found) <= EVENTS + 1, "a page ends where it began"
    return found


def time_for(count: int) -> Callable[[], Callable[[], bool]]:
    """Return a clock that ends each request after this number of events."""

    def start() -> Callable[[], bool]:
        answers = iter([True] * (count - 1))
        return lambda: next(answers, False)

    return start


@pytest.mark.parametrize("count", [0, 1, 2, 5, 50])
def test_a_page_ends_when_time_is_up(one_ledger: SealedLedger, count: int) -> None:
    """After any event; all pages together find each event once, in order."""
    found = pages(one_ledger, time_for(count))
    seqs = [opened.event.seq for page in found for opened in page.found]
    assert seqs == list(range(EVENTS, 0, -1))
    assert all(len(page.found) <= max(1, count) for page in found)
    assert len(found) <= EVENTS // max(1, count) + 2


def test_a_page_ends_after_a_number_of_bytes(
    one_ledger: SealedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event that exceeds the number is the last."""
    monkeypatch.setattr(event_finder, "MAX_FOUND_BYTES", 3000)
    found = pages(one_ledger, lambda: lambda: True)
    assert {len(page.found) for page in found} == {3}
    assert len(found) == EVENTS // 3


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, TypeError])
def test_an_event_that_cannot_be_matched_is_left_out_with_a_warning(
    one_ledger: SealedLedger, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """All others are found."""

    def raising(search: Search, opened: Any, *more: Any) -> bool:
        if opened.seq == 7:
            raise error("Practitioner/7")
        return matches(search, opened, *more)

    monkeypatch.setattr(event_finder, "matches", raising)
    (page,) = pages(one_ledger, lambda: lambda: True)
    assert [opened.event.seq for opened in page.found] == [12, 11, 10, 9, 8, 6, 5, 4, 3, 2, 1]
    assert page.warnings == (UNOPENED,)
