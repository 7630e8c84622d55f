"""A token bucket in one number: the generic cell rate algorithm (ITU-T I.371, Annex A).

The number is the theoretical arrival time: when the bucket will be full again, in microseconds
since 1970. A token costs as long as it takes to flow in, so that taking some adds to the number,
and they are there as long as it stays within a full bucket's time from now. All costs are rounded
up: what is granted in any time is never more than a full bucket and what flowed in.
"""

from dataclasses import dataclass
from typing import Final

_SECOND: Final = 1_000_000
CLOCKS_DIFFER_MICROSECONDS: Final = 10 * _SECOND
"""By which clocks of those who share a bucket may differ, generously."""


@dataclass(frozen=True)
class Rate:
    """A bucket: tokens that flow in each second, and how many it holds. Both at least 1."""

    tokens_per_second: int
    burst: int

    def microseconds(self, tokens: int) -> int:
        """Return how long so many tokens take to flow in, rounded up."""
        return -(-tokens * _SECOND // self.tokens_per_second)

    def latest(self, now: int, tokens: int) -> int:
        """Return the latest arrival time from which so many tokens (at most all) can be taken."""
        return now + self.microseconds(self.burst) - self.microseconds(tokens)

    def impossible(self, now: int) -> int:
        """Return an arrival time behind which no bucket like this is: it was another one's."""
        return now + self.microseconds(self.burst) + CLOCKS_DIFFER_MICROSECONDS


def taken(rate: Rate, arrival: int | None, now: int, tokens: int) -> int | None:
    """Take tokens: give the new arrival time, or None where there are not as many.

    `arrival`: None of a bucket that nobody took from; `now`: microseconds since 1970.
    """
    if arrival is None or arrival < now or arrival > rate.impossible(now):
        arrival = now
    if arrival > rate.latest(now, tokens):
        return None
    return arrival + rate.microseconds(tokens)


def seconds_to_wait(rate: Rate, arrival: int, now: int, tokens: int) -> int:
    """Return the whole seconds, at least one, after which so many tokens are there."""
    return max(1, -(-(arrival - rate.latest(now, tokens)) // _SECOND))
