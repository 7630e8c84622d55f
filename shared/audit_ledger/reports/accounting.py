"""Accounting of disclosures for a patient and a period: HIPAA, 45 CFR 164.528.

A disclosure is an event with a type or subtype of `DISCLOSURES`, once for each recipient.
Content of each, 164.528(b)(2): the date; name and, if known, address of the recipient; a brief
description; a brief statement of the purpose. The accounting contains all that is not clearly
excluded.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from audit_ledger.events.code_systems import ACT_REASON, NHIN
from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import AgentDetails
from audit_ledger.events.fhir_model import Code
from audit_ledger.private_repr import PrivateRepr
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.agents import agent_id, agent_name, purposes_of, recipients_of
from audit_ledger.reports.codes import DISCLOSURES, canonical_code, kinds_of, unique
from audit_ledger.reports.document import (
    NOT_NUMBERED,
    WRONG_CLOCK,
    Cell,
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
from audit_ledger.reports.exclusions import EXCLUSIONS, Exclusion, exclusion_of
from audit_ledger.reports.labels import description, failed, purpose_words
from audit_ledger.reports.suspension import Suspension, SuspensionCount, first_that_names, in_force
from audit_ledger.reports.time_zone import Zone, day_of, years_before

YEARS: Final = 6
"""164.528(a)(1): six years prior to the date on which the accounting is requested."""

SINGLE_PURPOSES: Final = frozenset(
    {(ACT_REASON, code) for code in ("PUBHLTH", "HRESCH", "HLEGAL", "DONAT", "HDECD", "THREAT")}
    | {
        (NHIN, code)
        for code in (
            "PUBLICHEALTH", "ABUSE", "OVERSIGHT", "JUDICIAL", "LAW", "DECEASED", "DONATION",
            "RESEARCH", "THREAT", "GOVERNMENT", "WORKERSCOMP",
        )
    }
)  # fmt: skip
"""Purposes of 164.512, for which alone 164.528(b)(3) lets repeated disclosures be summarised."""


class AccountingSettings(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a ledger's accountings. `disclosures`: types and subtypes of disclosures."""

    disclosures: frozenset[Code] = DISCLOSURES
    exclusions: tuple[Exclusion, ...] = EXCLUSIONS
    suspensions: tuple[Suspension, ...] = ()


class Disclosure(PrivateRepr, msgspec.Struct, frozen=True, kw_only=True):
    """One line: a disclosure, or several to one recipient for one purpose (164.528(b)(3)).

    The content is that of the first one; `number` of them, the last at `last_ms`; `entries`: of
    all. `recipient`, `address` and `purpose` are None if the event states none, `failed` if the
    outcome is unknown; `stated_ms`: the event's own time if it is implausible: then `time_ms` is
    the entry's.
    """

    SHOWN = ("entries",)
    time_ms: int
    recipient: str | None
    address: str | None
    what: str
    purpose: str | None
    failed: bool | None
    number: int = 1
    last_ms: int
    stated_ms: int | None = None
    entries: tuple[int, ...]


class ExclusionCount(msgspec.Struct, frozen=True):
    """The number of disclosures that an exclusion left out."""

    exclusion: Exclusion
    number: int


class Accounting(msgspec.Struct, frozen=True, kw_only=True):
    """What the patient receives, in order of time. It contains nothing of suspended disclosures.

    `period`: the covered one, None if all of the requested one is too long ago; `entries`: the
    number of entries that it is made from; `other_events`: of those without a disclosure;
    `outside`: the number of disclosures outside the period, by `Period.time_of`.
    """

    period: Period | None
    disclosures: tuple[Disclosure, ...]
    left_out: tuple[ExclusionCount, ...]
    entries: int
    other_events: int
    outside: int


class _Line(msgspec.Struct, frozen=True):
    """A disclosure before summarising. `same`: equal for those that become one; None: for none."""

    disclosure: Disclosure
    same: tuple[str, Code, bool] | None


