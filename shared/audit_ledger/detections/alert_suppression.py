"""Suppress repeated alerts, so that one pattern of many events yields one finding."""

import msgspec

from audit_ledger.detections.observed_access import ObservedAccess

MAX_REPORTED = 4_000
_LATE_SECONDS = 7 * 86_400  # an event that arrives later may be reported again
_HOUR_MS = 3_600_000


class SuppressedAlerts(msgspec.Struct):
    """Key → the event's own time (ms) and its entry's (seconds), the oldest entry first."""

    last: dict[str, tuple[int, int]] = {}


def pair_key(seen: ObservedAccess) -> str:
    """Return the suppression key of the user and the patient."""
    return f"{seen.who_mark}/{seen.patient_mark}"


def is_within(reported: SuppressedAlerts, key: str, seen: ObservedAccess, hours: int) -> bool:
    """Return whether the key was noted less than `hours` before or after this event."""
    last = reported.last.get(key)
    return last is not None and abs(seen.time_ms - last[0]) < hours * _HOUR_MS


def note(reported: SuppressedAlerts, key: str, seen: ObservedAccess, hours: int) -> None:
    """Note the key at this event, and delete outdated and surplus keys."""
    entry_time = seen.opened.entry_time
    reported.last.pop(key, None)
    reported.last[key] = (seen.time_ms, entry_time)
    oldest = entry_time - hours * 3_600 - _LATE_SECONDS
    for old in _outdated(reported, oldest):
        del reported.last[old]


def is_news(reported: SuppressedAlerts, key: str, seen: ObservedAccess, quiet_hours: int) -> bool:
    """Note this event and return True, unless its key was reported within the quiet hours."""
    if is_within(reported, key, seen, quiet_hours):
        return False
    note(reported, key, seen, quiet_hours)
    return True


def _outdated(reported: SuppressedAlerts, oldest: int) -> list[str]:
    found: list[str] = []
    surplus = len(reported.last) - MAX_REPORTED
    for key, (_, entry_time) in reported.last.items():
        if entry_time >= oldest and len(found) >= surplus:
            break
        found.append(key)
    return found
