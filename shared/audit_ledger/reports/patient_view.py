"""Who accessed my record: one line per event in plain words, and a summary by person.

A policy masks: days in place of times, roles in place of persons. The view does not contain what is
masked, so that no rendering can show it.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from audit_ledger.events.event_details import AgentDetails, EventDetails
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.agents import (
    agent_id,
    agent_name,
    is_the_patient,
    organisations_of,
    role_of,
    users_of,
)
from audit_ledger.reports.document import (
    NOT_NUMBERED,
    WRONG_CLOCK,
    Column,
    Cover,
    Document,
    Fact,
    Instant,
    Period,
    cover_facts,
    how_to_verify,
    implausible_time_ms,
    table_of,
)
from audit_ledger.reports.labels import action_words, categories, join_distinct
from audit_ledger.reports.suspension import Suspension, SuspensionCount, first_that_names, in_force
from audit_ledger.reports.time_zone import Zone, day_of

YOU: Final = "you"
_MIN_NAME_LENGTH: Final = 3  # letters
_TITLES: Final = {"prof", "mrs", "miss", "phd", "the", "and", "von", "van", "der", "practitioner"}


class ViewPolicy(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """What a patient may see.

    `day_only`: the day, and neither time nor entry number, which would reveal the time;
    `role_only`: roles of persons in place of names; `suspensions`: as for an accounting.
    """

    SHOWN = ("day_only", "role_only")
    day_only: bool = False
    role_only: bool = False
    suspensions: tuple[Suspension, ...] = ()


class AccessRow(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """One line. `when`: the time, or the day; None: masked or not recorded.

    `stated`: the event's own time if it is implausible: then `when` is the entry's.
    """

    when: Instant | date
    stated: Instant | date | None = None
    who: str | None
    role: str
    organisation: str | None
    action: str
    category: str
    entry: int | None


class PersonSummary(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """The accesses of one person; if persons are masked, of one role of an organisation."""

    SHOWN = ("number",)
    who: str | None
    role: str
    organisation: str | None
    number: int
    first: Instant | date
    last: Instant | date


class PatientView(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, the newest first, and persons, the most frequent first.

    `outside`: the number of events outside the period whose entries are inside.
    """

    policy: ViewPolicy
    accesses: tuple[AccessRow, ...]
    people: tuple[PersonSummary, ...]
    outside: int = 0


def patient_view(
    events: Iterable[OpenedEvent],
    policy: ViewPolicy,
    *,
    period: Period,
    made_ms: int,
    zone: Zone,
) -> tuple[PatientView, tuple[SuspensionCount, ...]]:
    """Return what a patient may see of accesses; days are those of `zone`.

    `events`: the patient's, in any order; `made_ms`: now, by which suspensions are in force. The
    counts of suspended events are for the privacy office, never for the patient.
    """
    suspensions = in_force(policy.suspensions, made_ms)
    suspended = dict.fromkeys(suspensions, 0)
    accesses: list[AccessRow] = []
    by_person: dict[tuple[str | None, ...], list[AccessRow]] = {}
    outside = 0
    timed = [(period.time_of(event), event.seq, event) for event in events]
    timed.sort(key=lambda one: (one[0] is not None, one[0] or 0, one[1]), reverse=True)
    for time_ms, _, event in timed:
        details = event.details
        suspension = first_that_names(suspensions, details.agents)
        if suspension is not None:
            suspended[suspension] += 1
            continue
        if time_ms is None:
            outside += 1
            continue
        access = _access(event, time_ms, policy, zone)
        accesses.append(access)
        by_person.setdefault(_person(access, details, policy), []).append(access)
    people = sorted(map(_summary, by_person.values()), key=lambda person: -person.number)
    view = PatientView(
        policy=policy, accesses=tuple(accesses), people=tuple(people), outside=outside
    )
    return view, tuple(SuspensionCount(*pair) for pair in suspended.items())


