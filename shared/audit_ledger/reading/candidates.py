"""Candidates: places of entries that a search may be after, in order of the events' own time.

Three ways lead to them, and each is complete by itself:

- **of persons**: by pseudonym of patient or agent, from the secondary indexes;
- **of a period**: from the blocks of that period, read in the ledger's order, and from the index of
  late events, whose own time is far from the ledger's;
- **young** entries, which those indexes may not have yet, from the newest blocks, either way.

A period in which nothing is found may be long. A milestone, which is no entry, marks after
some blocks how far the search is, so that it can stop and continue there.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from audit_ledger.aws.events_search import By, EventsSearch
from audit_ledger.ledger.index import LATE_MS, EntryPosition, PositionRange, StoredEntry
from audit_ledger.reading.snapshot import LogSnapshot, StoredBlock

LATE_SECONDS = LATE_MS // 1000
BLOCKS_PER_MILESTONE = 50
MILESTONE = -1  # in the place of a block's first entry
_LAST_SEQ = 2**63 - 1


class Person:
    """A patient or an agent by all pseudonyms, one a year and generation; agents of staff one."""

    def __init__(self, by: By, pseudonyms: Iterable[bytes]) -> None:
        self.by: By = by
        self.pseudonyms = frozenset(pseudonyms)

    def is_in(self, entry: StoredEntry) -> bool:
        """Whether an index row names this one."""
        if self.by == "patient":
            return entry.row.patient in self.pseudonyms
        return not self.pseudonyms.isdisjoint((*entry.row.agents, *entry.row.others))


def by_person(
    search: EventsSearch,
    log: LogSnapshot,
    persons: Sequence[Person],
    window: PositionRange,
    young: Sequence[StoredEntry],
    *,
    newest_first: bool,
) -> Iterator[EntryPosition]:
    """Return the places of entries that name any of these persons."""
    first_young = min((entry.seq for entry in young), default=log.size)
    streams: list[Iterator[EntryPosition]] = [
        filter(
            lambda position: position.seq < first_young,
            search.of_person(person.by, pseudonym, window, newest_first=newest_first),
        )
        for person in persons
        for pseudonym in sorted(person.pseudonyms)
    ]
    named = [e for e in young if any(person.is_in(e) for person in persons)]
    streams.append(iter(_sorted(named, window, newest_first=newest_first)))
    return _each_once(heapq.merge(*streams, reverse=newest_first))


def by_period(
    search: EventsSearch,
    log: LogSnapshot,
    window: PositionRange,
    young: Sequence[StoredEntry],
    *,
    newest_first: bool,
) -> Iterator[EntryPosition]:
    """Return the places of all entries whose own time is in the window."""
    first_young = min((entry.seq for entry in young), default=log.size)
    late = (p for p in search.late(window, newest_first=newest_first) if p.seq < first_young)
    own = _newest_first if newest_first else _oldest_first
    late_young = [entry for entry in young if is_late(entry)]
    streams = (
        own(log, window),
        late,
        iter(_sorted(late_young, window, newest_first=newest_first)),
    )
    return _each_once(heapq.merge(*streams, reverse=newest_first))


def entries_within(
    log: LogSnapshot,
    first_seq: int,
    end_seq: int,
    window: PositionRange,
    *,
    is_counted: Callable[[StoredEntry], bool] = lambda _: True,
) -> Iterator[EntryPosition]:
    """Return the entries of [first_seq, end_seq) whose own time is outside of the window.

    Both are where blocks begin. What `by_period` returns for the window is left out, and
    what is not to be counted.
    """
    silent = 0
    for block in log.oldest_first(first_seq):
        if block.first_seq >= end_seq:
            return
        silent += 1
        for entry in block.entries():
            if not window.first <= entry.row.time_ms <= window.last and is_counted(entry):
                yield entry.position
        if silent >= BLOCKS_PER_MILESTONE:
            yield EntryPosition(block.time * 1000, _LAST_SEQ, MILESTONE)
            silent = 0


def is_late(entry: StoredEntry) -> bool:
    """Whether an entry is in the index of late events."""
    return abs(entry.row.time_ms - entry.block_time * 1000) > LATE_MS


def _newest_first(log: LogSnapshot, window: PositionRange) -> Iterator[EntryPosition]:
    """Read blocks backwards. What is to come is older than a block's time and two minutes."""
    start = log.first_after(_seconds(window.last) + LATE_SECONDS)
    waiting: list[tuple[int, int, int]] = []  # negated: the newest is on top of the heap
    silent = 0
    for block in log.newest_first(start):
        if block.time * 1000 + LATE_MS < window.first:
            break
        for position in _in_time(block, window):
            heapq.heappush(waiting, (-position.time_ms, -position.seq, -position.first_seq))
        reached = block.time * 1000 + LATE_MS
        silent += 1
        while waiting and -waiting[0][0] > reached:
            yield _negated(heapq.heappop(waiting))
            silent = 0
        if silent >= BLOCKS_PER_MILESTONE:
            yield EntryPosition(reached, _LAST_SEQ, MILESTONE)
            silent = 0
    while waiting:
        yield _negated(heapq.heappop(waiting))


def _oldest_first(log: LogSnapshot, window: PositionRange) -> Iterator[EntryPosition]:
    """Read blocks forwards. What is to come is newer than a block's time less two minutes."""
    start = log.first_after(_seconds(window.first) - LATE_SECONDS - 1)
    waiting: list[EntryPosition] = []
    silent = 0
    for block in log.oldest_first(start):
        if block.time * 1000 - LATE_MS > window.last:
            break
        for position in _in_time(block, window):
            heapq.heappush(waiting, position)
        reached = block.time * 1000 - LATE_MS
        silent += 1
        while waiting and waiting[0].time_ms < reached:
            yield heapq.heappop(waiting)
            silent = 0
        if silent >= BLOCKS_PER_MILESTONE:
            yield EntryPosition(reached, 0, MILESTONE)
            silent = 0
    while waiting:
        yield heapq.heappop(waiting)


def _in_time(block: StoredBlock, window: PositionRange) -> Iterator[EntryPosition]:
    for entry in block.entries():
        if window.first <= entry.row.time_ms <= window.last and not is_late(entry):
            yield entry.position


def _sorted(
    entries: Iterable[StoredEntry], window: PositionRange, *, newest_first: bool
) -> list[EntryPosition]:
    positions = (entry.position for entry in entries)
    inside = (position for position in positions if window.first <= position.time_ms <= window.last)
    return sorted(inside, reverse=newest_first)


def _each_once(positions: Iterable[EntryPosition]) -> Iterator[EntryPosition]:
    """Leave out what two ways led to: equal places stand side by side."""
    last: EntryPosition | None = None
    for position in positions:
        if position != last:
            yield position
        last = position


def _negated(waiting: tuple[int, int, int]) -> EntryPosition:
    return EntryPosition(-waiting[0], -waiting[1], -waiting[2])


def _seconds(milliseconds: int) -> int:
    """Round up to whole seconds."""
    return -(-milliseconds // 1000)
