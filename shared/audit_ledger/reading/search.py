"""Searches of a ledger: one page of events that match, or their number.

A page is bounded by work as well as by length: a search for rare events returns what was found so
far and a cursor to continue from. All pages of a search see the same published size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from audit_ledger.ledger.index import EntryPosition
from audit_ledger.reading.event_finder import EventFinder
from audit_ledger.reading.record_opener import OpenedRecord
from audit_ledger.reading.search_candidates import candidates_of, next_chunk, range_of
from audit_ledger.search.criteria import Search
from audit_ledger.search.query_plan import entry_period, event_period

BATCH_SIZE = 50  # records whose secrets are looked up together
MAX_OPENED = 1000  # a page
MAX_BLOCKS = 250  # read for a page: at most 300 KB each
UNOPENED = "record.unopened"
NO_TIME = "date.empty"


@dataclass(frozen=True)
class Page:
    """A page of a search. `next`: the position after which the next page begins, None at the end.

    `warnings`: codes of what the answer may lack; `lacks_own_use`: whether events of the ledger's
    own were left out.
    """

    found: tuple[OpenedRecord, ...]
    next: EntryPosition | None
    warnings: tuple[str, ...] = ()
    lacks_own_use: bool = False


def find_page(
    finder: EventFinder,
    search: Search,
    after: EntryPosition | None,
    has_time: Callable[[], bool] = lambda: True,
) -> Page:
    """Return a page: matching events behind `after` in the requested order.

    An altered record, or an index row of another entry, does not end a search: the page has a
    warning that it is left out.
    """
    finder.refuse_ambiguous(search)
    newest_first = search.sort == "-date"
    window = range_of(search, after, newest_first=newest_first)
    if event_period(search).is_empty or entry_period(search).is_empty:
        return Page((), None, (NO_TIME,))
    if window.is_empty or finder.ledger.keys is None:
        return Page((), None)
    positions, warnings = candidates_of(finder, search, window, newest_first=newest_first)
    if after is not None:  # a cursor does not know the block
        behind = (after.time_ms, after.seq)
        positions = (
            p
            for p in positions
            if ((p.time_ms, p.seq) < behind if newest_first else (p.time_ms, p.seq) > behind)
        )
    return _fill(finder, search, positions, after, warnings, has_time)


def count_matches(
    finder: EventFinder, search: Search, most: int, has_time: Callable[[], bool]
) -> int | None:
    """Count all matching events; None if that cannot be determined.

    That is if more than `most` records would have to be opened, time is up, the index may not lead
    to all, or a record does not open.
    """
    newest_first = search.sort == "-date"
    window = range_of(search, None, newest_first=newest_first)
    if window.is_empty or finder.ledger.keys is None:
        return 0
    positions, warnings = candidates_of(finder, search, window, newest_first=newest_first)
    unreadable: list[EntryPosition] = []
    looked_at = counted = 0
    while chunk := list(islice(positions, BATCH_SIZE)):
        looked_at += len(chunk)
        if warnings or unreadable or looked_at > most or not has_time():
            return None
        found, last = finder.open_matching(search, chunk, has_time, unreadable.append)
        if last != chunk[-1]:
            return None
        counted += len(found)
    return None if warnings or unreadable else counted


def _fill(
    finder: EventFinder,
    search: Search,
    positions: Iterator[EntryPosition],
    after: EntryPosition | None,
    warnings: tuple[str, ...],
    has_time: Callable[[], bool],
) -> Page:
    """Open candidates until the page is full, the work is done, or there are none left.

    A page always ends after the position where it began.
    """
    found: list[OpenedRecord] = []
    own_use: list[EntryPosition] = []
    opened = 0
    last: EntryPosition | None = None
    while chunk := next_chunk(positions, min(BATCH_SIZE, search.count - len(found))):
        unreadable: list[EntryPosition] = []
        more, last = finder.open_matching(
            search, chunk, has_time, unreadable.append, own_use.append
        )
        found += more
        if unreadable and UNOPENED not in warnings:
            warnings = (*warnings, UNOPENED)
        if last != chunk[-1]:
            return Page(tuple(found), last, warnings, bool(own_use))
        opened += len(chunk)
        if len(found) == search.count:
            is_last = next(positions, None) is None
            return Page(tuple(found), None if is_last else last, warnings, bool(own_use))
        is_further = after is None or (last.time_ms, last.seq) != (after.time_ms, after.seq)
        is_done = opened >= MAX_OPENED or len(finder.log.read) >= MAX_BLOCKS or not has_time()
        if is_done and is_further:
            return Page(tuple(found), last, warnings, bool(own_use))
    return Page(tuple(found), None, warnings, bool(own_use))
