"""Times as people read them: in a zone that the reader chose, and never without saying which."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.instant import FIRST_MS
from audit_ledger.iana_zones import zone_of

_OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Zone(msgspec.Struct, frozen=True):
    """A time zone; `name` as it is written: `UTC`, `+01:00`, `Europe/Berlin`."""

    name: str
    info: tzinfo


UTC_ZONE: Final = Zone("UTC", UTC)


def read_zone(text: str) -> Zone:
    """Read an offset (RFC 3339: `+01:00`), an IANA name, `UTC` or `Z`; FormatError for others."""
    if text in ("UTC", "Z"):
        return UTC_ZONE
    if offset := _OFFSET.fullmatch(text):
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return Zone(text, timezone(-ahead if offset[1] == "-" else ahead))
    if _NAME.fullmatch(text):
        try:
            return Zone(text, zone_of(text))
        except KeyError:
            pass
    raise FormatError(
        "zone: neither an offset like +01:00 nor an IANA name like Europe/Berlin that is known here"
    )


def local(time_ms: int, zone: Zone) -> datetime:
    """Return a time as the zone's clock shows it; in UTC if that is before year 1 or after 9999."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    try:
        return moment.astimezone(zone.info)
    except (OverflowError, ValueError):
        return moment


def day_of(time_ms: int, zone: Zone) -> date:
    """Return the day that it is then in the zone."""
    return local(time_ms, zone).date()


def format_in_zone(time_ms: int, zone: Zone) -> str:
    """Write a time for people, with its offset: `2026-11-22 06:59:00.123 +01:00`."""
    text = as_rfc3339(time_ms, zone)
    return f"{text[:10]} {text[11:23]} {text[23:]}"


def format_to_the_second(time_ms: int, zone: Zone) -> str:
    """Write a time for people, with its offset: `2026-11-22 06:59:00 +01:00`."""
    text = as_rfc3339(time_ms, zone)
    return f"{text[:10]} {text[11:19]} {text[23:]}"


def as_rfc3339(time_ms: int, zone: Zone) -> str:
    """Write a time for machines: `2026-11-22T06:59:00.123+01:00`."""
    return local(time_ms, zone).isoformat("T", "milliseconds")


def years_before(time_ms: int, years: int, zone: Zone) -> int:
    """Return the start of the same day so many years before; of 28 February for want of a 29th.

    Not before the first instant there is.
    """
    day = local(time_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if day.year <= years:
        return FIRST_MS
    try:
        then = day.replace(year=day.year - years)
    except ValueError:
        then = day.replace(year=day.year - years, day=28)
    return max(FIRST_MS, (then - _EPOCH) // timedelta(milliseconds=1))
