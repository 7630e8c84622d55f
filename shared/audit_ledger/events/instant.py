"""FHIR `instant` (R4 and R5, Datatypes) and RFC 3339 `date-time`, as milliseconds since 1970."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_FORM = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:)([0-5][0-9]|60)"
    r"(?:\.([0-9]{1,30}))?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999, UTC


def parse_instant_ms(text: str) -> int:
    """Return milliseconds since 1970, rounded down, of `2015-02-07T13:28:17.239+02:00`.

    A leap second counts as the next second. Raise ValueError for anything else, without quoting it.
    """
    if not (form := _FORM.fullmatch(text)):
        raise ValueError("not of the form 2015-02-07T13:28:17.239+02:00")
    minute, second, fraction, zone = form.groups()
    instant = _minute_ms(minute, zone) + int(second) * 1000
    if fraction:
        instant += int((fraction + "00")[:3])
    if not FIRST_MS <= instant <= LAST_MS:
        raise ValueError("not within the years 1 to 9999 in UTC")
    return instant


def format_instant_ms(time_ms: int) -> str:
    """Return the text of milliseconds since 1970: `2026-11-22T05:59:00.123Z`; years 1 to 9999."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@lru_cache(maxsize=64)
def _minute_ms(minute: str, zone: str) -> int:
    """Return milliseconds since 1970 of `2015-02-07T13:28:`; a busy minute has many events."""
    try:
        moment = datetime.fromisoformat(f"{minute}00{zone}".upper())
    except ValueError:
        raise ValueError("no such date or time") from None
    return (moment - _EPOCH) // _MILLISECOND
