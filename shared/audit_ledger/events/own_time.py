"""Check an event's own time against the time of its ledger entry.

A sender's clock may be wrong: a dead battery yields 1970, a typing error 2062, and a local time
written as UTC lies hours ahead. The entry's time comes from the ledger. Reports and detections
share the bounds that are defined here (docs/decisions/0012-implausible-times.md).
"""

from typing import Final

MAX_AHEAD_SECONDS: Final = 5 * 60
"""An event is recorded after it happened: a time further ahead of the entry is a wrong clock."""
MAX_BEHIND_SECONDS: Final = 31 * 86_400
"""Longer than a queue, its dead letters and a freeze together can delay an event."""


def is_plausible(time_ms: int, entry_time: int) -> bool:
    """Return whether an own time (ms since 1970) fits an entry's time (whole seconds)."""
    behind_seconds = entry_time - time_ms // 1000
    return -MAX_AHEAD_SECONDS <= behind_seconds <= MAX_BEHIND_SECONDS


def effective_time_ms(time_ms: int, entry_time: int, from_ms: int, to_ms: int) -> int | None:
    """Return the time (ms) that places an event in [from_ms, to_ms); None if it is outside.

    Return the event's own time if it is plausible; otherwise the entry's time if that is inside,
    else the own time if that is: a late or imported event belongs to the period it happened in too.
    """
    entry_ms = entry_time * 1000
    if not is_plausible(time_ms, entry_time) and from_ms <= entry_ms < to_ms:
        return entry_ms
    return time_ms if from_ms <= time_ms < to_ms else None
