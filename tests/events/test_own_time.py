"""An event's own time is compared with the entry's: at the limits and far beyond."""

from datetime import UTC, datetime

import pytest

from audit_ledger.events.own_time import effective_time_ms, is_plausible

TAKEN = 1_796_040_000  # 2026-11-30T12:00:00Z
DAY = 86_400_000


def ms(text: str) -> int:
    """Return the milliseconds of an instant, by the standard library."""
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("own", "plausible"),
    [
        ("2026-11-30T12:00:00Z", True),
        ("2026-11-30T12:05:00Z", True),
        ("2026-11-30T12:05:00.999Z", True),
        ("2026-11-30T12:05:01Z", False),
        ("2026-10-30T12:00:00Z", True),
        ("2026-10-30T11:59:59.999Z", False),
        ("2026-11-30T13:00:00Z", False),  # a local time written as UTC
        ("2026-11-30T23:00:00Z", False),
        ("2025-11-30T12:00:00Z", False),
        ("2027-11-30T12:00:00Z", False),
        ("2062-11-30T08:00:00Z", False),
        ("2016-11-30T08:00:00Z", False),
        ("1970-01-01T00:00:12Z", False),
        ("1980-01-06T00:00:00Z", False),
        ("2000-01-01T00:00:00Z", False),
        ("0001-01-01T00:00:00+00:00", False),
        ("9999-12-31T23:59:59Z", False),
    ],
)
def test_a_time_is_plausible_from_a_month_before_to_five_minutes_after(
    own: str, plausible: bool
) -> None:
    """In whole seconds, like the time of an entry."""
    assert datetime.fromtimestamp(TAKEN, UTC).isoformat() == "2026-11-30T12:00:00+00:00"
    assert is_plausible(ms(own), TAKEN) is plausible


TODAY = (TAKEN * 1000 - DAY // 2, TAKEN * 1000 + DAY // 2)


@pytest.mark.parametrize(
    ("own", "period", "effective"),
    [
        ("2026-11-30T11:00:00Z", TODAY, "2026-11-30T11:00:00Z"),
        ("2026-11-29T11:00:00Z", TODAY, None),  # plausible, and of another day
        ("1970-01-01T00:00:12Z", TODAY, "2026-11-30T12:00:00Z"),
        ("2062-11-30T08:00:00Z", TODAY, "2026-11-30T12:00:00Z"),
        ("2026-11-30T23:00:00Z", TODAY, "2026-11-30T12:00:00Z"),
        ("1970-01-01T00:00:12Z", (0, DAY), "1970-01-01T00:00:12Z"),
        ("1970-01-01T00:00:12Z", (DAY, 2 * DAY), None),
        ("2021-03-01T00:00:00Z", (ms("2021-01-01T00:00:00Z"), TODAY[0]), "2021-03-01T00:00:00Z"),
    ],
)
def test_an_implausible_time_is_replaced_by_the_time_of_the_entry(
    own: str, period: tuple[int, int], effective: str | None
) -> None:
    """Unless only the stated time is in the period."""
    expected = None if effective is None else ms(effective)
    assert effective_time_ms(ms(own), TAKEN, *period) == expected


def test_a_period_includes_its_start_and_excludes_its_end() -> None:
    """For own times and times of entries alike."""
    at = TAKEN * 1000
    assert effective_time_ms(at, TAKEN, at, at + 1) == at
    assert effective_time_ms(at, TAKEN, at - 1, at) is None
    assert effective_time_ms(0, TAKEN, at, at + 1) == at
    assert effective_time_ms(0, TAKEN, at - 1, at) is None
