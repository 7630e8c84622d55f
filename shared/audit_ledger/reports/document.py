"""A document of facts, tables and notes: the form of every report before it is rendered."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.own_time import effective_time_ms, is_plausible
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.time_zone import Zone


class Instant(msgspec.Struct, frozen=True, gc=False):
    """A time in a cell: milliseconds since 1970."""

    ms: int


NOT_NUMBERED = "Entry numbers are not shown here. The privacy office can provide them."
"""For reports with days in place of times: an entry's number would reveal its time."""

WRONG_CLOCK = (
    "If a time as stated is shown too, the sender's clock cannot have been right, or the event "
    "arrived more than a month late: it is counted at the time when the ledger received it."
)
"""For reports with events whose own time is implausible (`events.own_time`)."""

Cell = str | int | bool | date | Instant | None


class Period(msgspec.Struct, frozen=True, gc=False):
    """From `from_ms` to before `to_ms`, milliseconds since 1970."""

    from_ms: int
    to_ms: int

    def __post_init__(self) -> None:
        """Raise FormatError unless it ends after it starts."""
        if self.from_ms >= self.to_ms:
            raise FormatError("period: it does not end after it starts")

    def time_of(self, event: OpenedEvent) -> int | None:
        """Return the time (ms) that places an event in the period; None if it is outside.

        This is the event's own time, or that of its entry if the own time is implausible.
        """
        return effective_time_ms(event.time_ms, event.entry_time, self.from_ms, self.to_ms)


def implausible_time_ms(event: OpenedEvent) -> int | None:
    """Return an event's own time if it is implausible, else None."""
    return None if is_plausible(event.time_ms, event.entry_time) else event.time_ms


class Cover(PrivateRepr, msgspec.Struct, frozen=True):
    """What the caller states about a report.

    `origin`: the ledger's; `about`: the patient, or other subject, in the caller's words;
    `made_ms`: the time of the report; `zone`: the zone of its times.
    """

    SHOWN = ("origin",)
    origin: str
    about: str
    period: Period
    made_ms: int
    zone: Zone


class Column(msgspec.Struct, frozen=True):
    """`key` in JSON and CSV, `label` on the page.

    `under`: key of the column in whose cells the page shows this one, so that it fits on paper.
    """

    key: str
    label: str
    under: str | None = None


class Table(PrivateRepr, msgspec.Struct, frozen=True):
    """Rows by column key; `empty`: the text in place of no rows."""

    SHOWN = ("key",)
    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Cell], ...]
    empty: str


class Fact(PrivateRepr, msgspec.Struct, frozen=True):
    """A statement about the whole report: `key` in JSON, `label` on the page."""

    SHOWN = ("key",)
    key: str
    label: str
    value: Cell


class Document(PrivateRepr, msgspec.Struct, frozen=True):
    """A report to render. `kind` names it in JSON; the first table is the report itself."""

    SHOWN = ("kind",)
    kind: str
    title: str
    zone: Zone
    facts: tuple[Fact, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    verify: tuple[str, ...]


def table_of(
    key: str,
    title: str,
    columns: Sequence[Column],
    rows: Iterable[msgspec.Struct | Mapping[str, Cell]],
    empty: str,
    *,
    without: Collection[str] = (),
) -> Table:
    """Return a table of rows that have a field or key for each column, `without` some columns."""
    shown = tuple(column for column in columns if column.key not in without)
    cells = (
        msgspec.structs.asdict(row) if isinstance(row, msgspec.Struct) else row for row in rows
    )
    cut = tuple({column.key: row[column.key] for column in shown} for row in cells)
    return Table(key, title, shown, cut, empty)


def cover_facts(cover: Cover, about_label: str, entries: int) -> tuple[Fact, ...]:
    """Return the facts of every report; `entries`: the number of entries that it is made from.

    Keys: about, from, to, zone, origin, entries, made.
    """
    return (
        Fact("about", about_label, cover.about),
        Fact("from", "From", Instant(cover.period.from_ms)),
        Fact("to", "To (not included)", Instant(cover.period.to_ms)),
        Fact("zone", "Times are given in", cover.zone.name),
        Fact("origin", "Ledger", cover.origin),
        Fact("entries", "Made from entries", entries),
        Fact("made", "Made", Instant(cover.made_ms)),
    )


def how_to_verify(cover: Cover) -> tuple[str, ...]:
    """Return instructions to verify that an entry is in the ledger."""
    return (
        f"Entry numbers are those of the ledger {cover.origin}. A receipt proves what an entry "
        "contains, and that it has been there unaltered since: request the receipts of the entries "
        "that matter to you, and the ledger's policy file.",
        "ledger receipt verify RECEIPT --policy POLICY --record RECORD verifies one without "
        "a network, and ledger verify SOURCE --policy POLICY the whole ledger. Neither requires "
        "trust in us, and other programs that read C2SP tlog-proof and tlog-tiles do the same.",
    )