def account_disclosures(
    events: Iterable[OpenedEvent],
    settings: AccountingSettings,
    *,
    period: Period,
    requested_ms: int,
    made_ms: int,
    zone: Zone,
) -> tuple[Accounting, tuple[SuspensionCount, ...]]:
    """Account for one patient's disclosures in a period.

    `events`: the patient's, in any order; `requested_ms`: the time of the patient's request, before
    which the six years end, by the days of `zone`; `made_ms`: now, by which suspensions are in
    force. The counts of suspended disclosures are for the privacy office, never for the patient.
    """
    covered = _covered_period(period, requested_ms, zone)
    suspensions = in_force(settings.suspensions, made_ms)
    lines: list[_Line] = []
    left_out: Counter[str] = Counter()
    suspended: Counter[Suspension] = Counter()
    entries = other_events = outside = 0
    for event in events:
        if not settings.disclosures & kinds_of(event.details):
            hidden = first_that_names(suspensions, event.details.agents)
            if hidden is not None:
                suspended[hidden] += 1
                continue
            entries += 1
            other_events += 1
            continue
        named = recipients_of(event.details)
        recipients: Sequence[AgentDetails | None] = _each_once(named) or (None,)
        bystanders = [agent for agent in event.details.agents if agent not in named]
        hidden = first_that_names(suspensions, bystanders)
        stated = unique(purposes_of((event.details, *bystanders)))
        what = description(event.details)
        time_ms = None if covered is None else covered.time_of(event)
        shown = 0
        for recipient in recipients:
            of_it = () if recipient is None else (recipient,)
            suspension = hidden or first_that_names(suspensions, of_it)
            if suspension is not None:
                suspended[suspension] += 1
                continue
            shown += 1
            if time_ms is None:
                outside += 1
                continue
            purposes = (*stated, *purposes_of(of_it))
            exclusion = exclusion_of(
                settings.exclusions, event.details, recipient, purposes, time_ms
            )
            if exclusion is not None:
                left_out[exclusion.key] += 1
            else:
                lines.append(_line(event, time_ms, what, recipient, purposes))
        entries += bool(shown)
    accounting = Accounting(
        period=covered,
        disclosures=_summarise(lines),
        left_out=tuple(ExclusionCount(e, left_out[e.key]) for e in settings.exclusions),
        entries=entries,
        other_events=other_events,
        outside=outside,
    )
    return accounting, tuple(SuspensionCount(s, suspended[s]) for s in suspensions)


def _each_once(recipients: Sequence[AgentDetails]) -> tuple[AgentDetails, ...]:
    """Return each recipient once, even if an event names it with several addresses."""
    by_id: dict[object, AgentDetails] = {}
    for recipient in recipients:
        by_id.setdefault(agent_id(recipient) or recipient, recipient)
    return tuple(by_id.values())


def accounting_document(
    accounting: Accounting, cover: Cover, *, day_only: bool = False
) -> Document:
    """Lay out an accounting for the patient; the cover's period is the requested one.

    `day_only`: show days in place of times, as 164.528(b)(2)(i) requires the date; the document
    then has neither entries nor sums of entries, which would reveal the time.

    `disclosures`: date, stated, recipient, address, what, purpose, number, last, entries (their
    numbers, separated by commas); `exclusions`: exclusion, paragraph, number; facts in addition to
    the cover's: covered_from, disclosures_outside, other_entries.
    """
    covered = accounting.period
    zone = cover.zone
    of_cover = cover_facts(cover, "Patient", accounting.entries)
    others: tuple[Fact, ...] = (
        Fact("other_entries", "Entries of other kinds", accounting.other_events),
    )
    verify = how_to_verify(cover)
    if day_only:
        of_cover = tuple(fact for fact in of_cover if fact.key != "entries")
        others = ()
        verify = (NOT_NUMBERED, *verify)
    start = None if covered is None else Instant(covered.from_ms)
    return Document(
        kind="accounting_of_disclosures",
        title="Accounting of disclosures",
        zone=cover.zone,
        facts=(
            *of_cover,
            Fact("covered_from", "Accounted from", start),
            Fact("disclosures_outside", "Disclosures outside this time", accounting.outside),
            *others,
        ),
        tables=(
            table_of(
                "disclosures",
                "Disclosures",
                _COLUMNS,
                (_row(each, zone if day_only else None) for each in accounting.disclosures),
                "No disclosures that have to be accounted for.",
                without=("entries",) if day_only else (),
            ),
            table_of(
                "exclusions",
                "Left out as the rule allows",
                (
                    Column("exclusion", "Disclosures"),
                    Column("paragraph", "45 CFR 164.528(a)(1)"),
                    Column("number", "Left out"),
                ),
                (
                    {
                        "exclusion": left.exclusion.words,
                        "paragraph": left.exclusion.paragraph,
                        "number": left.number,
                    }
                    for left in accounting.left_out
                ),
                "No exclusion was applied.",
            ),
        ),
        notes=(
            "This accounting follows 45 CFR 164.528. It contains everything that is not clearly "
            "excluded. Several disclosures to one recipient for one purpose are one line, which "
            "describes the first of them and states their number and the time of the last.",
            "Addresses are as recorded, and often those of computers.",
            WRONG_CLOCK,
        ),
        verify=verify,
    )


