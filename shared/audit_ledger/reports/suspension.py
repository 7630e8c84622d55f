"""Suspensions at the request of law enforcement or health oversight: 45 CFR 164.528(a)(2).

While a suspension lasts, nothing that the patient receives may show that its recipients received
anything: no line, no count, no sum that reveals it. The privacy office sees how many there are.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.event_details import AgentDetails
from audit_ledger.private_repr import PrivateRepr

ORAL_LIMIT_MS: Final = 30 * 24 * 60 * 60 * 1000
"""164.528(a)(2)(ii)(C): 30 days from an oral statement, unless a written one comes."""


class Suspension(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """One statement of an agency or official.

    `agency`: for the privacy office only; `recipients`: canonical identifiers as in
    `Agent.candidates`, e.g. `reference|Organization/1`; in force from `from_ms` until before
    `until_ms`, milliseconds since 1970; an `oral` one for 30 days at most.
    """

    agency: str
    recipients: frozenset[str]
    from_ms: int
    until_ms: int
    oral: bool = False

    def __post_init__(self) -> None:
        """Raise FormatError for a statement that the rule does not allow."""
        if not self.recipients:
            raise FormatError("suspension: it names no recipient")
        if self.from_ms >= self.until_ms:
            raise FormatError("suspension: it does not end after it starts")
        if self.oral and self.until_ms - self.from_ms > ORAL_LIMIT_MS:
            raise FormatError("suspension: an oral statement is valid for 30 days at most")

    def names(self, agents: Iterable[AgentDetails]) -> bool:
        """Return whether any of the agents is a recipient of this suspension."""
        return any(self.recipients.intersection(agent.agent.candidates) for agent in agents)


class SuspensionCount(msgspec.Struct, frozen=True):
    """The number of lines that a suspension hides: for the privacy office only."""

    suspension: Suspension
    number: int


def in_force(suspensions: Iterable[Suspension], at_ms: int) -> tuple[Suspension, ...]:
    """Return the suspensions in force at a time."""
    return tuple(s for s in suspensions if s.from_ms <= at_ms < s.until_ms)


def first_that_names(
    suspensions: Sequence[Suspension], agents: Sequence[AgentDetails]
) -> Suspension | None:
    """Return the first suspension that names one of the agents."""
    return next((s for s in suspensions if s.names(agents)), None)
