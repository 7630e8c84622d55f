"""All rules together, as the follower runs them: resume, observe in ledger order, keep the states.

    detector = Detector(make_rules(settings, consents), directory, mark)
    detector.resume(states)
    for opened in events:
        findings += detector.observe(opened)
    keep(detector.states())

The same events, settings, directory and mark give the same findings and states, in pieces of any
size. Another directory may find something else: `Directory.digest` says with which one it was.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

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
from audit_ledger.detections.rule import Rule
from audit_ledger.detections.settings import DetectionSettings, checked
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent

OwnT = TypeVar("OwnT")

_encode = msgspec.json.Encoder().encode


def make_rules(
    settings: DetectionSettings | None = None, consents: Consents | None = None
) -> tuple[Rule[Any], ...]:
    """Make the rules that are switched on; FormatError where a setting is out of its bounds."""
    own = checked(settings or DetectionSettings())
    made = (
        _rule(SelfAccessRule, own.self_access),
        _rule(SameSurnameRule, own.same_surname),
        _rule(SameHouseholdRule, own.same_household),
        _rule(NoEncounterRule, own.no_encounter),
        _rule(BreakTheGlassRule, own.break_the_glass),
        _rule(AccessSpikeRule, own.access_spike),
        _rule(AfterHoursRule, own.after_hours),
        _rule(BulkAccessRule, own.bulk_access),
        _rule(FailedAccessRule, own.failed_access),
        _rule(InactiveUserRule, own.ended_user),
        _rule(partial(ConsentDeniedRule, consents=consents), own.consent_denied),
    )
    return tuple(rule for rule in made if rule is not None)


def _rule(make: Callable[[OwnT], Rule[Any]], own: OwnT | None) -> Rule[Any] | None:
    return None if own is None else make(own)


class Detector:
    """`not_applicable`: rules that do not run, by name, and which data they lack."""

    def __init__(self, rules: Sequence[Rule[Any]], directory: Directory, mark: Mark) -> None:
        """`mark` turns an identifier into a keyed hash of 12 to 24 characters: states hold those.

        Raises ValueError where it does not.
        """
        if not MIN_MARK_LENGTH <= len(mark("")) <= MAX_MARK_LENGTH:
            raise ValueError(f"marks of {MIN_MARK_LENGTH} to {MAX_MARK_LENGTH} characters expected")
        self.directory = directory
        self.mark = mark
        lacking = {rule.name: rule.not_applicable(directory) for rule in rules}
        self.not_applicable = {name: why for name, why in lacking.items() if why is not None}
        self.rules = [rule for rule in rules if rule.name not in self.not_applicable]
        self._states: dict[str, Any] = {rule.name: rule.state_type() for rule in self.rules}
        self._idle: dict[str, bytes] = {}

    def resume(self, states: Mapping[str, bytes]) -> None:
        """Go on from the states of the last run, by rule; a rule without one begins anew.

        Raises FormatError where one is not as it was kept.
        """
        self._idle = {name: data for name, data in states.items() if name not in self._states}
        for rule in self.rules:
            if rule.name in states:
                try:
                    state = msgspec.json.decode(states[rule.name], type=rule.state_type)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    raise FormatError(f"{rule.name}: not a state as it is kept") from None
                self._states[rule.name] = state

    def observe(
        self, opened: OpenedEvent, stepped_over: Callable[[str], None] | None = None
    ) -> list[DetectionFinding]:
        """Look at one more event, in ledger order.

        `stepped_over`: told of a rule, by name, that cannot look at the event; without it that is
        an error. The others look at it all the same.
        """
        seen = observe_access(opened, self.directory, self.mark)
        found: list[DetectionFinding] = []
        for rule in self.rules:
            try:
                finding = rule.observe(self._states[rule.name], seen)
            except Exception:
                if stepped_over is None:
                    raise
                stepped_over(rule.name)
                continue
            if finding is not None:
                found.append(finding)
        return found

    def states(self) -> dict[str, bytes]:
        """Return the states to keep, by rule; those of rules that do not run stay as they were."""
        kept = {name: _encode(state) for name, state in self._states.items()}
        return self._idle | kept
