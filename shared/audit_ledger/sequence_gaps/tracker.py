"""Add each opened event, in ledger order, to the state of its stream.

A number that arrived before is one of four things:

- **a part**: an event of several patients has an entry for each, all with the same number. Parts
  share portal, number, time of receipt and the event's own time, and no two parts of one event have
  the same cuts;
- **a conflict**: its event id is in use by other content;
- **a restart of the counter**, if several such numbers are later than all events of this run: two
  if one of them is a number that counters begin with, otherwise MAX_AHEAD;
- **a repeat** in all other cases: a portal resent an event without id, or used a number twice.

An event that is older than the run's start belongs to the run before: it was in transit when the
counter restarted. Events without a time of their own never restart a counter, nor do events whose
clock is a day or more ahead of the ledger's: all later events would be older.
"""

from collections.abc import Iterable
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.sequence_gaps import ranges
from audit_ledger.sequence_gaps.sequence_number import (
    FIRST_NUMBER,
    LAST_NUMBER,
    SequenceNumber,
    read_number,
)
from audit_ledger.sequence_gaps.state import (
    MAX_AHEAD,
    MAX_LATE,
    MAX_PARTED,
    MAX_RUNS,
    MAX_STREAMS,
    Ahead,
    GapState,
    Late,
    NumberRange,
    Parted,
    Stream,
    bounded_name,
    stream_key,
)

_BEGINNINGS = (0, 1, FIRST_NUMBER)  # CloudEvents begins with 1, and wraps to the lowest of 32 bits
_MIN_RESTART_NUMBERS = 2  # with a beginning among them; one alone may be a number used twice
_NO_TIME = "cloudevents.no-time"
_DAY_SECONDS = 86_400


def track(state: GapState, opened: OpenedEvent) -> GapState:
    """Return the state after one more event; events come in ledger order, each once."""
    numbered = read_number(opened)
    if numbered is None:
        return state
    if numbered.number is None:
        return replace(state, uncountable=_one_more(state.uncountable, opened.portal))
    key = stream_key(opened.portal, numbered.counter, numbered.source)
    stream = state.streams.get(key)
    if stream is None:
        watched = sum(other.portal == opened.portal for other in state.streams.values())
        if watched >= MAX_STREAMS:
            return replace(state, unwatched=_one_more(state.unwatched, opened.portal))
        stream = _new_stream(numbered, numbered.number, opened)
    else:
        stream = _with_number(stream, numbered.number, opened)
    return replace(state, streams=state.streams | {key: stream})


def _one_more(counts: dict[str, int], portal: str) -> dict[str, int]:
    return counts | {portal: counts.get(portal, 0) + 1}


def _new_stream(numbered: SequenceNumber, number: int, opened: OpenedEvent) -> Stream:
    stream = Stream(
        portal=opened.portal,
        counter=numbered.counter,
        source=bounded_name(numbered.source),
        runs=(ranges.begin(number, _time_of(opened)),),
        received=1,
    )
    return _with_part(stream, number, opened)


def _with_number(stream: Stream, number: int, opened: OpenedEvent) -> Stream:
    if _is_known_part(stream, number, opened):
        return _with_part(stream, number, opened)
    stream = _with_part(replace(stream, received=stream.received + 1), number, opened)
    has_time = _has_time(opened)
    at = _run_of(stream.runs, opened.time_ms) if has_time else len(stream.runs) - 1
    run = stream.runs[at]
    is_back = number < run.first or ranges.is_known(run, number)
    if is_back and opened.conflict:
        return replace(stream, conflicts=stream.conflicts + 1)
    is_newest = at == len(stream.runs) - 1
    # A number that fills a gap was overtaken and is older: it never restarts the counter.
    has_begun = any(one.number in _BEGINNINGS for one in stream.ahead)
    is_again = is_back or (has_begun and number < run.next)
    if is_again and has_time and is_newest and opened.time_ms > run.newest_ms:
        return _with_possible_restart(stream, number, opened)
    run, arrival = ranges.arrive(run, number, _time_of(opened), opened.seq, opened.entry_time)
    if arrival == "seen":
        return replace(stream, repeats=stream.repeats + 1)
    stream = replace(stream, runs=(*stream.runs[:at], run, *stream.runs[at + 1 :]))
    if arrival == "late":
        stream = _with_late(stream, Late(number, opened.seq, opened.entry_time))
    return _with_passed_repeats(stream) if is_newest else stream


