"""Finding: one page of a search, from where the ledger stands to events that are opened and match.

Pages are bounded by work, not only by their length: whoever asks for what is rare gets what was
found so far and a cursor to go on from. All pages of a search see the same published size.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from audit_ledger.aws.events_search import EntryPosition, PositionRange, position_of
from audit_ledger.aws.events_table import IndexedEntry
from audit_ledger.aws.subjects_table import SubjectSecret
from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.events import PatientReference, PatientRule, canonical_patient
from audit_ledger.events.instant import FIRST_MS, LAST_MS
from audit_ledger.events.own_time import is_plausible
from audit_ledger.events.patients import name_by_reference
from audit_ledger.http.authorization import OWN_USE
from audit_ledger.reading.ledger import Ledger
from audit_ledger.reading.record_opener import OpenedRecord, RecordOpener, UnreadableError
from audit_ledger.reading.snapshot import LogSnapshot, StoredEntry
from audit_ledger.records.index_row import decode_index_row
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.records.pseudonyms import patient_pseudonym, staff_pseudonym, subject_key_hash
from audit_ledger.search.criteria import NamedResource, Search
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.match import matches
from audit_ledger.search.query_plan import (
    agent_lookups,
    entry_period,
    event_ids,
    event_period,
    patient_lookups,
)
from functions.query.candidates import (
    MILESTONE,
    Person,
    of_period,
    of_persons,
    taken_within,
)

BATCH_SIZE = 50  # records whose secrets are looked up together
MAX_OPENED = 1000  # a page
MAX_LOOKED_AT = 20_000  # events, for a report
MAX_BLOCKS = 250  # read for a page: at most 300 KB each
MAX_FOUND_BYTES = 4_000_000  # of records found, of those whose secrets are looked up together
UNOPENED = "record.unopened"
NO_TIME = "date.empty"


@dataclass(frozen=True)
class Page:
    """A page of a search. `next`: the place behind which the next page begins, None at the end.

    `warnings`: codes of what the answer may lack; `lacks_own_use`: whether events of the ledger's
    own were left out.
    """

    found: tuple[OpenedRecord, ...]
    next: EntryPosition | None
    warnings: tuple[str, ...] = ()
    lacks_own_use: bool = False


@dataclass(frozen=True)
class FoundInPeriod:
    """Events of a period. `looked_at`: how many were opened, or erased, or others than asked for.

    `reached_ms`: None where it is the whole period; else it is what is later than that.
    """

    found: tuple[OpenedRecord, ...]
    looked_at: int
    reached_ms: int | None


@dataclass(frozen=True)
class EventFinder:
    """Finds events of one ledger, below one published size, for one request.

    `own`: pseudonyms of the patient who asks, who sees nothing else; None for who may see all.
    `is_withheld`: of what is not shown to who asks. `now`: whole seconds.
    """

    ledger: Ledger
    log: LogSnapshot
    opener: RecordOpener
    now: int
    own: frozenset[bytes] | None = None
    is_withheld: Callable[[OpenedEvent], bool] = lambda _: False

    def page(
        self,
        search: Search,
        after: EntryPosition | None,
        has_time: Callable[[], bool] = lambda: True,
    ) -> Page:
        """Return a page: matching events behind `after` in the order that is asked for.

        A record that was altered, or an index row that leads elsewhere, does not end a search: the
        page warns that something is left out.
        """
        self._refuse_ambiguous(search)
        newest_first = search.sort == "-date"
        window = self._window(search, after, newest_first=newest_first)
        if event_period(search).is_empty or entry_period(search).is_empty:
            return Page((), None, (NO_TIME,))
        if window.is_empty or self.ledger.keys is None:
            return Page((), None)
        places, warnings = self._candidates(search, window, newest_first=newest_first)
        if after is not None:  # a cursor does not know the block
            behind = (after.time_ms, after.seq)
            places = (
                p
                for p in places
                if ((p.time_ms, p.seq) < behind if newest_first else (p.time_ms, p.seq) > behind)
            )
        return self._filled(search, places, after, warnings, has_time)

    def of_period(
        self,
        search: Search,
        from_ms: int,
        to_ms: int,
        most: int,
        has_time: Callable[[], bool],
        has_more_time: Callable[[], bool] = lambda: True,
    ) -> FoundInPeriod:
        """Return the matching events of a period, by own time or by the entry's.

        `search` says no date. Of the entries that the ledger took in the period all are found,
        whatever time they state; who reports decides by which they count (`events.own_time`). Ends
        after `most` events, or when time is up: then with the newest of a period, or nothing.
        `has_more_time`: whether that newest part may still be completed.
        """
        self._refuse_ambiguous(search)
        if self.ledger.keys is None:
            return FoundInPeriod((), 0, None)
        first_seq, end_seq = (self.log.first_after(-(-ms // 1000) - 1) for ms in (from_ms, to_ms))
        window = PositionRange(from_ms, to_ms - 1)
        young = self.log.young(self.now)
        persons, _ = self._persons(search, is_report=True)
        if persons is None:
            places = of_period(self.ledger.events, self.log, window, young, newest_first=True)
            others = taken_within(self.log, first_seq, end_seq, window)
        else:
            ever = PositionRange(FIRST_MS, LAST_MS)
            of_them = of_persons(
                self.ledger.events, self.log, persons, ever, young, newest_first=True
            )
            places = (
                place
                for place in of_them
                if window.first <= place.time_ms <= window.last or first_seq <= place.seq < end_seq
            )
            others = iter(())
        found: list[OpenedRecord] = []
        looked_at = 0
        reached_ms: int | None = None
        while chunk := next_chunk(places, BATCH_SIZE):
            last: EntryPosition | None = None
            if looked_at < most and has_time():
                more, last = self._opened(search, chunk, has_time)
                found += more
                looked_at += sum(place.first_seq != MILESTONE for place in chunk)
            if last != chunk[-1]:
                if persons is not None or reached_ms is None:
                    return FoundInPeriod((), looked_at, to_ms)
                return self._later_than(
                    reached_ms, found, looked_at, search, end_seq, window, has_more_time
                )
            reached_ms = chunk[-1].time_ms
        while chunk := next_chunk(others, BATCH_SIZE):
            more, last = self._opened(search, chunk, has_time)
            found += more
            looked_at += sum(place.first_seq != MILESTONE for place in chunk)
            if last != chunk[-1] or looked_at > most:
                return FoundInPeriod((), looked_at, to_ms)
        return FoundInPeriod(tuple(found), looked_at, None)

    def _later_than(
        self,
        reached_ms: int,
        found: list[OpenedRecord],
        looked_at: int,
        search: Search,
        end_seq: int,
        window: PositionRange,
        has_time: Callable[[], bool],
    ) -> FoundInPeriod:
        """Return the part of a period that is later than what was reached.

        Whole but for what was taken in it and has a plausible time of before: that is in no report
        of it, and may be all that was not looked at.
        """
        first_seq = self.log.first_after(-(-(reached_ms + 1) // 1000) - 1)
        later = PositionRange(reached_ms + 1, window.last)
        found = [each for each in found if each.event.time_ms > reached_ms]
        others = taken_within(self.log, first_seq, end_seq, later, is_counted=_is_implausible)
        while chunk := next_chunk(others, BATCH_SIZE):
            more, last = self._opened(search, chunk, has_time)
            found += more
            looked_at += sum(place.first_seq != MILESTONE for place in chunk)
            if last != chunk[-1] or not has_time() or looked_at > 2 * MAX_LOOKED_AT:
                return FoundInPeriod((), looked_at, window.last + 1)
        return FoundInPeriod(tuple(found), looked_at, reached_ms)

    def count(self, search: Search, most: int, has_time: Callable[[], bool]) -> int | None:
        """Count all matching events; None where that cannot be told.

        That is where more than `most` would have to be opened, time is up before, the index may
        not lead to all, or something does not open.
        """
        newest_first = search.sort == "-date"
        window = self._window(search, None, newest_first=newest_first)
        if window.is_empty or self.ledger.keys is None:
            return 0
        places, warnings = self._candidates(search, window, newest_first=newest_first)
        wrong: list[EntryPosition] = []
        looked_at = counted = 0
        while chunk := list(islice(places, BATCH_SIZE)):
            looked_at += len(chunk)
            if warnings or wrong or looked_at > most or not has_time():
                return None
            found, last = self._opened(search, chunk, has_time, wrong.append)
            if last != chunk[-1]:
                return None
            counted += len(found)
        return None if warnings or wrong else counted

    def one(self, event_id: str) -> tuple[StoredEntry, OpenedRecord] | None:
        """Return the entry and event of an id; None where there is none, or not for who asks."""
        found = self.ledger.events.entry(event_id)
        if found is None or found.place.seq >= self.log.size:
            return None
        stored = self.log.stored(found.place.first_seq, found.place.seq)
        if stored.indexed.key != event_id:
            raise VerificationError(f"the index leads to entry {stored.indexed.seq}, of another id")
        if not self._may_see(stored):
            return None
        self.opener.look_up([stored.indexed])
        opened = self.opener.open(stored)
        if opened is None or self.is_withheld(opened.event):
            return None
        return stored, opened

    def is_waiting(self, event_id: str) -> bool:
        """Whether the event is in the ledger, for who asks to see, and not published yet."""
        found = self.ledger.events.entry(event_id)
        if found is None or found.place.seq < self.log.size:
            return False
        return self.own is None or decode_index_row(found.row).patient in self.own

    def _candidates(
        self, search: Search, window: PositionRange, *, newest_first: bool
    ) -> tuple[Iterator[EntryPosition], tuple[str, ...]]:
        """Choose the narrowest way that finds everything; see `candidates` for the ways."""
        ids = event_ids(search)
        if ids is not None:
            return iter(self._places_of(ids, window, newest_first=newest_first)), ()
        young = self.log.young(self.now)
        persons, warnings = self._persons(search)
        if persons is not None:
            found = of_persons(
                self.ledger.events, self.log, persons, window, young, newest_first=newest_first
            )
            return found, warnings
        period = of_period(self.ledger.events, self.log, window, young, newest_first=newest_first)
        return period, warnings

    def _persons(
        self, search: Search, *, is_report: bool = False
    ) -> tuple[list[Person] | None, tuple[str, ...]]:
        """Return persons, one of whom every match names; None: only a period finds them all.

        `is_report`: there is a period beside what the search says, and a patient is who has that
        very name: reports are asked for by all names of one.
        """
        if self.own is not None:
            return [Person("patient", self.own)], ()
        period = event_period(search)
        is_period = is_report or period.from_ms > FIRST_MS or period.to_ms <= LAST_MS
        for patients in patient_lookups(search):
            secrets = [self._secrets_of(patient) for patient in patients]
            if all(known is not None for known in secrets):
                rules = self.ledger.rules.values()
                is_complete = not any(may_be_named_otherwise(rules, each) for each in patients)
                if is_report or is_complete or not is_period:
                    pseudonyms = self._known(s for known in secrets for s in known or ())
                    found = [Person("patient", pseudonyms), Person("agent", pseudonyms)]
                    return found, () if is_complete else ("patient.incomplete",)
            elif not is_period:
                return [], ("patient.unresolved",)
        for lookup in agent_lookups(search):
            if lookup.is_complete or not is_period:
                keys = self.ledger.keys
                staff = [staff_pseudonym(keys.index_key, n) for n in lookup.names] if keys else []
                acting = (self._secrets_of(patient) or () for patient in lookup.patients)
                patients_acting = self._known(secret for known in acting for secret in known)
                found = [Person("agent", {*staff, *patients_acting})]
                return found, () if lookup.is_complete else ("agent.incomplete",)
        return None, ()

    def _secrets_of(self, patient: PatientReference) -> list[SubjectSecret] | None:
        """Return a patient's secrets of all years; None where no portal's rule tells who it is."""
        keys = self.ledger.keys
        names = canonical_names(self.ledger.rules.values(), patient)
        if keys is None or not names:
            return None
        return [
            secret
            for name in names
            for secret in self.ledger.subjects.generations(subject_key_hash(keys.index_key, name))
        ]

    def _known(self, secrets: Iterable[SubjectSecret]) -> frozenset[bytes]:
        """Return the pseudonyms of secrets; their records can then be opened."""
        by_pseudonym = {patient_pseudonym(KeyedHash(s.secret)): s for s in secrets}
        self.opener.know(by_pseudonym)
        return frozenset(by_pseudonym)

    def _places_of(
        self, ids: Sequence[str], window: PositionRange, *, newest_first: bool
    ) -> list[EntryPosition]:
        found = (self.ledger.events.entry(event_id) for event_id in ids)
        places = {entry.place for entry in found if entry is not None}
        inside = (p for p in places if window.first <= p.time_ms <= window.last)
        return sorted(inside, reverse=newest_first)

    def _window(
        self, search: Search, after: EntryPosition | None, *, newest_first: bool
    ) -> PositionRange:
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

    def _filled(
        self,
        search: Search,
        places: Iterator[EntryPosition],
        after: EntryPosition | None,
        warnings: tuple[str, ...],
        has_time: Callable[[], bool],
    ) -> Page:
        """Open candidates until the page is full, the work is done, or there are none left.

        However much work it is, a page ends further on than it began.
        """
        found: list[OpenedRecord] = []
        own_use: list[EntryPosition] = []
        opened = 0
        last: EntryPosition | None = None
        while chunk := next_chunk(places, min(BATCH_SIZE, search.count - len(found))):
            wrong: list[EntryPosition] = []
            more, last = self._opened(search, chunk, has_time, wrong.append, own_use.append)
            found += more
            if wrong and UNOPENED not in warnings:
                warnings = (*warnings, UNOPENED)
            if last != chunk[-1]:
                return Page(tuple(found), last, warnings, bool(own_use))
            opened += len(chunk)
            if len(found) == search.count:
                is_last = next(places, None) is None
                return Page(tuple(found), None if is_last else last, warnings, bool(own_use))
            is_further = after is None or (last.time_ms, last.seq) != (after.time_ms, after.seq)
            is_done = opened >= MAX_OPENED or len(self.log.read) >= MAX_BLOCKS or not has_time()
            if is_done and is_further:
                return Page(tuple(found), last, warnings, bool(own_use))
        return Page(tuple(found), None, warnings, bool(own_use))

    def _opened(
        self,
        search: Search,
        chunk: Sequence[EntryPosition],
        has_time: Callable[[], bool],
        note_wrong: Callable[[EntryPosition], None] | None = None,
        note_own_use: Callable[[EntryPosition], None] = lambda _: None,
    ) -> tuple[list[OpenedRecord], EntryPosition]:
        """Open the candidates that may be seen and are what is asked for, as far as time allows.

        Gives them and the last place that was looked at: a single event may take long.
        `note_wrong`: told of those that do not open or cannot be looked at; without it they are
        errors; `note_own_use`: of the ledger's own events where they are to be left out.
        """
        below = [p for p in chunk if p.first_seq != MILESTONE and p.seq < self.log.size]
        self.log.fetch(place.first_seq for place in below)
        seen: list[tuple[EntryPosition, StoredEntry]] = []
        found: list[OpenedRecord] = []
        for place in below:
            try:
                stored = self._stored(place)
            except (FormatError, VerificationError):
                if note_wrong is None:
                    raise
                note_wrong(place)
                continue
            if not self._may_see(stored):
                continue
            if OWN_USE in stored.indexed.row.flags and search.own_use == "exclude":
                note_own_use(place)
                continue
            seen.append((place, stored))
        self.opener.look_up(entry.indexed for _, entry in seen)
        size_bytes = 0
        for number, (place, entry) in enumerate(seen):
            if number and (size_bytes > MAX_FOUND_BYTES or not has_time()):
                return found, chunk[chunk.index(place) - 1]
            try:
                record = self.opener.open(entry)
                is_shown = record is not None and self._is_shown(search, record.event)
            except (FormatError, VerificationError, UnreadableError):
                if note_wrong is None:
                    raise
                note_wrong(place)
                continue
            if record is not None and is_shown:
                size_bytes += len(record.record)
                found.append(record)
        return found, chunk[-1]

    def _is_shown(self, search: Search, event: OpenedEvent) -> bool:
        """Whether an event is what is asked for; UnreadableError where that cannot be told."""
        try:
            namespace = self._namespace(event)
            return matches(search, event, namespace) and not self.is_withheld(event)
        except Exception:  # noqa: BLE001  one accepted event must not stop the searches of others
            raise UnreadableError(f"entry {event.seq}: it cannot be looked at") from None

    def _namespace(self, event: OpenedEvent) -> str | None:
        rule = self.ledger.rules.get(event.portal)
        return None if rule is None else rule.namespace

    def _refuse_ambiguous(self, search: Search) -> None:
        """Refuse a relative reference that may be of several servers' patients."""
        rules = self.ledger.rules.values()
        for criterion in search.criteria:
            if criterion.parameter == "patient" and any(
                isinstance(value, NamedResource) and is_ambiguous(rules, value.reference)
                for value in criterion.values
            ):
                raise RejectedSearchError(400, "value", "patient", accepted_names(rules))

    def _stored(self, place: EntryPosition) -> StoredEntry:
        """Return the entry at a position; VerificationError if the index contradicts it."""
        stored = self.log.stored(place.first_seq, place.seq)
        if position_of(stored.indexed) != place:
            raise VerificationError(f"the index has another time for entry {place.seq}")
        return stored

    def _may_see(self, stored: StoredEntry) -> bool:
        return self.own is None or stored.indexed.row.patient in self.own


