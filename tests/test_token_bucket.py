"""The token bucket in one number, against one that is filled step by step, in fractions."""

from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import ThrottledError, UnreachableError
from audit_ledger.limits import LOT_MICROSECONDS, LOTS_OF_A_BUCKET, MAX_BUCKETS, Leased, Limits
from audit_ledger.token_bucket import Rate, seconds_to_wait, taken

SECOND = 1_000_000
START = 1_796_083_200 * SECOND
RATES = st.builds(Rate, st.integers(1, 10_000), st.integers(1, 2_000))
STEPS = st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 50)), max_size=60)


@dataclass
class Ideal:
    """A bucket as textbooks have it: it holds tokens, and they flow in."""

    rate: Rate
    held: Fraction = Fraction(0)
    at: int = START

    def __post_init__(self) -> None:
        self.held = Fraction(self.rate.burst)

    def has(self, now: int, tokens: int) -> bool:
        flowed = Fraction((now - self.at) * self.rate.tokens_per_second, SECOND)
        self.held = min(Fraction(self.rate.burst), self.held + flowed)
        self.at = now
        return self.held >= tokens

    def take(self, tokens: int) -> None:
        self.held -= tokens


@given(RATES, STEPS)
def test_whatever_is_granted_an_ideal_bucket_grants_too(
    rate: Rate, steps: list[tuple[int, int]]
) -> None:
    """And what is refused is not there, but for what rounding up takes: a microsecond a request."""
    ideal, arrival, now, grants = Ideal(rate), None, START, 0
    for pause, wanted in steps:
        now += pause
        tokens = min(wanted, rate.burst)
        found = taken(rate, arrival, now, tokens)
        is_there = ideal.has(now, tokens)
        if found is not None:
            assert is_there
            ideal.take(tokens)
            arrival, grants = found, grants + 1
        elif is_there:
            lost = Fraction((grants + 2) * rate.tokens_per_second, SECOND)
            assert ideal.held - tokens <= lost


