"""Time zones by IANA name: those that every machine knows, and always the same.

A system may have more (`localtime`, `posix/…`, `right/…`), which another one lacks: a setting that
was checked on the first would stop the second. Therefore only names that the package tzdata has.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of a name such as `Europe/Vienna`; KeyError where there is none."""
    if name not in _names():
        raise KeyError
    return ZoneInfo(name)


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())
