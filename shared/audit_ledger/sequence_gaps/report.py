"""The report of missing sequence numbers for a security team, and how certain each is."""

import msgspec

from audit_ledger.sequence_gaps.sequence_number import Counter
from audit_ledger.sequence_gaps.state import GapState, Late, Stream


class GapRow(msgspec.Struct, frozen=True, gc=False):
    """An open gap: `missing_events` of the numbers `first` to `last`, all of them if `is_exact`.

    `run`: the index of the counter's run, 0 for the oldest stored; `noticed_time`: seconds since
    1970.
    """

    portal: str
    counter: Counter
    source: str
    run: int
    first: int
    last: int
    missing_events: int
    is_exact: bool
    noticed_at: int
    noticed_time: int


class StreamRow(msgspec.Struct, frozen=True, gc=False):
    """The numbers received in one stream. `first` and `last`: of the newest run."""

    portal: str
    counter: Counter
    source: str
    first: int
    last: int
    received: int
    missing_events: int
    repeats: int
    conflicts: int
    late: int
    resets: int
    forgotten_missing: int
    latest_late: tuple[Late, ...]


class GapReport(msgspec.Struct, frozen=True, gc=False):
    """All streams and gaps, in order, and the number of events per portal that gaps do not cover.

    `unread`: records of all portals that cannot be opened, so that their numbers appear missing.
    """

    streams: tuple[StreamRow, ...]
    gaps: tuple[GapRow, ...]
    uncountable: dict[str, int]
    unwatched: dict[str, int]
    unread: int


def gap_report(state: GapState) -> GapReport:
    """Return the rows of a state, by portal, source and number."""
    streams = sorted(state.streams.values(), key=lambda s: (s.portal, s.counter, s.source))
    return GapReport(
        tuple(_row(stream) for stream in streams),
        tuple(gap for stream in streams for gap in _gaps(stream)),
        dict(sorted(state.uncountable.items())),
        dict(sorted(state.unwatched.items())),
        state.unread,
    )


def _row(stream: Stream) -> StreamRow:
    newest = stream.runs[-1]
    return StreamRow(
        stream.portal,
        stream.counter,
        stream.source,
        newest.first,
        newest.next - 1,
        stream.received,
        sum(gap.missing for run in stream.runs for gap in run.gaps),
        stream.repeats,
        stream.conflicts,
        stream.late,
        stream.resets,
        stream.forgotten_missing,
        stream.latest_late,
    )


def _gaps(stream: Stream) -> list[GapRow]:
    return [
        GapRow(
            stream.portal,
            stream.counter,
            stream.source,
            number,
            gap.first,
            gap.last,
            gap.missing,
            gap.is_exact,
            gap.noticed_at,
            gap.noticed_time,
        )
        for number, run in enumerate(stream.runs)
        for gap in run.gaps
    ]
