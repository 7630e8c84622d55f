"""A token bucket in one number: the generic cell rate algorithm (ITU-T I.371, Annex A).

The number is the theoretical arrival time: when the bucket will be full again, in microseconds
since 1970. A token costs the time in which it flows in: taking tokens adds to the number, and they
are available if it stays within a full bucket's time from now. Costs are rounded up: in any period
at most a full bucket and the inflow are granted.
"""

from dataclasses import dataclass
from typing import Final

_SECOND: Final = 1_000_000
CLOCKS_DIFFER_MICROSECONDS: Final = 10 * _SECOND
"""Generous bound of the difference between the clocks of containers that share a bucket."""


@dataclass(frozen=True)
class Rate:
    """A bucket: tokens that flow in each second, and its capacity. Both at least 1."""

    tokens_per_second: int
    burst: int

    def microseconds(self, tokens: int) -> int:
        """Return the time in which `tokens` flow in, rounded up."""
        return -(-tokens * _SECOND // self.tokens_per_second)

    def latest(self, now: int, tokens: int) -> int:
        """Return the latest arrival time at which `tokens` (at most all) can be taken."""
        return now + self.microseconds(self.burst) - self.microseconds(tokens)

    def impossible(self, now: int) -> int:
        """Return the greatest arrival time of such a bucket; a later one is of another rate."""
        return now + self.microseconds(self.burst) + CLOCKS_DIFFER_MICROSECONDS


def taken(rate: Rate, arrival: int | None, now: int, tokens: int) -> int | None:
    """Return the arrival time after taking tokens; None if there are not enough.

    `arrival`: None for an unused bucket; `now`: microseconds since 1970.
    """
    if arrival is None or arrival < now or arrival > rate.impossible(now):
        arrival = now
    if arrival > rate.latest(now, tokens):
        return None
    return arrival + rate.microseconds(tokens)


def seconds_to_wait(rate: Rate, arrival: int, now: int, tokens: int) -> int:
    """Return the whole seconds, at least one, until `tokens` are available."""
    return max(1, -(-(arrival - rate.latest(now, tokens)) // _SECOND))
