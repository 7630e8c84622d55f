"""Restarts of a counter are distinguished from repeats, late numbers and gaps.

A case has the events, fields of the stream, and the gaps as (run, first, last).
"""

import pytest

from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.sequence_gaps.state import MAX_AHEAD
from tests.builders.sequence_numbers import START_MS, numbered
from tests.sequence_gaps.reported import in_order, only_stream, report_of, restarted

Case = tuple[list[OpenedEvent], dict[str, int], list[tuple[int, int, int]]]

LATER_MS = START_MS + 10**6
OVERTAKEN = [*in_order(range(100)), *restarted([5, 2, *range(6, 4 + MAX_AHEAD)], 100)]
BELOW = [*in_order([10, 11]), numbered(8, 2, time_ms=START_MS + 11_500)]
DAY_AHEAD_MS = START_MS + 50 * 365 * 86_400_000

RESTARTS: dict[str, Case] = {
    "at 0": (
        [*in_order([0, 1, 2, 5]), *restarted([0, 1, 3], 4)],
        {"resets": 1, "repeats": 0, "first": 0, "last": 3},
        [(0, 3, 4), (1, 2, 2)],
    ),
    "at 1": (
        [*in_order([0, 1, 2, 5]), *restarted([1, 2, 4], 4)],
        {"resets": 1, "repeats": 0, "first": 1, "last": 4},
        [(0, 3, 4), (1, 3, 3)],
    ),
    "below the first number that arrived": (
        [*in_order([500, 501]), *restarted([1, 2], 2)],
        {"resets": 1, "late": 0},
        [],
    ),
    "events in transit belong to the run before, by their own time": (
        [*in_order([1, 2, 5]), *restarted([1, 2], 3), numbered(3, 9), numbered(7, 10)],
        {"resets": 1, "repeats": 0},
        [(0, 4, 4), (0, 6, 6)],
    ),
    "the first number is overtaken": (
        [*in_order([1, 2, 3]), *restarted([2, 1, 3], 3)],
        {"resets": 1, "repeats": 0, "last": 3},
        [],
    ),
    "the first number is lost: MAX_AHEAD later numbers prove it": (
        [*in_order(range(100)), *restarted(range(2, 2 + MAX_AHEAD), 100)],
        {"resets": 1, "repeats": 0},
        [],
    ),
    "events of the same millisecond as the first number": (
        [*in_order([1, 2, 3]), *(numbered(n, 10 + n, time_ms=LATER_MS) for n in (1, 2, 3))],
        {"resets": 1, "repeats": 0, "last": 3},
        [],
    ),
    "the first number is lost and a later one overtakes": (OVERTAKEN, {"resets": 1}, [(1, 3, 4)]),
    "the overtaken numbers still belong to the run": (
        [*OVERTAKEN, *restarted([3, 4], 200)],
        {"resets": 1, "repeats": 0, "late": 2},
        [],
    ),
    "an older repeat stays a repeat": (
        [*in_order([1, 2, 3]), numbered(2, 3, time_ms=START_MS + 3_500), *restarted([1, 3], 4)],
        {"resets": 1, "repeats": 1},
        [(1, 2, 2)],
    ),
    "its numbers fill no gap of the run before": (
        [*in_order([1, 4, 5]), *restarted([1, 2, 3], 10)],
        {"resets": 1, "repeats": 0, "late": 0},
        [(0, 2, 3)],
    ),
}
NO_RESTARTS: dict[str, Case] = {
    "one number fewer than MAX_AHEAD": (
        [*in_order(range(100)), *restarted(range(2, 1 + MAX_AHEAD), 100)],
        {"repeats": MAX_AHEAD - 1},
        [],
    ),
    "numbers used twice": (
        [
            numbered(n, 2 * n + again, time_ms=START_MS + n * 1000 + 5 * again)
            for n in range(1, 41)
            for again in range(1 + (n < 40))
        ],
        {"repeats": 39},
        [],
    ),
    "one event with the first number": (
        [
            *in_order(range(1, 101)),
            numbered(1, 100, time_ms=LATER_MS),
            *(numbered(n, 100 + n, time_ms=LATER_MS + n) for n in range(101, 110)),
        ],
        {"repeats": 1, "last": 109},
        [],
    ),
    "a resent batch, whose times are those of the first submission": (
        [*in_order(range(50)), *(numbered(n, 50 + n) for n in range(50))],
        {"repeats": 50, "received": 100},
        [],
    ),
    "a later number below the first, which may yet be a restart": (BELOW, {"repeats": 1}, []),
    "a later number below the first is late once the run continues": (
        [*BELOW, numbered(12, 3)],
        {"repeats": 0, "late": 1},
        [(0, 9, 9)],
    ),
    "events without an own time, whose order is not the portal's": (
        [
            numbered(n, seq, time_ms=START_MS + seq, flags=("cloudevents.no-time",))
            for seq, n in enumerate([3, 4, 1])
        ],
        {"late": 1},
        [(0, 2, 2)],
    ),
}


def check(case: Case) -> None:
    """Compare the report of a case's events with its stream and gaps."""
    events, fields, gaps = case
    reported = report_of(events)
    stream = only_stream(reported)
    assert {name: getattr(stream, name) for name in fields} == fields
    assert [(gap.run, gap.first, gap.last) for gap in reported.gaps] == gaps
    assert stream.missing_events == sum(last - first + 1 for _, first, last in gaps)


@pytest.mark.parametrize("case", RESTARTS.values(), ids=RESTARTS)
def test_recognizes_a_restart(case: Case) -> None:
    """Several known numbers are later than all events of the run."""
    check(case)


@pytest.mark.parametrize("case", NO_RESTARTS.values(), ids=NO_RESTARTS)
def test_counts_repeats_and_late_numbers_without_a_restart(case: Case) -> None:
    """The run continues."""
    events, fields, gaps = case
    check((events, fields | {"resets": 0}, gaps))


@pytest.mark.parametrize("number", [1, 3, 50])
def test_clock_far_ahead_hides_no_restart(number: int) -> None:
    """By a day or more: otherwise all later events would be older."""
    wrong = numbered(number, 0, time_ms=DAY_AHEAD_MS)
    reported = report_of([wrong, *in_order([1, 2, 3, 4])[1:], *restarted([1, 2, 4], 10)])
    assert only_stream(reported).resets == 1
    assert [(gap.first, gap.last) for gap in reported.gaps if gap.run == 1] == [(3, 3)]
