"""What is known of a stream after its events, recounted from the numbers alone."""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.sequence_gaps import (
    CountedState,
    GapReport,
    GapRow,
    GapState,
    StreamRow,
    decode_counted,
    encode_counted,
    encode_within,
    report,
    track,
)
from audit_ledger.sequence_gaps.sequence_number import LAST_NUMBER
from audit_ledger.sequence_gaps.state import (
    MAX_AHEAD,
    MAX_GAPS,
    MAX_LATE,
    MAX_NAME,
    MAX_PARTED,
    MAX_RUNS,
    MAX_STREAMS,
)
from tests.builders.audit_event import SEQUENCE_URL as URL
from tests.builders.cloudevent import cloudevent
from tests.builders.sequence_numbers import START_MS, at_entry, extended, numbered


def after(events: Iterable[OpenedEvent]) -> GapReport:
    return report(reduce(track, events, GapState()))


def in_order(numbers: Sequence[int]) -> list[OpenedEvent]:
    return [numbered(number, seq) for seq, number in enumerate(numbers)]


def only(found: GapReport) -> StreamRow:
    (row,) = found.streams
    return row


def ranges(gaps: Iterable[GapRow]) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in gaps]


def missing_of(numbers: Iterable[int]) -> set[int]:
    """Recount: between the lowest and the highest, all that is not there."""
    came = set(numbers)
    return set(range(min(came), max(came) + 1)) - came


def numbers_in(gaps: Iterable[GapRow]) -> set[int]:
    return {number for gap in gaps for number in range(gap.first, gap.last + 1)}


@given(st.lists(st.integers(0, 80), min_size=1, max_size=60))
def test_the_open_gaps_are_those_of_a_recount(numbers: list[int]) -> None:
    """Whatever came in whatever order, with repeats."""
    found = after(in_order(numbers))
    assert numbers_in(found.gaps) == missing_of(numbers)
    row = only(found)
    assert (row.first, row.last) == (min(numbers), max(numbers))
    assert row.missing_events == len(missing_of(numbers))
    assert row.repeats == len(numbers) - len(set(numbers))
    assert row.received == len(numbers)
    assert row.resets == 0
    # Late is what came after a higher number.
    first_time = list(dict.fromkeys(numbers))
    assert row.late == sum(n < max(first_time[: at + 1]) for at, n in enumerate(first_time))


