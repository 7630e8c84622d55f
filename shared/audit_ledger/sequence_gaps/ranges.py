"""Add numbers to a run of a counter, and maintain its open gaps."""

from bisect import bisect_right
from typing import Literal

from msgspec.structs import replace

from audit_ledger.sequence_gaps.state import MAX_GAPS, Gap, NumberRange

Arrival = Literal["next", "late", "seen"]


def begin(number: int, time_ms: int) -> NumberRange:
    """Return a run of one number; `time_ms`: the event's own time, milliseconds since 1970."""
    return NumberRange(number, number + 1, time_ms, time_ms)


def is_known(run: NumberRange, number: int) -> bool:
    """Return whether this number has arrived (False also if it may have, in an inexact gap)."""
    return run.first <= number < run.next and _gap_at(run, number) is None


def arrive(
    run: NumberRange, number: int, time_ms: int, entry: int, entry_time: int
) -> tuple[NumberRange, Arrival]:
    """Return a run with one more number, and the kind of arrival; their order changes no gap."""
    newest_ms = max(run.newest_ms, time_ms)
    if number >= run.next:
        gaps = (*run.gaps, *_opened(run.next, number - 1, entry, entry_time))
        run = replace(run, next=number + 1, newest_ms=newest_ms, gaps=gaps)
        return _within_bound(run), "next"
    if number < run.first:
        gaps = (*_opened(number + 1, run.first - 1, entry, entry_time), *run.gaps)
        run = replace(run, first=number, newest_ms=newest_ms, gaps=gaps)
        return _within_bound(run), "late"
    at = _gap_at(run, number)
    if at is None:
        return run, "seen"
    left = _without(run.gaps[at], number)
    gaps = (*run.gaps[:at], *left, *run.gaps[at + 1 :])
    return _within_bound(replace(run, newest_ms=newest_ms, gaps=gaps)), "late"


def _gap_at(run: NumberRange, number: int) -> int | None:
    at = bisect_right(run.gaps, number, key=lambda gap: gap.first) - 1
    return at if at >= 0 and number <= run.gaps[at].last else None


def _opened(first: int, last: int, entry: int, entry_time: int) -> tuple[Gap, ...]:
    return (Gap(first, last, last - first + 1, entry, entry_time),) if first <= last else ()


def _without(gap: Gap, number: int) -> tuple[Gap, ...]:
    """Return the rest of a gap after one of its numbers arrived."""
    if not gap.is_exact:
        return (replace(gap, missing=gap.missing - 1),) if gap.missing > 1 else ()
    parts = ((gap.first, number - 1), (number + 1, gap.last))
    return tuple(
        Gap(first, last, last - first + 1, gap.noticed_at, gap.noticed_time)
        for first, last in parts
        if first <= last
    )


def _within_bound(run: NumberRange) -> NumberRange:
    """If there are too many gaps, merge the two with the fewest numbers between them."""
    if len(run.gaps) <= MAX_GAPS:
        return run
    gaps = run.gaps
    at = min(range(len(gaps) - 1), key=lambda i: gaps[i + 1].first - gaps[i].last)
    one, other = gaps[at], gaps[at + 1]
    earlier = min(one, other, key=lambda gap: gap.noticed_at)
    both = Gap(
        one.first,
        other.last,
        one.missing + other.missing,
        earlier.noticed_at,
        earlier.noticed_time,
    )
    return replace(run, gaps=(*gaps[:at], both, *gaps[at + 2 :]))