_COLUMNS: Final = (
    Column("date", "Date"),
    Column("stated", "Date as stated", under="date"),
    Column("recipient", "Received by"),
    Column("address", "Address"),
    Column("what", "What was disclosed"),
    Column("purpose", "Purpose"),
    Column("number", "Number"),
    Column("last", "Last", under="number"),
    Column("entries", "Entries"),
)


_ENDINGS: Final = {False: "", True: " (recorded as failed)", None: " (outcome unknown)"}


def _row(disclosure: Disclosure, by_day_of: Zone | None) -> dict[str, Cell]:
    """Return the cells of a line, with days of a zone in place of times if it is not None."""

    def when(ms: int | None) -> Cell:
        return None if ms is None else day_of(ms, by_day_of) if by_day_of else Instant(ms)

    return {
        "date": when(disclosure.time_ms),
        "stated": when(disclosure.stated_ms),
        "recipient": disclosure.recipient,
        "address": disclosure.address,
        "what": f"{disclosure.what}{_ENDINGS[disclosure.failed]}",
        "purpose": disclosure.purpose,
        "number": disclosure.number,
        "last": when(disclosure.last_ms if disclosure.number > 1 else None),
        "entries": ", ".join(map(str, disclosure.entries)),
    }


def _covered_period(period: Period, requested_ms: int, zone: Zone) -> Period | None:
    start = max(period.from_ms, years_before(requested_ms, YEARS, zone))
    return Period(start, period.to_ms) if start < period.to_ms else None


def _line(
    event: OpenedEvent,
    time_ms: int,
    what: str,
    recipient: AgentDetails | None,
    purposes: Sequence[Coded],
) -> _Line:
    stated = {canonical_code(purpose) for purpose in purposes}
    single = next(iter(stated)) if len(stated) == 1 else None
    disclosure = Disclosure(
        time_ms=time_ms,
        recipient=None if recipient is None else agent_name(recipient),
        address=None if recipient is None else recipient.address,
        what=what,
        purpose=purpose_words(purposes),
        failed=failed(event.details),
        last_ms=time_ms,
        stated_ms=implausible_time_ms(event),
        entries=(event.seq,),
    )
    if disclosure.stated_ms is not None:  # each has a mark of its own
        return _Line(disclosure, None)
    who = None if recipient is None else agent_id(recipient)
    if who is None or single is None or single not in SINGLE_PURPOSES or disclosure.failed:
        return _Line(disclosure, None)
    return _Line(disclosure, (who, single, disclosure.failed is None))


def _summarise(lines: Iterable[_Line]) -> tuple[Disclosure, ...]:
    """Summarise equal lines at the place of the first one (164.528(b)(3))."""
    first: dict[tuple[str, Code, bool] | int, Disclosure] = {}
    in_order = sorted(lines, key=lambda line: (line.disclosure.time_ms, line.disclosure.entries))
    for number, line in enumerate(in_order):
        key: tuple[str, Code, bool] | int = number if line.same is None else line.same
        start = first.get(key)
        if start is None:
            first[key] = line.disclosure
        else:
            first[key] = msgspec.structs.replace(
                start,
                number=start.number + 1,
                last_ms=line.disclosure.time_ms,
                entries=(*start.entries, *line.disclosure.entries),
            )
    return tuple(first.values())
