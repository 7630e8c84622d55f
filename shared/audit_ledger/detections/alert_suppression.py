"""Suppress repeated alerts, so that one pattern of many events yields one finding."""

from abc import abstractmethod
from typing import TypeVar

import msgspec

from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.settings import QuietRuleSettings

MAX_REPORTED = 4_000
_LATE_SECONDS = 7 * 86_400  # an event that arrives later may be reported again
_HOUR_MS = 3_600_000


class SuppressedAlerts(msgspec.Struct):
    """Key → the event's own time (ms) and its entry's (seconds), the oldest entry first."""

    last: dict[str, tuple[int, int]] = {}


def pair_key(access: ObservedAccess) -> str:
    """Return the suppression key of the user and the patient."""
    return f"{access.who_mark}/{access.patient_mark}"


def is_within(reported: SuppressedAlerts, key: str, access: ObservedAccess, hours: int) -> bool:
    """Return whether the key was noted less than `hours` before or after this event."""
    last = reported.last.get(key)
    return last is not None and abs(access.time_ms - last[0]) < hours * _HOUR_MS


def note(reported: SuppressedAlerts, key: str, access: ObservedAccess, hours: int) -> None:
    """Note the key at this event, and delete outdated and surplus keys."""
    entry_time = access.opened.entry_time
    reported.last.pop(key, None)
    reported.last[key] = (access.time_ms, entry_time)
    oldest = entry_time - hours * 3_600 - _LATE_SECONDS
    for old in _outdated(reported, oldest):
        del reported.last[old]


def is_news(reported: SuppressedAlerts, key: str, access: ObservedAccess, quiet_hours: int) -> bool:
    """Note this event and return True, unless its key was reported within the quiet hours."""
    if is_within(reported, key, access, quiet_hours):
        return False
    note(reported, key, access, quiet_hours)
    return True


def _outdated(reported: SuppressedAlerts, oldest: int) -> list[str]:
    outdated: list[str] = []
    surplus = len(reported.last) - MAX_REPORTED
    for key, (_, entry_time) in reported.last.items():
        if entry_time >= oldest and len(outdated) >= surplus:
            break
        outdated.append(key)
    return outdated


QuietSettingsT = TypeVar("QuietSettingsT", bound=QuietRuleSettings)


class QuietRule(Rule[SuppressedAlerts, QuietSettingsT]):
    """A rule that judges each event alone: one finding per suppression key in the quiet hours."""

    state_type = SuppressedAlerts

    @abstractmethod
    def judge(self, access: ObservedAccess) -> str | None:
        """Return the statement of a finding about this event; None if there is no finding."""

    def suppression_key(self, access: ObservedAccess) -> str:
        """Return the key under which findings are suppressed: by default, user and patient."""
        return pair_key(access)

    def observe(self, state: SuppressedAlerts, access: ObservedAccess) -> DetectionFinding | None:
        """Return the finding unless one of its key was reported within the quiet hours."""
        statement = self.judge(access)
        if statement is None:
            return None
        key = self.suppression_key(access)
        is_new = is_news(state, key, access, self.settings.quiet_hours)
        return self.finding(access, statement) if is_new else None
