"""Rate limits of callers: the defaults of each stage, and the bounds of settings."""

from collections.abc import Iterator

from audit_ledger.settings.limits import RateLimit, RateLimits

MAX_TOKENS_PER_SECOND = 10_000
MAX_BURST = 100_000
MAX_SECONDS_TO_FILL = 3600  # so that no Retry-After is longer than an hour


STAGE_LIMITS = {
    # In dev one client may be a whole test, and load tests are run.
    "dev": RateLimits(
        portal=RateLimit(rate=1000, burst=50_000), reader=RateLimit(rate=200, burst=10_000)
    ),
    "prod": RateLimits(
        portal=RateLimit(rate=1000, burst=20_000), reader=RateLimit(rate=20, burst=600)
    ),
}


def limit_faults(
    place: str, given: RateLimit, whole: RateLimit
) -> Iterator[tuple[str, object, str]]:
    """Return the faults of a limit. `whole`: the limit with its missing values filled in."""
    for name, most in (("rate", MAX_TOKENS_PER_SECOND), ("burst", MAX_BURST)):
        value = getattr(given, name)
        if value is not None and not 1 <= value <= most:
            yield f"{place}.{name}", value, f"1 to {most:,}"
            return
    rate, burst = whole.rate or 1, whole.burst or 1
    if given != RateLimit() and burst > rate * MAX_SECONDS_TO_FILL:
        expected = f"a bucket that fills in an hour: at most {MAX_SECONDS_TO_FILL} times the rate"
        if given.burst is None:
            expected += "; without a burst of its own it has that of the stage or ledger"
        yield f"{place}.burst", burst, expected


def limits_faults(
    place: str, given: RateLimits, whole: RateLimits
) -> Iterator[tuple[str, object, str]]:
    """Return the faults of the limits of a stage or ledger."""
    yield from limit_faults(f"{place}.portal", given.portal, whole.portal)
    yield from limit_faults(f"{place}.reader", given.reader, whole.reader)
