"""Limits of callers: what may stand in the settings, what holds where nothing does, and bounds."""

from collections.abc import Iterator

import msgspec

MAX_TOKENS_PER_SECOND = 10_000
MAX_BURST = 100_000
MAX_SECONDS_TO_FILL = 3600  # so that nobody is told to come back another day


class Limit(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A caller's bucket: tokens a second, and how many it holds. None: as elsewhere."""

    rate: int | None = None
    burst: int | None = None

    def over(self, other: "Limit") -> "Limit":
        """Return this limit, with what it does not say taken from another."""
        return Limit(
            rate=other.rate if self.rate is None else self.rate,
            burst=other.burst if self.burst is None else self.burst,
        )


class Limits(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Limits of each portal, and of each who reads."""

    portal: Limit = Limit()
    reader: Limit = Limit()

    def over(self, other: "Limits") -> "Limits":
        """Return these limits, with what they do not say taken from others."""
        return Limits(portal=self.portal.over(other.portal), reader=self.reader.over(other.reader))


STAGE_LIMITS = {
    # In dev one client may be a whole test, and load tests are run.
    "dev": Limits(portal=Limit(rate=1000, burst=50_000), reader=Limit(rate=200, burst=10_000)),
    "prod": Limits(portal=Limit(rate=1000, burst=20_000), reader=Limit(rate=20, burst=600)),
}


def limit_faults(place: str, given: Limit, whole: Limit) -> Iterator[tuple[str, object, str]]:
    """Say what is wrong with a limit. `whole`: it, with all that it does not say."""
    for name, most in (("rate", MAX_TOKENS_PER_SECOND), ("burst", MAX_BURST)):
        value = getattr(given, name)
        if value is not None and not 1 <= value <= most:
            yield f"{place}.{name}", value, f"1 to {most:,}"
            return
    rate, burst = whole.rate or 1, whole.burst or 1
    if given != Limit() and burst > rate * MAX_SECONDS_TO_FILL:
        expected = f"a bucket that fills in an hour: at most {MAX_SECONDS_TO_FILL} times the rate"
        if given.burst is None:
            expected += "; without a burst of its own it has that of the stage or ledger"
        yield f"{place}.burst", burst, expected


def limits_faults(place: str, given: Limits, whole: Limits) -> Iterator[tuple[str, object, str]]:
    """Say what is wrong with the limits of a stage or ledger."""
    yield from limit_faults(f"{place}.portal", given.portal, whole.portal)
    yield from limit_faults(f"{place}.reader", given.reader, whole.reader)
