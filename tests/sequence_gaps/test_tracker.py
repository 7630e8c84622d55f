"""Gaps, repeats, parts and conflicts of streams, recounted from the numbers alone."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.records.opened_event import OpenedEvent
from tests.builders.audit_event import SEQUENCE_URL as URL
from tests.builders.cloudevent import cloudevent
from tests.builders.sequence_numbers import START_MS, at_entry, extended, numbered
from tests.sequence_gaps.reported import (
    in_order,
    missing_of,
    numbers_in,
    only_stream,
    report_of,
    stream_of,
)


@given(st.lists(st.integers(0, 80), min_size=1, max_size=60))
def test_gaps_equal_a_recount(numbers: list[int]) -> None:
    """For numbers in any order, with repeats."""
    reported = report_of(in_order(numbers))
    assert numbers_in(reported.gaps) == missing_of(numbers)
    row = only_stream(reported)
    assert (row.first, row.last) == (min(numbers), max(numbers))
    assert row.missing_events == len(missing_of(numbers))
    assert row.repeats == len(numbers) - len(set(numbers))
    assert row.received == len(numbers)
    assert row.resets == 0
    # Late is what came after a higher number.
    first_time = list(dict.fromkeys(numbers))
    assert row.late == sum(n < max(first_time[: at + 1]) for at, n in enumerate(first_time))


def bounds_of(numbers: list[int]) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in report_of(in_order(numbers)).gaps]


@given(st.sets(st.integers(0, 80), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_order_of_arrival_changes_no_gap(numbers: set[int], random: Any) -> None:
    """The same numbers in two orders yield the same open gaps."""
    one, other = sorted(numbers), sorted(numbers)
    random.shuffle(other)
    assert bounds_of(one) == bounds_of(other)


def test_gap_contains_the_entry_that_revealed_it() -> None:
    """Also what remains of a gap."""
    reported = report_of(in_order([1, 2, 9, 10, 5]))
    at = START_MS // 1000 + 2
    assert [(g.first, g.last, g.missing_events, g.is_exact) for g in reported.gaps] == [
        (3, 4, 2, True),
        (6, 8, 3, True),
    ]
    assert [(g.noticed_at, g.noticed_time) for g in reported.gaps] == [(2, at), (2, at)]
    assert [(a.number, a.entry, a.time) for a in only_stream(reported).latest_late] == [
        (5, 4, at + 2)
    ]


def test_streams_are_separate() -> None:
    """By portal, counter and source."""
    data = extended({"url": URL, "valueInteger": 4})
    other = extended({"url": URL, "valueInteger": 7}, observer={"reference": "Device/other"})
    lab = cloudevent(sequence="1", sequencetype="Integer")
    reported = report_of(
        [
            at_entry(data, 0),
            at_entry(other, 1),
            at_entry(data, 2, portal="app"),
            at_entry(lab, 3),
        ]
    )
    assert [(s.portal, s.counter, s.source, s.last) for s in reported.streams] == [
        ("app", "fhir-observer", "Device/ehr", 4),
        ("ehr", "cloudevents-source", "urn:lab", 1),
        ("ehr", "fhir-observer", "Device/ehr", 4),
        ("ehr", "fhir-observer", "Device/other", 7),
    ]
    assert reported.gaps == ()


def parts(number: int, seq: int, count: int = 3, **other: Any) -> list[OpenedEvent]:
    """Return the entries of one event of several patients: each lacks the others' elements."""
    received = f"2026-11-22T06:00:{seq:02d}.000Z"
    return [
        numbered(
            number,
            seq + part,
            received=received,
            cut=tuple(f"AuditEvent.entity[{n}]" for n in range(count) if n != part),
            **other,
        )
        for part in range(count)
    ]


def test_parts_of_one_event_are_no_repeats() -> None:
    """Three patients, three entries, one number; entries of other events may lie between them."""
    one, other = parts(1, 0), parts(2, 10)
    mixed = [one[0], other[0], one[1], numbered(3, 5), other[1], one[2], other[2]]
    for events in ([numbered(1, 0), *parts(2, 1), numbered(3, 4)], mixed):
        row = stream_of(events)
        assert (row.received, row.repeats, row.missing_events) == (3, 0, 0)


def test_repeated_event_of_several_patients_is_one_repeat() -> None:
    """Received later, or twice in one request."""
    for seq in (10, 0):
        row = stream_of([*parts(1, 0), *parts(1, seq)])
        assert (row.received, row.repeats) == (2, 1)


def test_same_number_in_one_request_is_a_repeat() -> None:
    """Two events of one patient each."""
    row = stream_of([numbered(1, 0, received="x"), numbered(1, 1, received="x")])
    assert (row.received, row.repeats) == (2, 1)


def test_conflicts_are_counted_separately() -> None:
    """A known id with other content usually has a known number."""
    row = stream_of([numbered(1, 0), numbered(1, 1, conflict=True)])
    assert (row.repeats, row.conflicts) == (0, 1)
    row = stream_of([numbered(1, 0), numbered(2, 1, conflict=True)])
    assert (row.last, row.conflicts) == (2, 0)


def test_part_without_number_or_source_is_not_counted() -> None:
    """Another part of the event contains it."""
    lab = cloudevent(sequence="1", sequencetype="Integer")
    del lab["source"]
    bare = at_entry(extended(), 0, cut=("AuditEvent.extension[0]",))
    assert report_of([bare, at_entry(lab, 1, cut=("source",))]) == report_of([])


def test_uncountable_events_are_counted_by_portal() -> None:
    """For example a sequence of another type."""
    event = at_entry(cloudevent(sequence="b"), 0, portal="lab")
    reported = report_of([event, event])
    assert reported.uncountable == {"lab": 2}
    assert reported.streams == ()
