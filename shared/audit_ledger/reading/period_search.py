"""The events of a period, for reports: by their own time and by the time of their entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit_ledger.events.instant import FIRST_MS, LAST_MS
from audit_ledger.events.own_time import is_plausible
from audit_ledger.ledger.index import EntryPosition, PositionRange, StoredEntry
from audit_ledger.reading.candidates import (
    MILESTONE,
    by_period,
    by_person,
    entries_within,
)
from audit_ledger.reading.event_finder import EventFinder
from audit_ledger.reading.record_opener import OpenedRecord
from audit_ledger.reading.search import BATCH_SIZE
from audit_ledger.reading.search_candidates import next_chunk, persons_of
from audit_ledger.search.criteria import Search

MAX_LOOKED_AT = 20_000  # events, for a report


@dataclass(frozen=True)
class FoundInPeriod:
    """Events of a period. `looked_at`: how many were opened, erased, or did not match.

    `reached_ms`: None where it is the whole period; else it is what is later than that.
    """

    found: tuple[OpenedRecord, ...]
    looked_at: int
    reached_ms: int | None


def find_in_period(
    finder: EventFinder,
    search: Search,
    from_ms: int,
    to_ms: int,
    most: int,
    has_time: Callable[[], bool],
    has_more_time: Callable[[], bool] = lambda: True,
) -> FoundInPeriod:
    """Return the matching events of a period, by own time or by the entry's.

    `search` has no date. All entries of the period are found, whatever time they state; a report
    decides which time counts (`events.own_time`). The search ends after `most` events, or when time
    is up: then with the newest part of the period, or nothing. `has_more_time`: whether time is
    left to complete that part.
    """
    finder.refuse_ambiguous(search)
    if finder.ledger.keys is None:
        return FoundInPeriod((), 0, None)
    first_seq, end_seq = (finder.log.first_after(-(-ms // 1000) - 1) for ms in (from_ms, to_ms))
    window = PositionRange(from_ms, to_ms - 1)
    young = finder.log.young(finder.now)
    persons, _ = persons_of(finder, search, is_report=True)
    if persons is None:
        positions = by_period(finder.ledger.events, finder.log, window, young, newest_first=True)
        others = entries_within(finder.log, first_seq, end_seq, window)
    else:
        ever = PositionRange(FIRST_MS, LAST_MS)
        of_them = by_person(
            finder.ledger.events, finder.log, persons, ever, young, newest_first=True
        )
        positions = (
            position
            for position in of_them
            if window.first <= position.time_ms <= window.last
            or first_seq <= position.seq < end_seq
        )
        others = iter(())
    found: list[OpenedRecord] = []
    looked_at = 0
    reached_ms: int | None = None
    while chunk := next_chunk(positions, BATCH_SIZE):
        last: EntryPosition | None = None
        if looked_at < most and has_time():
            more, last = _open(finder, search, chunk, has_time)
            found += more
            looked_at += sum(position.first_seq != MILESTONE for position in chunk)
        if last != chunk[-1]:
            if persons is not None or reached_ms is None:
                return FoundInPeriod((), looked_at, to_ms)
            return _later_than(
                finder, reached_ms, found, looked_at, search, end_seq, window, has_more_time
            )
        reached_ms = chunk[-1].time_ms
    while chunk := next_chunk(others, BATCH_SIZE):
        more, last = _open(finder, search, chunk, has_time)
        found += more
        looked_at += sum(position.first_seq != MILESTONE for position in chunk)
        if last != chunk[-1] or looked_at > most:
            return FoundInPeriod((), looked_at, to_ms)
    return FoundInPeriod(tuple(found), looked_at, None)


def _later_than(
    finder: EventFinder,
    reached_ms: int,
    found: list[OpenedRecord],
    looked_at: int,
    search: Search,
    end_seq: int,
    window: PositionRange,
    has_time: Callable[[], bool],
) -> FoundInPeriod:
    """Return the part of a period that is later than `reached_ms`.

    It lacks only entries of that part with a plausible earlier time, which its report omits.
    """
    first_seq = finder.log.first_after(-(-(reached_ms + 1) // 1000) - 1)
    later = PositionRange(reached_ms + 1, window.last)
    found = [each for each in found if each.event.time_ms > reached_ms]
    others = entries_within(finder.log, first_seq, end_seq, later, is_counted=_is_implausible)
    while chunk := next_chunk(others, BATCH_SIZE):
        more, last = _open(finder, search, chunk, has_time)
        found += more
        looked_at += sum(position.first_seq != MILESTONE for position in chunk)
        if last != chunk[-1] or not has_time() or looked_at > 2 * MAX_LOOKED_AT:
            return FoundInPeriod((), looked_at, window.last + 1)
    return FoundInPeriod(tuple(found), looked_at, reached_ms)


def _open(
    finder: EventFinder,
    search: Search,
    chunk: Sequence[EntryPosition],
    has_time: Callable[[], bool],
) -> tuple[list[OpenedRecord], EntryPosition]:
    """Open events, and forget their documents: all events of a report are in memory together."""
    found, last = finder.open_matching(search, chunk, has_time)
    for opened in found:
        opened.event.forget_document()
    return found, last


def _is_implausible(entry: StoredEntry) -> bool:
    return not is_plausible(entry.row.time_ms, entry.block_time)
