"""The states of streams are bounded and can be stored, whatever portals send."""

from functools import reduce
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.sequence_gaps.counters import (
    CountedState,
    fit_within,
    parse_counted_state,
)
from audit_ledger.sequence_gaps.report import StreamRow, gap_report
from audit_ledger.sequence_gaps.sequence_number import LAST_NUMBER
from audit_ledger.sequence_gaps.state import (
    MAX_AHEAD,
    MAX_GAPS,
    MAX_LATE,
    MAX_NAME,
    MAX_PARTED,
    MAX_RUNS,
    MAX_STREAMS,
    GapState,
)
from audit_ledger.sequence_gaps.tracker import track
from tests.builders.audit_event import SEQUENCE_URL as URL
from tests.builders.cloudevent import cloudevent
from tests.builders.sequence_numbers import START_MS, at_entry, extended, numbered
from tests.sequence_gaps.reported import (
    in_order,
    missing_of,
    numbers_in,
    only_stream,
    report_of,
    restarted,
)


@given(st.lists(st.integers(0, 80), max_size=50), st.integers(1, 50))
def test_state_may_be_stored_between_any_two_events(numbers: list[int], size: int) -> None:
    """Encoded and decoded after each batch, it equals that of a single run."""
    events = in_order(numbers)
    whole = reduce(track, events, GapState())
    state = GapState()
    for at in range(0, len(events), size):
        state = parse_counted_state(
            CountedState(reduce(track, events[at : at + size], state)).to_bytes()
        ).state
    assert state == whole
    assert CountedState(state).to_bytes() == CountedState(whole).to_bytes()


def test_gaps_are_exact_up_to_the_limit() -> None:
    """All of them are stored."""
    reported = report_of(in_order([2 * n for n in range(MAX_GAPS + 1)]))
    assert len(reported.gaps) == MAX_GAPS
    assert all(gap.is_exact for gap in reported.gaps)


def test_gaps_beyond_the_limit_are_merged_and_inexact() -> None:
    """The sum stays exact; the range includes numbers that arrived."""
    numbers = [2 * n for n in range(3 * MAX_GAPS)]
    reported = report_of(in_order(numbers))
    assert len(reported.gaps) == MAX_GAPS
    assert only_stream(reported).missing_events == len(missing_of(numbers))
    assert numbers_in(reported.gaps) >= missing_of(numbers)
    assert not all(gap.is_exact for gap in reported.gaps)
    for gap in reported.gaps:
        assert gap.is_exact == (gap.missing_events == gap.last - gap.first + 1)
        assert gap.noticed_at == (gap.first + 1) // 2  # when the first of its numbers was passed
    filled = report_of(in_order([*numbers, *sorted(missing_of(numbers))]))
    assert filled.gaps == ()


def test_number_of_missing_events_of_deleted_runs_is_stored() -> None:
    """As a sum."""
    events: list[OpenedEvent] = []
    for run in range(MAX_RUNS + 2):
        events += restarted([1, 4], 2 * run, after_ms=1_000_000 * run)
    reported = report_of(events)
    assert len(reported.gaps) == MAX_RUNS
    assert only_stream(reported).forgotten_missing == 2 * 2
    assert only_stream(reported).resets == MAX_RUNS + 1


def test_any_number_yields_a_state_that_can_be_stored() -> None:
    """After many restarts, each up to the last number, the report can be encoded."""
    events = [
        numbered(number, 2 * run + at, time_ms=START_MS + 1000 * run + at)
        for run in range(40)
        for at, number in enumerate((0, LAST_NUMBER))
    ]
    state = reduce(track, events, GapState())
    assert parse_counted_state(CountedState(state).to_bytes()).state == state
    row = only_stream(gap_report(state))
    assert (row.resets, row.forgotten_missing) == (39, LAST_NUMBER)
    assert row.missing_events == MAX_RUNS * (LAST_NUMBER - 1)
    assert msgspec.json.decode(msgspec.json.encode(row), type=StreamRow) == row