def _is_implausible(entry: IndexedEntry) -> bool:
    return not is_plausible(entry.row.time_ms, entry.block_time)


def next_chunk(places: Iterator[EntryPosition], most: int) -> list[EntryPosition]:
    """Take places to be opened together: so many at most, and none behind a milestone."""
    chunk = []
    for place in places:
        chunk.append(place)
        if len(chunk) == most or place.first_seq == MILESTONE:
            break
    return chunk


def canonical_names(rules: Iterable[PatientRule], patient: PatientReference) -> tuple[str, ...]:
    """Return a patient's canonical identifiers by the rules of all portals, each once.

    None where a relative reference may be of several servers.
    """
    rules = tuple(rules)
    if is_ambiguous(rules, patient.reference):
        patient = PatientReference(None, patient.identifiers)
    found = (canonical_patient(rule, patient) for rule in rules)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def is_ambiguous(rules: Iterable[PatientRule], reference: str | None) -> bool:
    """Return whether a reference may be of patients of several servers."""
    namespaces = {rule.namespace for rule in rules} - {None}
    return len(namespaces) > 1 and (reference or "").startswith("Patient/")


def may_be_named_otherwise(rules: Iterable[PatientRule], patient: PatientReference) -> bool:
    """Return whether a portal's rule puts events that name this patient under another name, too.

    It does where it names patients by an identifier, and this is a reference or an identifier of
    another system; or where it names them by reference alone, and this is an identifier.
    """
    systems = {system for system, _ in patient.identifiers}
    return any(
        rule.system not in systems if rule.system is not None else patient.reference is None
        for rule in rules
    )


