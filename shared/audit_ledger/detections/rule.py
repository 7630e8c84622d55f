"""The interface of a rule: it observes events in ledger order, and has a state.

A rule's state depends only on the events, the directory and the settings, so that a replay from the
first entry, in batches of any size, yields the same findings and state. States are bounded and
contain marks of people, never their names.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec

from audit_ledger.detections.finding import DetectionFinding, finding_id
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.settings import RuleSettings
from audit_ledger.detections.staff_directory import Directory

StateT = TypeVar("StateT", bound=msgspec.Struct)
SettingsT = TypeVar("SettingsT", bound=RuleSettings)


class Rule(ABC, Generic[StateT, SettingsT]):
    """A rule. Findings contain its name and severity; `state_type` is stored as JSON."""

    name: ClassVar[str]
    state_type: type[StateT]

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    def not_applicable(self, directory: Directory) -> str | None:  # noqa: ARG002 - most need none
        """Return which data the rule lacks; None if it lacks none, or needs only events."""
        return None

    @abstractmethod
    def observe(self, state: StateT, access: ObservedAccess) -> DetectionFinding | None:
        """Update the state with one more event; return its finding, if any."""

    def finding(
        self, access: ObservedAccess, statement: str, earlier: Sequence[tuple[int, str]] = ()
    ) -> DetectionFinding:
        """Return a finding of this event and of `earlier` ones: (entry, event id)."""
        both = dict(sorted([*earlier, (access.opened.seq, access.opened.event_id)]))
        entries = tuple(both)
        return DetectionFinding(
            id=finding_id(self.name, entries),
            rule=self.name,
            severity=self.settings.severity,
            entries=entries,
            event_ids=tuple(both.values()),
            time_ms=access.time_ms,
            ledger_time=access.opened.entry_time,
            who=access.who,
            patient=access.patient,
            statement=statement,
        )
