"""Report for a privacy team: every event with every element, break-the-glass, summaries.

45 CFR 170.315(d)(3): entries sortable by each of the data that 170.210(e) and (h) name (date and
time, patient, user, action, the data accessed), and by all else that a row has.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.event_details import AgentDetails
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.agents import (
    agent_id,
    agent_name,
    patient_of,
    purposes_of,
    role_of,
    users_of,
)
from audit_ledger.reports.document import (
    WRONG_CLOCK,
    Column,
    Cover,
    Document,
    Fact,
    Instant,
    Period,
    Table,
    cover_facts,
    how_to_verify,
    implausible_time_ms,
    table_of,
)
from audit_ledger.reports.labels import (
    ACTIONS,
    break_glass_reason,
    description,
    failed,
    join_distinct,
    outcome_words,
    purpose_words,
)
from audit_ledger.reports.time_zone import Zone, day_of


class PrivacyRow(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """One event. None: not recorded.

    `time` is the event's own; if that is implausible, it is `stated`, and `time` is the entry's;
    `received`: by ingest, as an instant; `kind`: types and subtypes; `user_id`: the best
    identifier; `failed`: None if that is unknown; `break_glass`: its codes; `conflict`: whether the
    event id is in use by other content.
    """

    SHOWN = ("entry",)
    time: Instant
    stated: Instant | None
    patient: str | None
    user: str | None
    user_id: str | None
    role: str | None
    action: str | None
    kind: str | None
    what: str
    outcome: str | None
    failed: bool | None
    purpose: str | None
    break_glass: str | None
    address: str | None
    source: str | None
    portal: str
    entry: int
    entry_time: Instant
    received: str
    event_id: str
    format: str
    flags: str | None
    conflict: bool


COLUMNS: Final = (
    Column("time", "Date and time"),
    Column("stated", "Time as stated", under="time"),
    Column("patient", "Patient"),
    Column("user", "User"),
    Column("user_id", "User's identifier", under="user"),
    Column("role", "Role", under="user"),
    Column("action", "Action"),
    Column("kind", "Kind of event", under="action"),
    Column("what", "Data accessed"),
    Column("outcome", "Outcome", under="action"),
    Column("failed", "Failed", under="action"),
    Column("purpose", "Purpose"),
    Column("break_glass", "Break the glass", under="purpose"),
    Column("address", "Address", under="user"),
    Column("source", "Recorded by"),
    Column("portal", "Portal", under="source"),
    Column("entry", "Entry"),
    Column("entry_time", "Time of entry", under="time"),
    Column("received", "Received", under="time"),
    Column("event_id", "Event id", under="source"),
    Column("format", "Format", under="source"),
    Column("flags", "Flags", under="entry"),
    Column("conflict", "Conflict", under="entry"),
)
ELEMENTS: Final = tuple(column.key for column in COLUMNS)
"""The elements by which rows can be sorted."""


class AccessGroup(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """All events of one user, patient or day; `users`, `patients`: the number of distinct ones."""

    SHOWN = ("events",)
    name: str | date | None
    id: str | None
    events: int
    users: int
    patients: int
    failures: int
    break_glass: int
    first: Instant
    last: Instant


class PrivacyReport(msgspec.Struct, frozen=True, kw_only=True):
    """Sorted rows; `break_glass`: those among them; groups, the largest first, days in order.

    `outside`: the number of events outside the period whose entries are inside.
    """

    rows: tuple[PrivacyRow, ...]
    break_glass: tuple[PrivacyRow, ...]
    by_user: tuple[AccessGroup, ...]
    by_patient: tuple[AccessGroup, ...]
    by_day: tuple[AccessGroup, ...]
    outside: int = 0


def privacy_report(
    events: Iterable[OpenedEvent],
    *,
    period: Period,
    zone: Zone,
    sort_by: str = "time",
    descending: bool = False,
) -> PrivacyReport:
    """Return the report on selected events; days are those of `zone`.

    Raise FormatError if `sort_by` is not in `ELEMENTS`. Equal rows stay in order of entries.
    """
    timed: list[tuple[OpenedEvent, int]] = []
    outside = 0
    for event in sorted(events, key=lambda event: event.seq):
        time_ms = period.time_of(event)
        if time_ms is None:
            outside += 1
        else:
            timed.append((event, time_ms))
    users = {event.seq: users_of(event.details) for event, _ in timed}
    rows = sort_rows([_row(event, ms) for event, ms in timed], sort_by, descending)

    def by_day(row: PrivacyRow) -> tuple[date, None]:
        return day_of(row.time.ms, zone), None

    return PrivacyReport(
        rows=rows,
        break_glass=tuple(row for row in rows if row.break_glass is not None),
        by_user=_largest_first(_by_user(rows, users)),
        by_patient=_largest_first(
            _group_by(rows, users, lambda row: (row.patient, row.patient)),
        ),
        by_day=tuple(sorted(_group_by(rows, users, by_day), key=lambda group: str(group.name))),
        outside=outside,
    )


def sort_rows(
    rows: Iterable[PrivacyRow], element: str, descending: bool = False
) -> tuple[PrivacyRow, ...]:
    """Sort by an element of `ELEMENTS`, text regardless of case, None last, stable both ways.

    Raise FormatError for another element.
    """
    if element not in ELEMENTS:
        raise FormatError(f"sort: no such element; there are {', '.join(ELEMENTS)}")
    recorded: list[PrivacyRow] = []
    missing: list[PrivacyRow] = []
    for row in rows:
        (missing if getattr(row, element) is None else recorded).append(row)
    recorded.sort(key=lambda row: _sortable(getattr(row, element)), reverse=descending)
    return (*recorded, *missing)


def privacy_document(report: PrivacyReport, cover: Cover) -> Document:
    """Lay out a privacy report.

    `events` and `break_glass`: the fields of `PrivacyRow`; `by_user`, `by_patient`, `by_day`: those
    of `AccessGroup` that are not the same for all; facts in addition to the cover's:
    break_glass_entries, events_outside.
    """
    return Document(
        kind="privacy_report",
        title="Privacy report",
        zone=cover.zone,
        facts=(
            *cover_facts(cover, "About", len(report.rows)),
            Fact("break_glass_entries", "Break the glass", len(report.break_glass)),
            Fact("events_outside", "Recorded in this time, but of another time", report.outside),
        ),
        tables=(
            table_of("events", "Events", COLUMNS, report.rows, "No events."),
            table_of(
                "break_glass", "Break the glass", COLUMNS, report.break_glass, "No such event."
            ),
            _group_table("by_user", "By user", "User", report.by_user),
            _group_table("by_patient", "By patient", "Patient", report.by_patient),
            _group_table("by_day", "By day", "Day", report.by_day),
        ),
        notes=(
            "Names, purposes and addresses are as the portals sent them. An empty field was not "
            "recorded.",
            WRONG_CLOCK,
        ),
        verify=how_to_verify(cover),
    )


def _row(event: OpenedEvent, time_ms: int) -> PrivacyRow:
    details = event.details
    users = users_of(details)
    stated_ms = implausible_time_ms(event)
    return PrivacyRow(
        time=Instant(time_ms),
        stated=None if stated_ms is None else Instant(stated_ms),
        patient=patient_of(details),
        user=join_distinct(map(agent_name, users)),
        user_id=join_distinct(map(agent_id, users)),
        role=join_distinct(map(role_of, users)),
        action=ACTIONS.get(details.action or ""),
        kind=join_distinct(
            coded.display or coded.code for coded in (*details.types, *details.subtypes)
        ),
        what=description(details),
        outcome=join_distinct((outcome_words(details), details.outcome_text)),
        failed=failed(details),
        purpose=purpose_words(purposes_of((details, *details.agents))),
        break_glass=break_glass_reason(details),
        address=join_distinct(user.address for user in users)
        or join_distinct(agent.address for agent in details.agents),
        source=join_distinct((details.source.display or details.source.reference, details.site)),
        portal=event.portal,
        entry=event.seq,
        entry_time=Instant(event.entry_time * 1000),
        received=event.received,
        event_id=event.event_id,
        format=event.format,
        flags=join_distinct(event.flags, " "),
        conflict=event.conflict,
    )


def _sortable(cell: str | int | Instant) -> tuple[int, str, str]:
    if isinstance(cell, str):
        return 0, cell.casefold(), cell
    return (cell.ms if isinstance(cell, Instant) else int(cell)), "", ""


def _group_by(
    rows: Sequence[PrivacyRow],
    users: Mapping[int, Sequence[AgentDetails]],
    naming: Callable[[PrivacyRow], tuple[str | date | None, str | None]],
) -> list[AccessGroup]:
    """Group by name and identifier, in order of first appearance; `users`: of each entry."""
    groups: dict[tuple[str | date | None, str | None], list[PrivacyRow]] = {}
    for row in rows:
        groups.setdefault(naming(row), []).append(row)
    return [_group(*named, of_it, users) for named, of_it in groups.items()]


def _by_user(
    rows: Sequence[PrivacyRow], users: Mapping[int, Sequence[AgentDetails]]
) -> list[AccessGroup]:
    """Group by each user of an event, with the name in the latest entry."""
    groups: dict[str | None, list[PrivacyRow]] = {}
    names: dict[str | None, tuple[int, str | None]] = {}
    ids: dict[str | None, str | None] = {}
    for row in rows:
        for user in users[row.entry] or (None,):
            who = _who(user)
            of_user = groups.setdefault(who, [])
            if not of_user or of_user[-1] is not row:
                of_user.append(row)
            ids[who] = None if user is None else agent_id(user)
            name = None if user is None else agent_name(user)
            if name is not None and (who not in names or names[who][0] <= row.entry):
                names[who] = row.entry, name
    return [
        _group(names.get(who, (0, None))[1], ids[who], of_it, users)
        for who, of_it in groups.items()
    ]


def _who(user: AgentDetails | None) -> str | None:
    """Return a key that distinguishes users; None if nothing is recorded."""
    return None if user is None else agent_id(user) or agent_name(user)


def _group(
    name: str | date | None,
    id_: str | None,
    rows: Sequence[PrivacyRow],
    users: Mapping[int, Sequence[AgentDetails]],
) -> AccessGroup:
    times = [row.time.ms for row in rows]
    return AccessGroup(
        name=name,
        id=id_,
        events=len(rows),
        users=len({_who(user) for row in rows for user in users[row.entry]} - {None}),
        patients=len({row.patient for row in rows if row.patient is not None}),
        failures=sum(row.failed is True for row in rows),
        break_glass=sum(row.break_glass is not None for row in rows),
        first=Instant(min(times)),
        last=Instant(max(times)),
    )


def _largest_first(groups: Iterable[AccessGroup]) -> tuple[AccessGroup, ...]:
    return tuple(
        sorted(groups, key=lambda group: (-group.events, str(group.name or "").casefold()))
    )


def _group_table(key: str, title: str, label: str, groups: Sequence[AccessGroup]) -> Table:
    columns = (
        Column("name", label),
        Column("id", "Identifier"),
        Column("events", "Events"),
        Column("users", "Users"),
        Column("patients", "Patients"),
        Column("failures", "Failures"),
        Column("break_glass", "Break the glass"),
        Column("first", "First"),
        Column("last", "Last"),
    )
    own = {"by_user": {"users"}, "by_patient": {"id", "patients"}, "by_day": {"id"}}[key]
    return table_of(key, title, columns, groups, "No events.", without=own)