def accepted_names(rules: Iterable[PatientRule]) -> str:
    """Say in which forms a patient may be named, by the rules of all portals."""
    rules = tuple(rules)
    forms = [f"{system}|<value>" for system in dict.fromkeys(r.system for r in rules) if system]
    namespaces = list(dict.fromkeys(rule.namespace for rule in rules if rule.namespace))
    bases = [f"{base}/Patient/<id>" for base in namespaces if "://" in base]
    if len(namespaces) == 1:
        forms.append("Patient/<id>")
    return " or ".join(forms + bases)


def canonical_references(
    rules: Iterable[PatientRule], patients: Iterable[PatientReference]
) -> tuple[PatientReference, ...]:
    """Name patients by nothing but the canonical identifiers that these rules give, each once."""
    named: dict[PatientReference, None] = {}
    rules = tuple(rules)
    for patient in patients:
        if is_ambiguous(rules, patient.reference):
            patient = PatientReference(None, patient.identifiers)  # noqa: PLW2901
        for rule in rules:
            name = canonical_patient(rule, patient)
            if name is None:
                continue
            pair = next((p for p in patient.identifiers if p[0] == rule.system), None)
            if pair is not None:
                named[PatientReference(None, (pair,))] = None
            elif rule.namespace is not None and "://" not in rule.namespace:
                named[PatientReference(name.removeprefix(f"{rule.namespace}/"))] = None
            else:
                named[PatientReference(name)] = None
    return tuple(named)


def namespace_of(rules: Iterable[PatientRule], reference: str) -> str | None:
    """Return the base that a reference of `canonical_references` is relative to, or names."""
    namespaces = (rule.namespace for rule in rules if rule.namespace is not None)
    return next((n for n in namespaces if name_by_reference(n, reference) is not None), None)