def _has_time(opened: OpenedEvent) -> bool:
    latest = (opened.entry_time + _DAY_SECONDS) * 1000
    return _NO_TIME not in opened.flags and opened.time_ms < latest


def _time_of(opened: OpenedEvent) -> int:
    """Return the event's own time, or its entry's if the own time is absent or implausible."""
    return (
        min(opened.time_ms, opened.entry_time * 1000) if not _has_time(opened) else opened.time_ms
    )


def _run_of(all_runs: tuple[NumberRange, ...], time_ms: int) -> int:
    """Return the index of the newest run that had begun at that time, else the oldest."""
    begun = [at for at, run in enumerate(all_runs) if run.start_ms <= time_ms]
    return begun[-1] if begun else 0


def _with_possible_restart(stream: Stream, number: int, opened: OpenedEvent) -> Stream:
    """Begin a run if enough numbers were repeated later than all of this run; else wait."""
    this = Ahead(number, opened.time_ms, opened.seq, opened.entry_time)
    ahead = (*(one for one in stream.ahead if one.number != number), this)
    begun = [one.time_ms for one in ahead if one.number in _BEGINNINGS]
    members = tuple(one for one in ahead if begun and one.time_ms >= min(begun))
    if len(members) < _MIN_RESTART_NUMBERS:
        members = ahead if len(ahead) >= MAX_AHEAD else ()
    if not members:
        return replace(stream, ahead=ahead, repeats=stream.repeats + 1)
    run, _ = _run_with(ranges.begin(members[0].number, members[0].time_ms), members[1:])
    run = replace(run, start_ms=min(one.time_ms for one in members))
    all_runs = (*stream.runs, run)
    lost = sum(gap.missing for run in all_runs[:-MAX_RUNS] for gap in run.gaps)
    return replace(
        stream,
        runs=all_runs[-MAX_RUNS:],
        resets=stream.resets + 1,
        repeats=stream.repeats - (len(members) - 1),
        forgotten_missing=min(stream.forgotten_missing + lost, LAST_NUMBER),
        ahead=(),
    )


def _with_passed_repeats(stream: Stream) -> Stream:
    """Add repeats to the run that are older than its newest event: the counter did not restart."""
    run = stream.runs[-1]
    passed = [one for one in stream.ahead if one.time_ms <= run.newest_ms]
    if not passed:
        return stream
    run, late = _run_with(run, passed)
    stream = replace(
        stream,
        runs=(*stream.runs[:-1], run),
        ahead=tuple(one for one in stream.ahead if one not in passed),
        repeats=stream.repeats - len(late),
    )
    for one in late:
        stream = _with_late(stream, one)
    return stream


def _run_with(run: NumberRange, members: Iterable[Ahead]) -> tuple[NumberRange, list[Late]]:
    late = []
    for one in members:
        run, arrival = ranges.arrive(run, one.number, one.time_ms, one.entry, one.entry_time)
        if arrival == "late":
            late.append(Late(one.number, one.entry, one.entry_time))
    return run, late


def _with_late(stream: Stream, late: Late) -> Stream:
    latest = (*stream.latest_late, late)[-MAX_LATE:]
    return replace(stream, late=stream.late + 1, latest_late=latest)


def _is_known_part(stream: Stream, number: int, opened: OpenedEvent) -> bool:
    at = _parted_at(stream, number, opened)
    return at is not None and _digest(opened) not in stream.parted[at].cuts


def _parted_at(stream: Stream, number: int, opened: OpenedEvent) -> int | None:
    if not opened.cut:
        return None
    this = (number, opened.received, opened.time_ms)
    for at, one in enumerate(stream.parted):
        if (one.number, one.received, one.time_ms) == this:
            return at
    return None


def _with_part(stream: Stream, number: int, opened: OpenedEvent) -> Stream:
    """Store a part of an event of several patients: further parts may arrive."""
    if not opened.cut:
        return stream
    at = _parted_at(stream, number, opened)
    cuts: tuple[str, ...] = () if at is None else stream.parted[at].cuts
    digest = _digest(opened)
    cuts = (digest,) if digest in cuts else (*cuts, digest)
    one = Parted(number, opened.received, opened.time_ms, cuts)
    others = (other for index, other in enumerate(stream.parted) if index != at)
    return replace(stream, parted=(*others, one)[-MAX_PARTED:])


def _digest(opened: OpenedEvent) -> str:
    return sha256(msgspec.json.encode(opened.cut)).hexdigest()[:16]
