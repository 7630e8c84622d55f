"""The finding of a rule: a private form, and a public form for the event bus."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from audit_ledger.events.event import PatientReference
from audit_ledger.private_repr import PrivateRepr

Severity = Literal["low", "medium", "high"]

_CONTEXT = b"audit-ledger/finding/v1\n"


class PublicFinding(msgspec.Struct, frozen=True, gc=False):
    """A finding without identifiers, for the event bus.

    `ledger_time`: of the last entry, seconds since 1970.
    """

    rule: str
    severity: Severity
    entries: tuple[int, ...]
    ledger_time: int


class DetectionFinding(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A finding. Private: it names user and patient, for authorized readers only.

    `id`: 64 hex digits, derived from rule and entries alone, so that a replay yields the same;
    `entries` in ascending order: the last one completed the pattern; `event_ids`: of these entries;
    `time_ms`: the own time of the completing event; `who`: the agent's canonical name;
    `statement`: codes and counts only.
    """

    id: str
    rule: str
    severity: Severity
    entries: tuple[int, ...]
    event_ids: tuple[str, ...]
    time_ms: int
    ledger_time: int
    who: str | None
    patient: PatientReference | None
    statement: str

    def public(self) -> PublicFinding:
        """Return the form without identifiers."""
        return PublicFinding(self.rule, self.severity, self.entries, self.ledger_time)


def finding_id(rule: str, entries: Sequence[int]) -> str:
    """Return hex SHA-256("audit-ledger/finding/v1\\n" rule "\\n" entries in decimal, ",")."""
    numbers = ",".join(str(entry) for entry in entries)
    return sha256(_CONTEXT + f"{rule}\n{numbers}".encode()).hexdigest()
