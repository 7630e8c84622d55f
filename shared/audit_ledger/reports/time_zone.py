"""Times in a zone of the reader's choice, always with their offset."""

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
    """A time zone; `name`: `UTC`, `+01:00`, or `Europe/Berlin`."""

    name: str
    info: tzinfo


UTC_ZONE: Final = Zone("UTC", UTC)


def read_zone(text: str) -> Zone:
    """Parse an offset (RFC 3339: `+01:00`), an IANA name, `UTC` or `Z`; else raise FormatError."""
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
    """Return the local time; in UTC if the local one is before year 1 or after 9999."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    try:
        return moment.astimezone(zone.info)
    except (OverflowError, ValueError):
        return moment


def day_of(time_ms: int, zone: Zone) -> date:
    """Return the local day of a time."""
    return local(time_ms, zone).date()


def format_in_zone(time_ms: int, zone: Zone) -> str:
    """Return a time for people: `2026-11-22 06:59:00.123 +01:00`."""
    text = as_rfc3339(time_ms, zone)
    return f"{text[:10]} {text[11:23]} {text[23:]}"


def format_to_the_second(time_ms: int, zone: Zone) -> str:
    """Return a time for people: `2026-11-22 06:59:00 +01:00`."""
    text = as_rfc3339(time_ms, zone)
    return f"{text[:10]} {text[11:19]} {text[23:]}"


def as_rfc3339(time_ms: int, zone: Zone) -> str:
    """Return a time for machines: `2026-11-22T06:59:00.123+01:00`."""
    return local(time_ms, zone).isoformat("T", "milliseconds")


def years_before(time_ms: int, years: int, zone: Zone) -> int:
    """Return the start of the same day some years before; of 28 February if there is no 29th.

    It is not before the first possible instant.
    """
    day = local(time_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if day.year <= years:
        return FIRST_MS
    try:
        then = day.replace(year=day.year - years)
    except ValueError:
        then = day.replace(year=day.year - years, day=28)
    return max(FIRST_MS, (then - _EPOCH) // timedelta(milliseconds=1))
