"""The covers, periods and zones of reports."""

from audit_ledger.events.instant import FIRST_MS, LAST_MS
from audit_ledger.reports.document import Cover, Period
from audit_ledger.reports.time_zone import UTC_ZONE, read_zone
from tests.builders.opened_event import ms

ORIGIN = "audit.example.org/st-elsewhere"
BERLIN = read_zone("Europe/Berlin")
EVER = Period(FIRST_MS, LAST_MS)


def cover(about: str = "Ada Example, born 1970-01-01", zone: str = "UTC") -> Cover:
    """Return a cover for November 2026, created at a time that no event has."""
    period = Period(ms("2026-11-01T00:00:00Z"), ms("2026-12-01T00:00:00Z"))
    chosen = UTC_ZONE if zone == "UTC" else read_zone(zone)
    return Cover(ORIGIN, about, period, ms("2027-01-02T03:04:05.678Z"), chosen)