@given(RATES, st.integers(1, 10_000))
def test_after_the_wait_that_is_told_the_tokens_are_there(rate: Rate, wanted: int) -> None:
    tokens = min(wanted, rate.burst)
    empty = taken(rate, None, START, rate.burst)
    assert empty is not None
    assert taken(rate, empty, START, tokens) is None
    wait = seconds_to_wait(rate, empty, START, tokens)
    assert taken(rate, empty, START + wait * SECOND, tokens) is not None
    assert wait == max(1, -(-tokens // rate.tokens_per_second))


def test_a_number_that_no_bucket_has_holds_nobody_up() -> None:
    """Left by a larger bucket, or by a clock that was far ahead."""
    rate = Rate(1, 10)
    assert taken(rate, START + 3600 * SECOND, START, 10) == START + 10 * SECOND
    assert taken(rate, START + 10 * SECOND, START, 1) is None


@dataclass
class Memory:
    """Buckets in memory, which count how often they are asked."""

    arrivals: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    is_there: bool = True
    leased: int = 0

    def lease(self, key: str, rate: Rate, now: int, tokens: int, known: int) -> Leased:
        del known
        self.asked += 1
        if not self.is_there:
            raise UnreachableError("no")
        found = taken(rate, self.arrivals.get(key), now, tokens)
        if found is None:
            return Leased(False, self.arrivals[key])
        self.arrivals[key] = found
        self.leased += tokens
        return Leased(True, found)


class Containers:
    """Containers that share the buckets, and a clock that the test moves."""

    def __init__(self, count: int = 1) -> None:
        self.buckets = Memory()
        self.now = START
        self.unchecked = 0
        self.limits = [Limits(self.buckets, lambda: self.now, self._count) for _ in range(count)]

    def _count(self) -> None:
        self.unchecked += 1

    def spends(self, rate: Rate, tokens: int = 1, key: str = "a", container: int = 0) -> bool:
        try:
            self.limits[container].spend(key, rate, tokens)
        except ThrottledError:
            return False
        return True


@given(RATES, st.lists(st.tuples(st.integers(0, SECOND), st.integers(0, 2), st.integers(1, 20))))
def test_containers_together_grant_at_most_the_bucket_and_the_leases(
    rate: Rate, requests: list[tuple[int, int, int]]
) -> None:
    """In any period: a full bucket, what flows in, and lots leased up to two seconds before."""
    three = Containers(3)
    granted: list[tuple[int, int]] = []
    for pause, container, tokens in requests:
        three.now += pause
        if three.spends(rate, tokens, container=container):
            granted.append((three.now, min(tokens, rate.burst)))
    lots = 3 * (rate.burst // LOTS_OF_A_BUCKET)
    for first, (begin, _) in enumerate(granted):
        total = 0
        for at, tokens in granted[first:]:
            total += tokens
            flowed = Fraction((at - begin) * rate.tokens_per_second, SECOND)
            assert total <= rate.burst + flowed + lots
    assert sum(tokens for _, tokens in granted) <= three.buckets.leased


@given(RATES, STEPS)
def test_who_was_idle_passes(rate: Rate, steps: list[tuple[int, int]]) -> None:
    """Whatever was spent before: after a full bucket's time all of it is there."""
    one = Containers()
    for pause, tokens in steps:
        one.now += pause
        one.spends(rate, tokens)
    one.now += rate.microseconds(rate.burst) + LOT_MICROSECONDS
    assert one.spends(rate, rate.burst)


def test_one_that_is_exhausted_leaves_another_untouched() -> None:
    one = Containers()
    rate = Rate(10, 50)
    assert [one.spends(rate) for _ in range(80)].count(True) == 50
    assert one.spends(rate, 50, key="b")


def test_a_slow_caller_costs_a_write_a_request_and_a_fast_one_far_less() -> None:
    slow, fast = Containers(), Containers()
    rate = Rate(1000, 20_000)
    for _ in range(100):
        slow.now += 3 * SECOND
        assert slow.spends(rate)
    assert slow.buckets.asked == 100
    assert slow.buckets.leased == 100
    for _ in range(10_000):
        fast.now += 2_000
        assert fast.spends(rate)
    assert fast.buckets.asked < 100


def test_who_is_refused_costs_no_write_until_there_is_something() -> None:
    one = Containers()
    rate = Rate(1, 10)
    assert one.spends(rate, 10)
    assert not one.spends(rate, 5)
    asked = one.buckets.asked
    assert not any(one.spends(rate, tokens) for tokens in (5, 6, 10, 1) for _ in range(50))
    assert one.buckets.asked == asked
    one.now += SECOND
    assert one.spends(rate, 1)


def test_requests_pass_where_the_buckets_do_not_answer_and_few_of_them_ask() -> None:
    """Each is counted; a lot that is there is spent all the same."""
    one = Containers()
    one.buckets.is_there = False
    rate = Rate(1, 1)
    assert all(one.spends(rate) for _ in range(1000))
    assert (one.unchecked, one.buckets.asked) == (1000, 1)
    one.buckets.is_there = True
    one.now += 5 * SECOND
    assert one.spends(rate)
    assert not one.spends(rate)


def test_a_request_that_is_larger_than_the_bucket_costs_all_of_it() -> None:
    """So that it passes some day."""
    one = Containers()
    assert one.spends(Rate(1, 10), 1500)
    assert not one.spends(Rate(1, 10))


def test_the_wait_is_for_all_that_a_request_needs() -> None:
    """Also for what it spent before it was refused: sent again, it needs that again."""
    one = Containers()
    rate = Rate(1, 100)
    assert one.spends(rate, 90)
    with pytest.raises(ThrottledError) as refused:
        one.limits[0].spend("a", rate, 40, spent=2)
    assert refused.value.retry_seconds == 32


def test_what_is_kept_of_callers_is_bounded() -> None:
    one = Containers()
    for number in range(MAX_BUCKETS + 10):
        assert one.spends(Rate(1, 10), key=str(number))
    assert len(one.limits[0]._states) == MAX_BUCKETS


def test_without_a_limit_nobody_is_asked() -> None:
    one = Containers()
    one.limits[0].spend("a", None, 10**9)
    assert one.buckets.asked == 0


def test_a_clock_that_was_ahead_holds_nobody_up_once_it_is_right() -> None:
    """Neither what a bucket was seen to hold, nor that buckets did not answer."""
    one = Containers()
    rate = Rate(10, 10)
    right = one.now
    one.now += 3600 * SECOND
    assert one.spends(rate, 10)
    assert not one.spends(rate)
    one.now = right
    assert one.spends(rate)
    one.now += 3600 * SECOND
    one.buckets.is_there = False
    assert one.spends(rate, 10, key="b")
    one.buckets.is_there = True
    one.now = right
    assert one.spends(rate, 10, key="b")
    assert one.unchecked == 1
    assert not one.spends(rate, key="b")