def patient_view_document(view: PatientView, cover: Cover) -> Document:
    """Lay out a view for the patient, without masked columns.

    `accesses`: when, stated, who, role, organisation, action, category, entry; `people`: who, role,
    organisation, number, first, last.
    """
    policy = view.policy
    masked = {
        key for key, hidden in (("who", policy.role_only), ("entry", policy.day_only)) if hidden
    }
    when = "Day" if policy.day_only else "When"
    verify = how_to_verify(cover)
    if policy.day_only:
        verify = (NOT_NUMBERED, *verify)
    return Document(
        kind="accesses",
        title="Who accessed my record",
        zone=cover.zone,
        facts=(
            *cover_facts(cover, "Patient", len(view.accesses)),
            Fact("accesses_outside", "Recorded in this time, but of another time", view.outside),
        ),
        tables=(
            table_of(
                "accesses",
                "Each access",
                (Column("when", when), *_ACCESS),
                view.accesses,
                "No access to the record is recorded for this time.",
                without=masked,
            ),
            table_of(
                "people",
                "Summary by role" if policy.role_only else "Summary by person",
                _PERSON,
                view.people,
                "Nobody.",
                without=masked,
            ),
        ),
        notes=(
            "Each line is one event that a system recorded; one access may cause several.",
            WRONG_CLOCK,
        ),
        verify=verify,
    )


_WHO: Final = (
    Column("who", "Who"),
    Column("role", "Role"),
    Column("organisation", "Organisation"),
)
_ACCESS: Final = (
    Column("stated", "As stated", under="when"),
    *_WHO,
    Column("action", "Did what"),
    Column("category", "To what"),
    Column("entry", "Entry"),
)
_PERSON: Final = (
    *_WHO,
    Column("number", "How often"),
    Column("first", "First"),
    Column("last", "Last"),
)


def _access(event: OpenedEvent, time_ms: int, policy: ViewPolicy, zone: Zone) -> AccessRow:
    details = event.details
    users = users_of(details)
    stated_ms = implausible_time_ms(event)
    return AccessRow(
        when=_when(time_ms, policy, zone),
        stated=None if stated_ms is None else _when(stated_ms, policy, zone),
        who=None if policy.role_only else join_distinct(_name(user, details) for user in users),
        role=join_distinct(_role(user, details, policy) for user in users) or "not recorded",
        organisation=_organisation(details, users, policy),
        action=action_words(details),
        category=categories(details),
        entry=None if policy.day_only else event.seq,
    )


def _name(user: AgentDetails, details: EventDetails) -> str | None:
    return YOU if is_the_patient(user, details) else agent_name(user)


def _role(user: AgentDetails, details: EventDetails, policy: ViewPolicy) -> str:
    if is_the_patient(user, details):
        return YOU if policy.role_only else "patient"
    return role_of(user, own_words_only=policy.role_only)


def _organisation(
    details: EventDetails, users: tuple[AgentDetails, ...], policy: ViewPolicy
) -> str | None:
    """Return the organisation's name; None if persons are masked and it contains one's name."""
    name = join_distinct(
        agent_name(agent) for agent in organisations_of(details) if agent not in users
    )
    if name is not None and policy.role_only:
        persons = [agent for agent in details.agents if agent.agent.is_person]
        if _words(name) & {w for person in persons for n in _names(person) for w in _words(n)}:
            return None
    return name


def _words(text: str) -> set[str]:
    """Return the words that may reveal a person: neither initials nor titles."""
    words = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    return {word for word in words if len(word) >= _MIN_NAME_LENGTH} - _TITLES


def _names(agent: AgentDetails) -> Iterable[str]:
    yield from (name for name in (agent.name, agent.who.display) if name)
    yield from (value for _, value in agent.who.identifiers)
    yield from (candidate.rpartition("|")[2] for candidate in agent.agent.candidates)


def _person(access: AccessRow, details: EventDetails, policy: ViewPolicy) -> tuple[str | None, ...]:
    """Return a key that distinguishes persons by their best identifiers.

    Persons without any are distinguished by role and organisation, as if persons are masked.
    """
    ids = tuple(
        YOU if is_the_patient(user, details) else agent_id(user) for user in users_of(details)
    )
    if policy.role_only or not any(ids):
        return None, access.role, access.organisation
    return ids


def _summary(accesses: list[AccessRow]) -> PersonSummary:
    newest, oldest = accesses[0], accesses[-1]
    return PersonSummary(
        who=newest.who,
        role=newest.role,
        organisation=newest.organisation,
        number=len(accesses),
        first=oldest.when,
        last=newest.when,
    )


def _when(time_ms: int, policy: ViewPolicy, zone: Zone) -> Instant | date:
    return day_of(time_ms, zone) if policy.day_only else Instant(time_ms)
