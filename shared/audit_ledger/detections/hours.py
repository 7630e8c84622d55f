"""Weekly opening hours, and whether an instant lies in them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from audit_ledger.errors import FormatError
from audit_ledger.iana_zones import zone_of

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CLOSED: Final = "closed"
DAY_MINUTES, WEEK_MINUTES = 1_440, 10_080

Hours = tuple[tuple[int, int], ...]
"""Start and end of each opening in minutes since Monday 00:00; an end may exceed the week."""

_RANGE: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXPECTED: Final = "closed, or hours like 08:00-12:00;13:00-17:00"


def read_hours(days: Sequence[str]) -> Hours:
    """Parse seven days from Monday: `closed`, or ranges; `22:00-06:00` ends the next day.

    Raise FormatError, which names the weekday and quotes nothing.
    """
    if len(days) != len(WEEKDAYS):
        raise FormatError("hours: seven days from Monday expected")
    openings = []
    for number, day in enumerate(days):
        if day == CLOSED:
            continue
        for text in day.split(";"):
            form = _RANGE.fullmatch(text.strip())
            if form is None:
                raise FormatError(f"{WEEKDAYS[number]}: {_EXPECTED} expected")
            hour, minute, end_hour, end_minute = map(int, form.groups())
            begin, end = hour * 60 + minute, end_hour * 60 + end_minute
            if end > DAY_MINUTES or begin == end:
                raise FormatError(f"{WEEKDAYS[number]}: {_EXPECTED} expected")
            end += 0 if end > begin else DAY_MINUTES
            openings.append((number * DAY_MINUTES + begin, number * DAY_MINUTES + end))
    return tuple(sorted(openings))


@lru_cache(maxsize=64)
def read_time_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name such as `Europe/Vienna`; raise FormatError if unknown."""
    try:
        return zone_of(name)
    except KeyError:
        raise FormatError("time zone: a name of the IANA database expected") from None


def local_time(time_ms: int, zone: ZoneInfo) -> datetime:
    """Return the local time of an instant (milliseconds since 1970, years 1970 to 9998)."""
    return (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(zone)


def is_open(hours: Hours, zone: ZoneInfo, time_ms: int, grace_minutes: int) -> bool:
    """Return whether an instant lies in the hours, or within the grace before or after."""
    local = local_time(time_ms, zone)
    minute = local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute
    return any(
        begin - grace_minutes <= at < end + grace_minutes
        for begin, end in hours
        for at in (minute - WEEK_MINUTES, minute, minute + WEEK_MINUTES)
    )
