"""Time zones by IANA name, with the same names on every machine.

A system may have others (`localtime`, `posix/…`, `right/…`) that another one lacks: a setting valid
on the first would fail on the second. Therefore only the names of the package tzdata are valid.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of a name such as `Europe/Vienna`; raise KeyError if unknown."""
    if name not in _names():
        raise KeyError
    return ZoneInfo(name)


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())
