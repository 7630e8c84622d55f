"""The criteria of a search: parsed values, each of which can be written as in a query.

An event must match all criteria, and one value of each. Values name patients and staff, so no repr
shows them.
"""

from typing import Final, Literal

import msgspec

from audit_ledger.events.instant import FIRST_MS, LAST_MS
from audit_ledger.events.token_syntax import escape
from audit_ledger.private_repr import PrivateRepr

START_MS: Final = FIRST_MS
END_MS: Final = LAST_MS + 1
DEFAULT_COUNT: Final = 50
MAX_COUNT: Final = 100

Modifier = Literal["", "exact", "contains", "not", "missing"]
Total = Literal["none", "estimate", "accurate"]
Sort = Literal["date", "-date"]
OwnUse = Literal["include", "exclude", "only"]


class DateCondition(msgspec.Struct, frozen=True, gc=False):
    """A prefix and a date: fulfilled by the instants of [from_ms, to_ms), ms since 1970.

    `ge2026-11` is [the month's start, END_MS), `2026-11` the month itself.
    """

    text: str
    from_ms: int
    to_ms: int

    def __str__(self) -> str:
        """Spell it: prefix (none for `eq`) and date, fractions of at most a millisecond."""
        return self.text


class Token(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """`system|code`, `|code` (system ""), `code` (system None: any), `system|` (code None: any)."""

    system: str | None
    code: str | None

    def __str__(self) -> str:
        """Spell it."""
        if self.system is None:
            return escape(self.code or "")
        return f"{escape(self.system)}|{escape(self.code or '')}"


class NamedResource(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """What a reference parameter names.

    `reference` is in the one form of `normalize_reference`, a patient's in that of
    `patient_reference`; where `has_type` is false it is an id
    alone, of a resource of any type.
    """

    reference: str
    has_type: bool = True

    def __str__(self) -> str:
        """Spell it."""
        return escape(self.reference)


class Text(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """A string to look for; `true` or `false` of the modifier `missing`."""

    text: str

    def __str__(self) -> str:
        """Spell it."""
        return escape(self.text)


Value = DateCondition | Token | NamedResource | Text


class Criterion(msgspec.Struct, frozen=True, gc=False):
    """One repetition of a parameter: an event must match one of its values."""

    parameter: str
    values: tuple[Value, ...]
    modifier: Modifier = ""


class Search(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A search of AuditEvents, which match all criteria.

    `own_use`: whether events that the ledger itself emits are found too, or alone; `count`: events
    a page; `sort`: by the event's own time; `format`: whether `_format` was requested; `cursor`:
    where the page starts; `ignored`: names of parameters that were left out. `total`: how exact a
    total is wanted; `counts_only`: the total, and no event; `elements`: which of each event are
    shown, () for all.
    """

    criteria: tuple[Criterion, ...] = ()
    own_use: OwnUse = "include"
    count: int = DEFAULT_COUNT
    sort: Sort = "-date"
    format: str | None = None
    cursor: str | None = None
    ignored: tuple[str, ...] = ()
    total: Total | None = None
    counts_only: bool = False
    elements: tuple[str, ...] = ()
