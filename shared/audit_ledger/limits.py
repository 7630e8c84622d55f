"""Rate limits of callers: tokens leased in lots from buckets that all containers share.

A lot is counted when it is leased, and spent here within two seconds, so that many requests of a
fast caller need only one write of its bucket. The first lot is what one request needs; as long as
lots are used up in time, each lease doubles the surplus, up to a tenth of the bucket. The unused
rest of a lot is lost to the caller.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from audit_ledger.errors import ThrottledError, UnreachableError
from audit_ledger.token_bucket import Rate, seconds_to_wait

LOT_MICROSECONDS: Final = 2_000_000
LOTS_OF_A_BUCKET: Final = 10
MAX_BUCKETS: Final = 4096
UNREACHABLE_MICROSECONDS: Final = 5_000_000
"""Pause between calls while the buckets do not respond, so that requests do not wait."""


@dataclass(frozen=True)
class Leased:
    """The result of a lease. `arrival`: the bucket's number after it, or that prevented it."""

    is_granted: bool
    arrival: int


class Buckets(Protocol):
    """The shared buckets."""

    def lease(self, key: str, rate: Rate, now: int, tokens: int, known: int) -> Leased:
        """Take tokens, all or none; raise UnreachableError if the result is unknown.

        `known`: the last known number of the bucket, 0 if unknown.
        """


@dataclass
class _BucketState:
    """The known state of a bucket: tokens `left` of a lot, its end, and its surplus (`beyond`).

    `arrival`: the last known number. It only grows, so a lease that it prevents stays impossible.
    """

    rate: Rate
    left: int = 0
    until: int = 0
    beyond: int = 0
    arrival: int = 0


class Limits:
    """The limits of one container. `now`: microseconds since 1970.

    `count_unchecked`: called if a request passes because the buckets do not respond.
    """

    def __init__(
        self, buckets: Buckets, now: Callable[[], int], count_unchecked: Callable[[], None]
    ) -> None:
        self._buckets = buckets
        self._now = now
        self._count_unchecked = count_unchecked
        self._states: OrderedDict[str, _BucketState] = OrderedDict()
        self._unreachable_until = 0

    def spend(self, key: str, rate: Rate | None, tokens: int, spent: int = 0) -> None:
        """Spend tokens, at most a full bucket; raise ThrottledError if there are not enough.

        `rate`: None means no limit; `spent`: tokens spent before by the same request, which a retry
        needs again.
        """
        if rate is None or tokens <= 0:
            return
        now = self._now()
        tokens = min(tokens, rate.burst)
        state = self._of(key, rate)
        if state.until <= now:
            state.left = state.beyond = 0
        if state.left < tokens:
            try:
                self._lease(key, state, now, tokens - state.left, min(tokens + spent, rate.burst))
            except UnreachableError:
                self._unreachable_until = now + UNREACHABLE_MICROSECONDS
                self._count_unchecked()
                return
        state.left -= tokens

    def _lease(self, key: str, state: _BucketState, now: int, needs: int, again: int) -> None:
        """Lease the tokens a request needs, and a surplus if the last lot was used up in time."""
        rate = state.rate
        beyond = 0
        if state.until > now:
            beyond = min(max(1, 2 * state.beyond), rate.burst // LOTS_OF_A_BUCKET)
        for more in (beyond, 0) if beyond else (0,):
            latest = rate.latest(now, min(needs + more, rate.burst))
            if latest < state.arrival <= rate.impossible(now):  # beyond: a clock went back
                continue
            if now < self._unreachable_until <= now + UNREACHABLE_MICROSECONDS:
                raise UnreachableError("limits: the buckets do not respond")
            lot = min(needs + more, rate.burst)
            leased = self._buckets.lease(key, rate, now, lot, state.arrival)
            state.arrival = leased.arrival
            if leased.is_granted:
                state.left += lot
                state.beyond = more
                state.until = now + LOT_MICROSECONDS
                return
        raise ThrottledError(seconds_to_wait(rate, state.arrival, now, again))

    def _of(self, key: str, rate: Rate) -> _BucketState:
        state = self._states.get(key)
        if state is None or state.rate != rate:
            state = self._states[key] = _BucketState(rate)
        self._states.move_to_end(key)
        if len(self._states) > MAX_BUCKETS:
            self._states.popitem(last=False)
        return state
