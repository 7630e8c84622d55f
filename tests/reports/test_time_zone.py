"""Times in a zone of the reader's choice."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.records.index_row import FIRST_MS, LAST_MS
from audit_ledger.reports.time_zone import (
    as_rfc3339,
    day_of,
    format_in_zone,
    format_to_the_second,
    read_zone,
    years_before,
)
from tests.builders.opened_event import ms

ZONES = ("UTC", "Z", "+00:00", "-23:59", "+14:00", "Europe/Berlin", "America/New_York", "Etc/GMT+5")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "2026-07-01 12:00:00.123 +00:00"),
        ("Europe/Berlin", "2026-07-01 14:00:00.123 +02:00"),
        ("-03:30", "2026-07-01 08:30:00.123 -03:30"),
    ],
)
def test_times_have_their_offset(zone: str, expected: str) -> None:
    """Including summer time."""
    time, chosen = ms("2026-07-01T12:00:00.123Z"), read_zone(zone)
    assert format_in_zone(time, chosen) == expected
    assert format_to_the_second(time, chosen) == expected.replace(".123", "")
    assert as_rfc3339(time, chosen) == expected.replace(" ", "T", 1).replace(" ", "")


@given(time=st.integers(FIRST_MS, LAST_MS), zone=st.sampled_from(ZONES))
def test_every_time_of_an_event_reads_back(time: int, zone: str) -> None:
    """Also in the years 1 and 9999, whose local year may not exist."""
    chosen = read_zone(zone)
    moment = datetime.fromisoformat(as_rfc3339(time, chosen))
    seconds, millis = divmod(time, 1000)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    since = moment - epoch
    assert (since.days * 86_400 + since.seconds, since.microseconds) == (seconds, millis * 1000)
    assert day_of(time, chosen) == moment.date()


@pytest.mark.parametrize("zone", ["UTC", "+14:00", "-12:00", "Europe/Berlin"])
def test_years_before_do_not_precede_the_first_year(zone: str) -> None:
    """The six years before the year 3 begin with the year 1."""
    first = ms("0001-01-01T00:00:00Z")
    for text in ("0001-01-01T00:00:00Z", "0003-05-06T12:00:00Z", "0006-12-30T00:00:00Z"):
        assert years_before(ms(text), 6, read_zone(zone)) == first
    assert (
        first <= years_before(ms("0007-01-01T12:00:00Z"), 6, read_zone(zone)) < first + 86_400_000
    )


@pytest.mark.parametrize(
    "text",
    ["", "utc+1", "+1:00", "+24:00", "+01:60", "+01:00 ", "Europe", "Europe/Nowhere", "../UTC",
     "/etc/passwd", "Europe/../UTC", "A\0B", "é"],
)  # fmt: skip
def test_rejects_an_invalid_zone(text: str) -> None:
    """The message states what is valid and does not quote the zone."""
    with pytest.raises(FormatError) as rejected:
        read_zone(text)
    assert str(rejected.value).startswith("zone: neither an offset like +01:00 nor")
    assert "Nowhere" not in str(rejected.value)
