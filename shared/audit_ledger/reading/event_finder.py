"""Finds the events of one ledger that match, that open, and that the caller may see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.events.canonical_patients import accepted_names, is_ambiguous
from audit_ledger.http.authorization import OWN_USE
from audit_ledger.ledger.index import EntryPosition, PositionRange, StoredEntry
from audit_ledger.reading.candidates import MILESTONE
from audit_ledger.reading.ledger import ReadableLedger
from audit_ledger.reading.record_opener import OpenedRecord, RecordOpener, UnreadableError
from audit_ledger.reading.snapshot import LogSnapshot
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.criteria import NamedResource, Search
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.match import matches

MAX_FOUND_BYTES = 4_000_000  # of records found, of those whose secrets are looked up together


@dataclass(frozen=True)
class EventFinder:
    """Finds events of one ledger, below one published size, for one request.

    `own`: pseudonyms of the calling patient, who sees nothing else; None for callers who see all.
    `is_withheld`: whether an event is hidden from the caller. `now`: whole seconds.
    """

    ledger: ReadableLedger
    log: LogSnapshot
    opener: RecordOpener
    now: int
    own: frozenset[bytes] | None = None
    is_withheld: Callable[[OpenedEvent], bool] = lambda _: False

    def one(self, event_id: str) -> OpenedRecord | None:
        """Return the event of an id; None if there is none that the caller may see."""
        found = self.ledger.events.entry(event_id)
        if found is None or found.position.seq >= self.log.size:
            return None
        stored = self.log.stored(found.position.first_seq, found.position.seq)
        if stored.key != event_id:
            raise VerificationError(f"the index leads to entry {stored.seq}, of another id")
        if not self._may_see(stored):
            return None
        self.opener.look_up([stored])
        opened = self.opener.open(stored)
        if opened is None or self.is_withheld(opened.event):
            return None
        return opened

    def is_waiting(self, event_id: str) -> bool:
        """Return whether the event, visible to the caller, is not published yet."""
        found = self.ledger.events.entry(event_id)
        if found is None or found.position.seq < self.log.size:
            return False
        return self.own is None or parse_index_row(found.row_bytes).patient in self.own

    def open_matching(
        self,
        search: Search,
        chunk: Sequence[EntryPosition],
        has_time: Callable[[], bool],
        note_unreadable: Callable[[EntryPosition], None] | None = None,
        note_own_use: Callable[[EntryPosition], None] = lambda _: None,
    ) -> tuple[list[OpenedRecord], EntryPosition]:
        """Open the candidates that match and may be seen, as far as time allows.

        Return them and the last position that was looked at: a single event may take long.
        `note_unreadable`: called with those that do not open or cannot be read; without it they are
        errors; `note_own_use`: with the ledger's own events if they are left out.
        """
        below = [p for p in chunk if p.first_seq != MILESTONE and p.seq < self.log.size]
        self.log.fetch(position.first_seq for position in below)
        seen: list[tuple[EntryPosition, StoredEntry]] = []
        found: list[OpenedRecord] = []
        for position in below:
            try:
                stored = self._stored(position)
            except (FormatError, VerificationError):
                if note_unreadable is None:
                    raise
                note_unreadable(position)
                continue
            if not self._may_see(stored):
                continue
            if OWN_USE in stored.row.flags and search.own_use == "exclude":
                note_own_use(position)
                continue
            seen.append((position, stored))
        self.opener.look_up(entry for _, entry in seen)
        size_bytes = 0
        for number, (position, entry) in enumerate(seen):
            if number and (size_bytes > MAX_FOUND_BYTES or not has_time()):
                return found, chunk[chunk.index(position) - 1]
            try:
                record = self.opener.open(entry)
                is_shown = record is not None and self._is_shown(search, record.event)
            except (FormatError, VerificationError, UnreadableError):
                if note_unreadable is None:
                    raise
                note_unreadable(position)
                continue
            if record is not None and is_shown:
                size_bytes += len(record.record)
                found.append(record)
        return found, chunk[-1]

    def refuse_ambiguous(self, search: Search) -> None:
        """Refuse a relative reference that may be of several servers' patients."""
        rules = self.ledger.rules.values()
        for criterion in search.criteria:
            if criterion.parameter == "patient" and any(
                isinstance(value, NamedResource) and is_ambiguous(rules, value.reference)
                for value in criterion.values
            ):
                raise RejectedSearchError("patient", accepted_names(rules))

    def positions_of(
        self, ids: Sequence[str], window: PositionRange, *, newest_first: bool
    ) -> list[EntryPosition]:
        found = (self.ledger.events.entry(event_id) for event_id in ids)
        positions = {entry.position for entry in found if entry is not None}
        inside = (p for p in positions if window.first <= p.time_ms <= window.last)
        return sorted(inside, reverse=newest_first)

    def _is_shown(self, search: Search, event: OpenedEvent) -> bool:
        """Return whether an event matches; raise UnreadableError if that cannot be determined."""
        try:
            namespace = self._namespace(event)
            return matches(search, event, namespace) and not self.is_withheld(event)
        except Exception:  # noqa: BLE001  one accepted event must not stop the searches of others
            raise UnreadableError(f"entry {event.seq}: it cannot be read") from None

    def _namespace(self, event: OpenedEvent) -> str | None:
        rule = self.ledger.rules.get(event.portal)
        return None if rule is None else rule.namespace

    def _stored(self, position: EntryPosition) -> StoredEntry:
        """Return the entry at a position; VerificationError if the index contradicts it."""
        stored = self.log.stored(position.first_seq, position.seq)
        if stored.position != position:
            raise VerificationError(f"the index has another time for entry {position.seq}")
        return stored

    def _may_see(self, stored: StoredEntry) -> bool:
        return self.own is None or stored.row.patient in self.own
