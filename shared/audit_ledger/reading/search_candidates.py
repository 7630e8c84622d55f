"""The candidates of a search: the narrowest way through the index that finds every match."""

from collections.abc import Iterator

from audit_ledger.events import PatientReference
from audit_ledger.events.canonical_patients import canonical_names, may_have_other_names
from audit_ledger.events.instant import FIRST_MS, LAST_MS
from audit_ledger.ledger.index import EntryPosition, PositionRange
from audit_ledger.reading.candidates import (
    MILESTONE,
    Person,
    by_period,
    by_person,
)
from audit_ledger.reading.event_finder import EventFinder
from audit_ledger.reading.record_opener import secrets_of_names
from audit_ledger.records.pseudonyms import staff_pseudonym
from audit_ledger.records.subject_secret import SubjectSecret
from audit_ledger.search.criteria import Search
from audit_ledger.search.query_plan import (
    agent_lookups,
    event_period,
    patient_lookups,
    requested_ids,
)


def candidates_of(
    finder: EventFinder, search: Search, window: PositionRange, *, newest_first: bool
) -> tuple[Iterator[EntryPosition], tuple[str, ...]]:
    """Choose the narrowest way that finds everything; see `candidates` for the ways."""
    ids = requested_ids(search)
    if ids is not None:
        return iter(finder.positions_of(ids, window, newest_first=newest_first)), ()
    young = finder.log.young(finder.now)
    persons, warnings = persons_of(finder, search)
    if persons is not None:
        found = by_person(
            finder.ledger.events, finder.log, persons, window, young, newest_first=newest_first
        )
        return found, warnings
    period = by_period(finder.ledger.events, finder.log, window, young, newest_first=newest_first)
    return period, warnings


def persons_of(
    finder: EventFinder, search: Search, *, is_report: bool = False
) -> tuple[list[Person] | None, tuple[str, ...]]:
    """Return persons, one of whom every match names; None: only a period finds them all.

    `is_report`: there is a period besides the search, and a name is of that patient alone: reports
    are requested by all names of one patient.
    """
    if finder.own is not None:
        return [Person("patient", finder.own)], ()
    period = event_period(search)
    is_period = is_report or period.from_ms > FIRST_MS or period.to_ms <= LAST_MS
    for patients in patient_lookups(search):
        secrets = [_secrets_of(finder, patient) for patient in patients]
        if all(known is not None for known in secrets):
            rules = finder.ledger.rules.values()
            is_complete = not any(may_have_other_names(rules, each) for each in patients)
            if is_report or is_complete or not is_period:
                pseudonyms = finder.opener.add_secrets(s for known in secrets for s in known or ())
                found = [Person("patient", pseudonyms), Person("agent", pseudonyms)]
                return found, () if is_complete else ("patient.incomplete",)
        elif not is_period:
            return [], ("patient.unresolved",)
    for lookup in agent_lookups(search):
        if lookup.is_complete or not is_period:
            keys = finder.ledger.keys
            staff = [staff_pseudonym(keys.index_key, n) for n in lookup.names] if keys else []
            acting = (_secrets_of(finder, patient) or () for patient in lookup.patients)
            patients_acting = finder.opener.add_secrets(
                secret for known in acting for secret in known
            )
            found = [Person("agent", {*staff, *patients_acting})]
            return found, () if lookup.is_complete else ("agent.incomplete",)
    return None, ()


def range_of(search: Search, after: EntryPosition | None, *, newest_first: bool) -> PositionRange:
    """Return the period of events' own time that is left to look through."""
    period = event_period(search)
    first, last = period.from_ms, period.to_ms - 1
    if after is None:
        return PositionRange(first, last)
    if newest_first and after.time_ms <= last:
        return PositionRange(first, after.time_ms, last_seq=after.seq - 1)
    if not newest_first and after.time_ms >= first:
        return PositionRange(after.time_ms, last, first_seq=after.seq + 1)
    return PositionRange(first, last)


def _secrets_of(finder: EventFinder, patient: PatientReference) -> list[SubjectSecret] | None:
    """Return a patient's secrets of all years; None where no portal's rule tells who it is."""
    names = canonical_names(finder.ledger.rules.values(), patient)
    if finder.ledger.keys is None or not names:
        return None
    return secrets_of_names(finder.ledger, names)


def next_chunk(positions: Iterator[EntryPosition], most: int) -> list[EntryPosition]:
    """Take places to be opened together: so many at most, and none behind a milestone."""
    chunk = []
    for position in positions:
        chunk.append(position)
        if len(chunk) == most or position.first_seq == MILESTONE:
            break
    return chunk
