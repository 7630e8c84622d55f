"""A rule: looks at one event after another in ledger order, and keeps what it must remember.

A rule's state depends on nothing but the events, the directory and the settings, so that a replay
from the first entry, in pieces of any size, finds the same and ends with the same state. States are
bounded and hold marks of people, never their names.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec

from audit_ledger.detections.finding import DetectionFinding, Severity, finding_id
from audit_ledger.detections.observed_access import ObservedAccess
from audit_ledger.detections.staff_directory import Directory

StateT = TypeVar("StateT", bound=msgspec.Struct)


class Nothing(msgspec.Struct):
    """The state of a rule that remembers nothing."""


class Rule(ABC, Generic[StateT]):
    """`name` and `severity` stand in findings; `state_type` is what is kept, as JSON."""

    name: ClassVar[str]
    state_type: type[StateT]
    severity: Severity

    def not_applicable(self, directory: Directory) -> str | None:  # noqa: ARG002 - most need none
        """Say which data the rule lacks; None where it lacks none, or events alone will do."""
        return None

    @abstractmethod
    def observe(self, state: StateT, seen: ObservedAccess) -> DetectionFinding | None:
        """Look at one more event. Changes the state."""

    def found(
        self, seen: ObservedAccess, statement: str, earlier: Sequence[tuple[int, str]] = ()
    ) -> DetectionFinding:
        """Make a finding of this event, and of earlier (entry, event id) that belong to it."""
        both = dict(sorted([*earlier, (seen.opened.seq, seen.opened.event_id)]))
        entries = tuple(both)
        return DetectionFinding(
            id=finding_id(self.name, entries),
            rule=self.name,
            severity=self.severity,
            entries=entries,
            event_ids=tuple(both.values()),
            time_ms=seen.time_ms,
            ledger_time=seen.opened.entry_time,
            who=seen.who,
            patient=seen.patient,
            statement=statement,
        )