def test_sources_beyond_the_limit_of_a_portal_are_unwatched() -> None:
    """Streams of other portals are not displaced."""
    events = [
        at_entry(
            extended({"url": URL, "valueInteger": 1}, observer={"reference": f"Device/{n}"}),
            n,
        )
        for n in range(MAX_STREAMS + 3)
    ]
    reported = report_of([*events, numbered(1, 999, portal="app")])
    assert len(reported.streams) == MAX_STREAMS + 1
    assert reported.unwatched == {"ehr": 3}


def test_size_of_a_stream_is_bounded() -> None:
    """With all its lists full and the longest name."""
    observer = {"reference": "d" * MAX_NAME}
    far = 10**9

    def event(number: int, seq: int, run: int, **other: Any) -> OpenedEvent:
        document = extended({"url": URL, "valueInteger": number}, observer=observer)
        return at_entry(document, seq, **{"time_ms": START_MS + run * far + number} | other)

    events = []
    for run in range(MAX_RUNS):
        odd = (1, *range(3, 8 * MAX_GAPS, 2))
        events += [event(n, run * far + n, run) for n in odd]
    last = MAX_RUNS - 1
    events += [event(2 * n, last * far + far // 2, last) for n in range(1, MAX_LATE + 10)]
    for number in range(10**6, 10**6 + MAX_PARTED):
        cuts = [(f"AuditEvent.entity[{part}]",) for part in range(256)]
        events += [event(number, far * far, last, received="a" * 24, cut=cut) for cut in cuts]
    whole = range(10**7, 10**7 + MAX_AHEAD - 1)
    events += [event(n, far * far, run) for run in (last, MAX_RUNS) for n in whole]
    state = reduce(track, events, GapState())
    (stream,) = state.streams.values()
    assert [len(run.gaps) for run in stream.runs] == [MAX_GAPS] * MAX_RUNS
    assert len(stream.latest_late) == MAX_LATE
    assert [len(parted.cuts) for parted in stream.parted] == [256] * MAX_PARTED
    assert len(stream.ahead) == MAX_AHEAD - 1
    assert len(CountedState(state).to_bytes()) < 96 * 1024


def test_long_name_is_replaced_by_its_hash() -> None:
    """It still is one stream."""
    event = extended({"url": URL, "valueInteger": 1}, observer={"display": "d" * 5000})
    reported = report_of([at_entry(event, 0), at_entry(event, 1)])
    assert len(only_stream(reported).source) < MAX_NAME
    assert only_stream(reported).received == 2


@pytest.mark.parametrize("data", [b"", b"[]", b'{"streams":[]}', b"\xff", b"[" * 5000])
def test_rejects_invalid_states(data: bytes) -> None:
    """Without quoting them."""
    with pytest.raises(FormatError, match="completeness: expected a stored state"):
        parse_counted_state(data)


def test_reprs_do_not_contain_sources() -> None:
    """They may end up in messages."""
    state = track(GapState(), numbered(1, 0))
    assert "Device" not in repr(state) + repr(list(state.streams.values()))


def test_largest_portal_is_restarted_if_counts_do_not_fit() -> None:
    """Its events so far are unwatched; the counts of others are unchanged."""
    small = reduce(track, in_order([1, 2, 5]), GapState())
    state = small
    for source in range(MAX_STREAMS):
        for number in (1, 3, 5, 7):
            event = cloudevent(source=f"urn:{source}", sequence=str(number), sequencetype="Integer")
            state = track(state, at_entry(event, 10 + number, portal="loud"))
    assert len(state.streams) == 1 + MAX_STREAMS
    counted, data = fit_within(CountedState(state), 8_000)
    assert len(data) <= 8_000
    assert parse_counted_state(data) == counted
    assert counted.state.streams == small.streams
    assert counted.state.unwatched == {"loud": 4 * MAX_STREAMS}
    assert fit_within(CountedState(small), 8_000)[0] == CountedState(small)
