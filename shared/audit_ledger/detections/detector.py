"""Run all rules: resume from stored states, observe in ledger order, store the states.

    detector = Detector(make_rules(settings, consents), directory, mark)
    detector.resume(states)
    for opened in events:
        findings += detector.observe(opened)
    store(detector.states())

The same events, settings, directory and mark yield the same findings and states, in batches of any
size. Another directory may yield other findings: `Directory.digest` identifies the one in use.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from audit_ledger.detections.access_spike import AccessSpikeRule
from audit_ledger.detections.after_hours import AfterHoursRule
from audit_ledger.detections.break_the_glass import BreakTheGlassRule
from audit_ledger.detections.bulk_access import BulkAccessRule
from audit_ledger.detections.consent_denied import ConsentDeniedRule, Consents
from audit_ledger.detections.failed_access import FailedAccessRule
from audit_ledger.detections.finding import DetectionFinding
from audit_ledger.detections.inactive_user import InactiveUserRule
from audit_ledger.detections.no_encounter import NoEncounterRule
from audit_ledger.detections.observed_access import (
    MAX_MARK_LENGTH,
    MIN_MARK_LENGTH,
    Mark,
    observe_access,
)
from audit_ledger.detections.relations import SameHouseholdRule, SameSurnameRule, SelfAccessRule
from audit_ledger.detections.rule import Rule, SettingsT
from audit_ledger.detections.settings import DetectionSettings, read_settings
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent

_encode = msgspec.json.Encoder().encode


def make_rules(
    settings: DetectionSettings | None = None, consents: Consents | None = None
) -> tuple[Rule[Any, Any], ...]:
    """Return the enabled rules; raise FormatError if a setting is out of bounds."""
    settings = read_settings(msgspec.to_builtins(settings or DetectionSettings()))
    rules = (
        _rule(SelfAccessRule, settings.self_access),
        _rule(SameSurnameRule, settings.same_surname),
        _rule(SameHouseholdRule, settings.same_household),
        _rule(NoEncounterRule, settings.no_encounter),
        _rule(BreakTheGlassRule, settings.break_the_glass),
        _rule(AccessSpikeRule, settings.access_spike),
        _rule(AfterHoursRule, settings.after_hours),
        _rule(BulkAccessRule, settings.bulk_access),
        _rule(FailedAccessRule, settings.failed_access),
        _rule(InactiveUserRule, settings.ended_user),
        _rule(partial(ConsentDeniedRule, consents=consents), settings.consent_denied),
    )
    return tuple(rule for rule in rules if rule is not None)


def _rule(
    make: Callable[[SettingsT], Rule[Any, Any]], settings: SettingsT | None
) -> Rule[Any, Any] | None:
    return None if settings is None else make(settings)


class Detector:
    """Runs rules. `not_applicable`: the rules that do not run, by name, with the missing data."""

    def __init__(self, rules: Sequence[Rule[Any, Any]], directory: Directory, mark: Mark) -> None:
        """Create a detector. `mark` hashes an identifier to 12 to 24 characters for the states.

        Raise ValueError if its result has another length.
        """
        if not MIN_MARK_LENGTH <= len(mark("")) <= MAX_MARK_LENGTH:
            raise ValueError(f"expected marks of {MIN_MARK_LENGTH} to {MAX_MARK_LENGTH} characters")
        self.directory = directory
        self.mark = mark
        lacking = {rule.name: rule.not_applicable(directory) for rule in rules}
        self.not_applicable = {name: why for name, why in lacking.items() if why is not None}
        self.rules = [rule for rule in rules if rule.name not in self.not_applicable]
        self._states: dict[str, Any] = {rule.name: rule.state_type() for rule in self.rules}
        self._idle: dict[str, bytes] = {}

    def resume(self, states: Mapping[str, bytes]) -> None:
        """Load the states of the last run, by rule; a rule without one begins with an empty state.

        Raise FormatError if a state cannot be decoded.
        """
        self._idle = {name: data for name, data in states.items() if name not in self._states}
        for rule in self.rules:
            if rule.name in states:
                try:
                    state = msgspec.json.decode(states[rule.name], type=rule.state_type)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    raise FormatError(f"{rule.name}: expected a stored state") from None
                self._states[rule.name] = state

    def observe(
        self, opened: OpenedEvent, report_failure: Callable[[str], None] | None = None
    ) -> list[DetectionFinding]:
        """Return the findings of one more event, in ledger order.

        If a rule raises an error, call `report_failure` with its name and continue with the other
        rules; without `report_failure`, raise the error.
        """
        access = observe_access(opened, self.directory, self.mark)
        findings: list[DetectionFinding] = []
        for rule in self.rules:
            try:
                finding = rule.observe(self._states[rule.name], access)
            except Exception:
                if report_failure is None:
                    raise
                report_failure(rule.name)
                continue
            if finding is not None:
                findings.append(finding)
        return findings

    def states(self) -> dict[str, bytes]:
        """Return the states to store, by rule; those of rules that do not run are unchanged."""
        return self._idle | {name: _encode(state) for name, state in self._states.items()}
