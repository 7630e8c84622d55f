"""Numbered events, and what is reported of them."""

from collections.abc import Iterable, Sequence
from functools import reduce

from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.sequence_gaps.report import GapReport, GapRow, StreamRow, gap_report
from audit_ledger.sequence_gaps.state import GapState
from audit_ledger.sequence_gaps.tracker import track
from tests.builders.sequence_numbers import START_MS, numbered


def report_of(events: Iterable[OpenedEvent]) -> GapReport:
    """Return the report after events."""
    return gap_report(reduce(track, events, GapState()))


def only_stream(reported: GapReport) -> StreamRow:
    """Return the only stream of a report."""
    (row,) = reported.streams
    return row


def stream_of(events: Iterable[OpenedEvent]) -> StreamRow:
    """Return the only stream after events."""
    return only_stream(report_of(events))


def in_order(numbers: Sequence[int]) -> list[OpenedEvent]:
    """Return events with these numbers, from entry 0 on."""
    return [numbered(number, seq) for seq, number in enumerate(numbers)]


def restarted(numbers: Sequence[int], seq: int, after_ms: int = 1_000_000) -> list[OpenedEvent]:
    """Return events after a restart of the counter, later than those of `in_order`."""
    return [
        numbered(number, seq + at, time_ms=START_MS + after_ms + number * 1000)
        for at, number in enumerate(numbers)
    ]


def missing_of(numbers: Iterable[int]) -> set[int]:
    """Return the numbers between the lowest and the highest that are not among them."""
    arrived = set(numbers)
    return set(range(min(arrived), max(arrived) + 1)) - arrived


def numbers_in(gaps: Iterable[GapRow]) -> set[int]:
    """Return all numbers in the ranges of gaps."""
    return {number for gap in gaps for number in range(gap.first, gap.last + 1)}
