"""Whether an event's own time can be: held against the time at which the ledger took it.

A sender's clock may be wrong: a dead battery says 1970, a typing error 2062, a local time written
as UTC lies hours ahead. The entry's time is the ledger's own. What an own time may be at most is
decided here, for reports and detections alike (docs/decisions/0012-implausible-times.md).
"""

from typing import Final

AHEAD_SECONDS: Final = 5 * 60
"""An event is recorded after it happened: what is further ahead of its entry is a wrong clock."""
BEHIND_SECONDS: Final = 31 * 86_400
"""Longer than a queue, its dead letters and a freeze together keep an event waiting."""


def is_plausible(time_ms: int, entry_time: int) -> bool:
    """Return whether an own time (ms since 1970) fits an entry's time (whole seconds)."""
    behind_seconds = entry_time - time_ms // 1000
    return -AHEAD_SECONDS <= behind_seconds <= BEHIND_SECONDS


def counted_ms(time_ms: int, entry_time: int, from_ms: int, to_ms: int) -> int | None:
    """Return the time (ms) by which an event counts in [from_ms, to_ms); None where it is outside.

    Its own time where that is plausible. Else the entry's, and where that is outside, its own
    again: an event that came late, or was brought from elsewhere, is in the period it is of too.
    """
    entry_ms = entry_time * 1000
    if not is_plausible(time_ms, entry_time) and from_ms <= entry_ms < to_ms:
        return entry_ms
    return time_ms if from_ms <= time_ms < to_ms else None
