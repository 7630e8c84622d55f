"""Instants agree with Python's arithmetic and with the rules of the specification."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.events.instant import parse_instant_ms


@given(
    st.datetimes().filter(lambda moment: 1 < moment.year < 9999),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
    st.integers(0, 999),
)
def test_every_instant_is_parsed_to_the_millisecond(
    moment: datetime, offset_minutes: int, milliseconds: int
) -> None:
    """The expected values come from timedelta, for all years and zones."""
    zone = timezone(timedelta(minutes=offset_minutes))
    moment = moment.replace(microsecond=milliseconds * 1000, tzinfo=zone)
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse_instant_ms(moment.isoformat(timespec="milliseconds")) == expected


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.9999999Z", 999),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1969-12-31T23:59:59.999Z", -1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T20:30:00-03:30", 0),
        ("1972-06-30T23:59:60Z", 78796800000),  # a leap second is the second after
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("0001-01-01T00:00:00Z", -62135596800000),
        ("9999-12-31T23:59:59.999Z", 253402300799999),
    ],
)
def test_literal_instants_are_parsed(text: str, milliseconds: int) -> None:
    """Fractions, zones, a leap second, the first and the last year."""
    assert parse_instant_ms(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T05:59Z",
        "2026-11-22T05:59:00",
        "2026-11-22 05:59:00Z",
        "2026-11-22T05:59:00.Z",
        "2026-11-22T05:59:00,5Z",
        "2026-11-22T05:59:00+01",
        "2026-11-22T05:59:00+0100",
        "2026-11-22T05:59:00+24:00",
        "2026-11-22T24:00:00Z",
        "2026-11-22T05:60:00Z",
        "2026-11-22T05:59:61Z",
        "2026-13-22T05:59:00Z",
        "2026-02-29T05:59:00Z",
        "0000-01-01T00:00:00Z",
        "12026-11-22T05:59:00Z",
        "-2026-11-22T05:59:00Z",
        "2026-11-22T05:59:00Z\n",
        " 2026-11-22T05:59:00Z",
        "２０２６-11-22T05:59:00Z",
        "2026-W47-7T05:59:00Z",
        "2026-11-22T05:59:00." + "1" * 31 + "Z",
        "0001-01-01T00:00:00+14:00",  # before the first year in UTC
        "9999-12-31T23:59:60Z",  # after the last
    ],
)
def test_an_invalid_instant_is_rejected(text: str) -> None:
    """Seconds and zone are required, and date and time must exist."""
    with pytest.raises(ValueError, match=r"^(not of the form|no such date|not within)"):
        parse_instant_ms(text)
