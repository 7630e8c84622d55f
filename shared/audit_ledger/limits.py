"""Limits of callers: tokens leased in lots from buckets that all containers share.

A lot is counted when it is leased, and spent here within two seconds: so a fast caller costs one
write of its bucket for many requests. It is what a request needs at first; as long as lots are used
up in time, more is leased each time, twice as much as the last time, to a tenth of the bucket at
most. What is left of a lot in the end is lost to that caller.
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
"""Where the buckets did not answer, nobody asks again for so long: requests do not wait."""


@dataclass(frozen=True)
class Leased:
    """What became of a lease. `arrival`: the bucket's number, which refused it or holds it now."""

    is_granted: bool
    arrival: int


class Buckets(Protocol):
    """Where the buckets are."""

    def lease(self, key: str, rate: Rate, now: int, tokens: int, known: int) -> Leased:
        """Take tokens, all or none; UnreachableError where nobody can say.

        `known`: the bucket's number when it was last seen, 0 where it never was.
        """


@dataclass
class _Kept:
    """What is known of a bucket. `left` of a lot until its end; what was leased beyond need.

    `arrival`: the number when it was last seen. It only grows, so what it refuses stays refused.
    """

    rate: Rate
    left: int = 0
    until: int = 0
    beyond: int = 0
    arrival: int = 0


class Limits:
    """The limits of one container. `now`: microseconds since 1970.

    `count_unchecked`: called where a request passes because the buckets do not answer.
    """

    def __init__(
        self, buckets: Buckets, now: Callable[[], int], count_unchecked: Callable[[], None]
    ) -> None:
        self._buckets = buckets
        self._now = now
        self._count_unchecked = count_unchecked
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._unreachable_until = 0

    def spend(self, key: str, rate: Rate | None, tokens: int, spent: int = 0) -> None:
        """Spend tokens, a full bucket at most; ThrottledError where they are not there yet.

        `rate`: None is no limit; `spent`: by the same request before, which it needs again.
        """
        if rate is None or tokens <= 0:
            return
        now = self._now()
        tokens = min(tokens, rate.burst)
        kept = self._of(key, rate)
        if kept.until <= now:
            kept.left = kept.beyond = 0
        if kept.left < tokens:
            try:
                self._lease(key, kept, now, tokens - kept.left, min(tokens + spent, rate.burst))
            except UnreachableError:
                self._unreachable_until = now + UNREACHABLE_MICROSECONDS
                self._count_unchecked()
                return
        kept.left -= tokens

    def _lease(self, key: str, kept: _Kept, now: int, needs: int, again: int) -> None:
        """Lease what a request needs, and more if the last lot was used up in time."""
        rate = kept.rate
        beyond = 0
        if kept.until > now:
            beyond = min(max(1, 2 * kept.beyond), rate.burst // LOTS_OF_A_BUCKET)
        for more in (beyond, 0) if beyond else (0,):
            latest = rate.latest(now, min(needs + more, rate.burst))
            if latest < kept.arrival <= rate.impossible(now):  # beyond: a clock went back
                continue
            if now < self._unreachable_until <= now + UNREACHABLE_MICROSECONDS:
                raise UnreachableError("the buckets did not answer")
            lot = min(needs + more, rate.burst)
            leased = self._buckets.lease(key, rate, now, lot, kept.arrival)
            kept.arrival = leased.arrival
            if leased.is_granted:
                kept.left += lot
                kept.beyond = more
                kept.until = now + LOT_MICROSECONDS
                return
        raise ThrottledError(seconds_to_wait(rate, kept.arrival, now, again))

    def _of(self, key: str, rate: Rate) -> _Kept:
        kept = self._kept.get(key)
        if kept is None or kept.rate != rate:
            kept = self._kept[key] = _Kept(rate)
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_BUCKETS:
            self._kept.popitem(last=False)
        return kept