@given(st.sets(st.integers(0, 80), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_order_does_not_matter(numbers: set[int], random: Any) -> None:
    """The same numbers in two orders end with the same open gaps."""
    one, other = sorted(numbers), sorted(numbers)
    random.shuffle(other)
    assert ranges(after(in_order(one)).gaps) == ranges(after(in_order(other)).gaps)


@given(st.lists(st.integers(0, 80), max_size=50), st.integers(1, 50))
def test_the_state_may_be_kept_anywhere_between(numbers: list[int], size: int) -> None:
    """Encoded and decoded after each piece, it is the one of a single run."""
    events = in_order(numbers)
    whole = reduce(track, events, GapState())
    state = GapState()
    for at in range(0, len(events), size):
        state = decode_counted(
            encode_counted(CountedState(reduce(track, events[at : at + size], state)))
        ).state
    assert state == whole
    assert encode_counted(CountedState(state)) == encode_counted(CountedState(whole))


def test_a_gap_says_when_it_was_noticed() -> None:
    """By the entry that showed it, also of what is left of it."""
    found = after(in_order([1, 2, 9, 10, 5]))
    at = START_MS // 1000 + 2
    assert [(g.first, g.last, g.missing_events, g.is_exact) for g in found.gaps] == [
        (3, 4, 2, True),
        (6, 8, 3, True),
    ]
    assert [(g.noticed_at, g.noticed_time) for g in found.gaps] == [(2, at), (2, at)]
    assert [(a.number, a.entry, a.time) for a in only(found).latest_late] == [(5, 4, at + 2)]


def test_streams_are_kept_apart() -> None:
    """By portal, by counter, by source."""
    data = extended({"url": URL, "valueInteger": 4})
    other = extended({"url": URL, "valueInteger": 7}, observer={"reference": "Device/other"})
    lab = cloudevent(sequence="1", sequencetype="Integer")
    found = after(
        [
            at_entry(data, 0),
            at_entry(other, 1),
            at_entry(data, 2, portal="app"),
            at_entry(lab, 3),
        ]
    )
    assert [(s.portal, s.counter, s.source, s.last) for s in found.streams] == [
        ("app", "fhir-observer", "Device/ehr", 4),
        ("ehr", "cloudevents-source", "urn:lab", 1),
        ("ehr", "fhir-observer", "Device/ehr", 4),
        ("ehr", "fhir-observer", "Device/other", 7),
    ]
    assert found.gaps == ()


def parts(number: int, seq: int, count: int = 3, **other: Any) -> list[OpenedEvent]:
    """The entries of one event of several patients: each lacks the others' elements."""
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
    """Three patients, three entries, one number."""
    row = only(after([numbered(1, 0), *parts(2, 1), numbered(3, 4)]))
    assert (row.received, row.repeats, row.missing_events) == (3, 0, 0)


def test_parts_need_not_stand_together() -> None:
    """A block of another sequencer may come between."""
    one, other = parts(1, 0), parts(2, 10)
    row = only(after([one[0], other[0], one[1], numbered(3, 5), other[1], one[2], other[2]]))
    assert (row.received, row.repeats, row.missing_events) == (3, 0, 0)


def test_an_event_of_several_patients_that_comes_again_is_one_repeat() -> None:
    """Received later, or twice in one request."""
    row = only(after([*parts(1, 0), *parts(1, 10)]))
    assert (row.received, row.repeats) == (2, 1)
    row = only(after([*parts(1, 0), *parts(1, 0)]))
    assert (row.received, row.repeats) == (2, 1)


def test_the_same_number_in_one_request_is_a_repeat() -> None:
    """Two events of one patient each."""
    row = only(after([numbered(1, 0, received="x"), numbered(1, 1, received="x")]))
    assert (row.received, row.repeats) == (2, 1)


def test_a_conflict_is_counted_apart() -> None:
    """A known id with other content has, as a rule, a known number."""
    row = only(after([numbered(1, 0), numbered(1, 1, conflict=True)]))
    assert (row.repeats, row.conflicts) == (0, 1)
    row = only(after([numbered(1, 0), numbered(2, 1, conflict=True)]))
    assert (row.last, row.conflicts) == (2, 0)


def test_what_was_cut_out_stands_in_another_part() -> None:
    """A part without the number, or without the source, says nothing."""
    lab = cloudevent(sequence="1", sequencetype="Integer")
    del lab["source"]
    bare = at_entry(extended(), 0, cut=("AuditEvent.extension[0]",))
    assert after([bare, at_entry(lab, 1, cut=("source",))]) == after([])


def restarted(numbers: Sequence[int], seq: int, after_ms: int = 1_000_000) -> list[OpenedEvent]:
    """Events of a counter's next life, made later than those of `in_order`."""
    return [
        numbered(number, seq + at, time_ms=START_MS + after_ms + number * 1000)
        for at, number in enumerate(numbers)
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_a_counter_that_begins_anew_is_no_gap(first: int) -> None:
    """At a number that counters begin with, and later than all before."""
    found = after([*in_order([0, 1, 2, 5]), *restarted([first, first + 1, first + 3], 4)])
    row = only(found)
    assert (row.resets, row.repeats, row.first, row.last) == (1, 0, first, first + 3)
    assert [(g.run, g.first, g.last) for g in found.gaps] == [
        (0, 3, 4),
        (1, first + 2, first + 2),
    ]


def test_a_counter_that_was_joined_late_may_begin_anew() -> None:
    """Its first number is below all that came."""
    row = only(after([*in_order([500, 501]), *restarted([1, 2], 2)]))
    assert (row.resets, row.missing_events, row.late) == (1, 0, 0)


def test_what_was_on_its_way_belongs_to_the_run_before() -> None:
    """By its own time: it fills that run's gap, or goes on from its end."""
    found = after([*in_order([1, 2, 5]), *restarted([1, 2], 3), numbered(3, 9), numbered(7, 10)])
    assert [(g.run, g.first, g.last) for g in found.gaps] == [(0, 4, 4), (0, 6, 6)]
    assert only(found).repeats == 0


def test_the_first_number_may_be_overtaken() -> None:
    """2 comes before 1 of the new life: it is no repeat, and no gap."""
    found = after([*in_order([1, 2, 3]), *restarted([2, 1, 3], 3)])
    row = only(found)
    assert (row.resets, row.repeats, row.missing_events, row.last) == (1, 0, 0, 3)


@pytest.mark.parametrize(
    ("count", "resets", "repeats"),
    [(MAX_AHEAD - 1, 0, MAX_AHEAD - 1), (MAX_AHEAD, 1, 0)],
)
def test_the_first_number_may_be_lost(count: int, resets: int, repeats: int) -> None:
    """So many that come again and later than all before make a new life."""
    row = only(after([*in_order(range(100)), *restarted(range(2, 2 + count), 100)]))
    assert (row.resets, row.repeats, row.missing_events) == (resets, repeats, 0)


def test_what_is_made_at_once_is_of_one_life() -> None:
    """Events of the same millisecond as the first number."""
    begun = START_MS + 10**6
    anew = [numbered(n, 10 + n, time_ms=begun) for n in (1, 2, 3)]
    row = only(after([*in_order([1, 2, 3]), *anew]))
    assert (row.resets, row.repeats, row.last) == (1, 0, 3)


def test_a_life_began_with_its_earliest_event() -> None:
    """Where the first number is lost and a later one overtakes: the others still belong to it."""
    numbers = [5, 2, *range(6, 4 + MAX_AHEAD)]
    begun = [*in_order(range(100)), *restarted(numbers, 100)]
    found = after(begun)
    assert [(gap.run, gap.first, gap.last) for gap in found.gaps] == [(1, 3, 4)]
    found = after([*begun, *restarted([3, 4], 200)])
    assert (found.gaps, only(found).repeats, only(found).late) == ((), 0, 2)


def test_what_was_used_twice_before_is_not_of_the_new_life() -> None:
    """A repeat older than the number that the counter begins anew with stays a repeat."""
    twice = numbered(2, 3, time_ms=START_MS + 3_500)
    found = after([*in_order([1, 2, 3]), twice, *restarted([1, 3], 4)])
    assert [(gap.run, gap.first, gap.last) for gap in found.gaps] == [(1, 2, 2)]
    assert (only(found).resets, only(found).repeats) == (1, 1)


def test_a_number_used_twice_is_a_repeat() -> None:
    """The run goes on after it."""
    again = [numbered(n, 10 * n, time_ms=START_MS + n * 1000 + 5) for n in range(1, 40)]
    first = [numbered(n, 10 * n - 5) for n in range(1, 41)]
    both = sorted([*first, *again], key=lambda event: event.seq)
    row = only(after(both))
    assert (row.resets, row.repeats, row.missing_events) == (0, 39, 0)


def test_one_event_with_the_first_number_is_no_new_life() -> None:
    """The run goes on after it, and nothing of it is missing."""
    again = numbered(1, 100, time_ms=START_MS + 10**6)
    goes_on = [numbered(n, 100 + n, time_ms=START_MS + 10**6 + n) for n in range(101, 110)]
    row = only(after([*in_order(range(1, 101)), again, *goes_on]))
    assert (row.resets, row.repeats, row.missing_events, row.last) == (0, 1, 0, 109)


def test_a_new_life_fills_no_gap_of_the_old() -> None:
    """Its second number never came in the old one."""
    found = after([*in_order([1, 4, 5]), *restarted([1, 2, 3], 10)])
    assert [(gap.run, gap.first, gap.last) for gap in found.gaps] == [(0, 2, 3)]
    assert (only(found).resets, only(found).repeats, only(found).late) == (1, 0, 0)


@pytest.mark.parametrize("number", [1, 3, 50])
def test_a_clock_far_ahead_hides_no_new_life(number: int) -> None:
    """A day and more after its entry: one such event, and all others would be older."""
    wrong = numbered(number, 0, time_ms=START_MS + 50 * 365 * 86_400_000)
    found = after([wrong, *in_order([1, 2, 3, 4])[1:], *restarted([1, 2, 4], 10)])
    assert only(found).resets == 1
    assert [(gap.first, gap.last) for gap in found.gaps if gap.run == 1] == [(3, 3)]


def test_a_batch_sent_again_is_repeats() -> None:
    """Its times are those of the first time."""
    row = only(after([*in_order(range(50)), *(numbered(n, 50 + n) for n in range(50))]))
    assert (row.resets, row.repeats, row.received) == (0, 50, 100)


def test_a_number_below_the_first_that_is_ahead_is_late_once_the_run_goes_on() -> None:
    """Until then it might be a new life of the counter."""
    events = [*in_order([10, 11]), numbered(8, 2, time_ms=START_MS + 11_500)]
    assert only(after(events)).missing_events == 0
    found = after([*events, numbered(12, 3)])
    assert ranges(found.gaps) == [(9, 9)]
    assert (only(found).late, only(found).repeats) == (1, 0)


def test_without_a_time_of_its_own_nothing_begins_anew() -> None:
    """Its time is that of receipt, which says nothing of the portal's order."""
    untimed = {"flags": ("cloudevents.no-time",)}
    events = [numbered(n, s, time_ms=START_MS + s, **untimed) for s, n in enumerate([3, 4, 1])]
    found = after(events)
    assert only(found).resets == 0
    assert ranges(found.gaps) == [(2, 2)]


def test_what_cannot_be_counted_is_said() -> None:
    """A sequence of another type, a portal at a time."""
    event = at_entry(cloudevent(sequence="b"), 0, portal="lab")
    found = after([event, event])
    assert found.uncountable == {"lab": 2}
    assert found.streams == ()


def holes(count: int) -> list[OpenedEvent]:
    """As many gaps of one number, the last numbers standing furthest apart."""
    numbers = [2 * n for n in range(count)] + [2 * count]
    return in_order(numbers)


def test_at_the_bound_all_gaps_are_exact() -> None:
    """And there are as many as there should be."""
    found = after(holes(MAX_GAPS))
    assert len(found.gaps) == MAX_GAPS
    assert all(gap.is_exact for gap in found.gaps)


def test_beyond_the_bound_gaps_are_joined_and_say_so() -> None:
    """The sum is kept; what came in between is within the range, which is not exact."""
    numbers = [2 * n for n in range(3 * MAX_GAPS)]
    found = after(in_order(numbers))
    assert len(found.gaps) == MAX_GAPS
    assert only(found).missing_events == len(missing_of(numbers))
    assert numbers_in(found.gaps) >= missing_of(numbers)
    assert not all(gap.is_exact for gap in found.gaps)
    for gap in found.gaps:
        assert gap.is_exact == (gap.missing_events == gap.last - gap.first + 1)
        assert gap.noticed_at == (gap.first + 1) // 2  # when the first of its numbers was passed
    filled = after(in_order([*numbers, *sorted(missing_of(numbers))]))
    assert filled.gaps == ()


def test_forgotten_runs_leave_what_they_lacked() -> None:
    """As a number only."""
    events: list[OpenedEvent] = []
    for life in range(MAX_RUNS + 2):
        events += restarted([1, 4], 2 * life, after_ms=1_000_000 * life)
    found = after(events)
    assert len(found.gaps) == MAX_RUNS
    assert only(found).forgotten_missing == 2 * 2
    assert only(found).resets == MAX_RUNS + 1


def test_no_number_makes_a_state_that_cannot_be_kept() -> None:
    """However many lives, each as far as numbers go; and it can be shown."""
    events = [
        numbered(number, 2 * life + at, time_ms=START_MS + 1000 * life + at)
        for life in range(40)
        for at, number in enumerate((0, LAST_NUMBER))
    ]
    state = reduce(track, events, GapState())
    assert decode_counted(encode_counted(CountedState(state))).state == state
    row = only(report(state))
    assert (row.resets, row.forgotten_missing) == (39, LAST_NUMBER)
    assert row.missing_events == MAX_RUNS * (LAST_NUMBER - 1)
    assert msgspec.json.decode(msgspec.json.encode(row), type=StreamRow) == row


def test_one_portal_cannot_crowd_out_the_others() -> None:
    """Sources beyond the bound are counted, not watched."""
    events = [
        at_entry(
            extended({"url": URL, "valueInteger": 1}, observer={"reference": f"Device/{n}"}),
            n,
        )
        for n in range(MAX_STREAMS + 3)
    ]
    found = after([*events, numbered(1, 999, portal="app")])
    assert len(found.streams) == MAX_STREAMS + 1
    assert found.unwatched == {"ehr": 3}


def test_a_stream_stays_small() -> None:
    """With every list of it full, and the longest name."""
    observer = {"reference": "d" * MAX_NAME}
    far = 10**9

    def event(number: int, seq: int, life: int, **other: Any) -> OpenedEvent:
        document = extended({"url": URL, "valueInteger": number}, observer=observer)
        return at_entry(document, seq, **{"time_ms": START_MS + life * far + number} | other)

    events = []
    for life in range(MAX_RUNS):
        odd = (1, *range(3, 8 * MAX_GAPS, 2))
        events += [event(n, life * far + n, life) for n in odd]
    last = MAX_RUNS - 1
    events += [event(2 * n, last * far + far // 2, last) for n in range(1, MAX_LATE + 10)]
    for number in range(10**6, 10**6 + MAX_PARTED):
        cuts = [(f"AuditEvent.entity[{part}]",) for part in range(256)]
        events += [event(number, far * far, last, received="a" * 24, cut=cut) for cut in cuts]
    whole = range(10**7, 10**7 + MAX_AHEAD - 1)
    events += [event(n, far * far, life) for life in (last, MAX_RUNS) for n in whole]
    state = reduce(track, events, GapState())
    (stream,) = state.streams.values()
    assert [len(run.gaps) for run in stream.runs] == [MAX_GAPS] * MAX_RUNS
    assert len(stream.latest_late) == MAX_LATE
    assert [len(parted.cuts) for parted in stream.parted] == [256] * MAX_PARTED
    assert len(stream.ahead) == MAX_AHEAD - 1
    assert len(encode_counted(CountedState(state))) < 96 * 1024


def test_a_long_name_is_kept_by_its_hash() -> None:
    """It still is one stream."""
    event = extended({"url": URL, "valueInteger": 1}, observer={"display": "d" * 5000})
    found = after([at_entry(event, 0), at_entry(event, 1)])
    assert len(only(found).source) < MAX_NAME
    assert only(found).received == 2


@pytest.mark.parametrize("data", [b"", b"[]", b'{"streams":[]}', b"\xff", b"[" * 5000])
def test_what_is_no_state_is_refused(data: bytes) -> None:
    """Without quoting it."""
    with pytest.raises(FormatError, match="completeness: expected a stored state"):
        decode_counted(data)


def test_reprs_say_nothing_of_sources() -> None:
    """They may be in a message by mistake."""
    state = track(GapState(), numbered(1, 0))
    assert "Device" not in repr(state) + repr(list(state.streams.values()))


def test_one_portals_numbers_do_not_take_the_place_of_anothers() -> None:
    """What is kept has a bound: the portal that takes most is counted anew, others stay as is."""
    small = reduce(track, in_order([1, 2, 5]), GapState())
    state = small
    for source in range(MAX_STREAMS):
        for number in (1, 3, 5, 7):
            event = cloudevent(source=f"urn:{source}", sequence=str(number), sequencetype="Integer")
            state = track(state, at_entry(event, 10 + number, portal="loud"))
    assert len(state.streams) == 1 + MAX_STREAMS
    counted, data = encode_within(CountedState(state), 8_000)
    assert len(data) <= 8_000
    assert decode_counted(data) == counted
    assert counted.state.streams == small.streams
    assert counted.state.unwatched == {"loud": 4 * MAX_STREAMS}
    assert encode_within(CountedState(small), 8_000)[0] == CountedState(small)
