"""What a page of a search costs in a ledger of a million events: calls, and CPU time of our own.

The ledger is four thousand blocks of 250 events over two years, sealed by the real code. Blocks
that a search reads are made before it is timed; tables are stood in for by what gives them at once,
and counts. A patient of a thousand events is spread over all of them: every event in another block,
which is the worst case.
"""

import os
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from random import Random
from threading import Lock
from typing import Any

from audit_ledger.events import Event, PatientRule, parse_audit_event
from audit_ledger.ledger.block import Block, BlockItem, Body
from audit_ledger.ledger.entry import EventEntry
from audit_ledger.ledger.index import EntryPosition, PositionRange
from audit_ledger.reading.event_finder import EventFinder
from audit_ledger.reading.ledger import ReadableLedger
from audit_ledger.reading.record_opener import RecordOpener
from audit_ledger.reading.search import Page, find_page
from audit_ledger.reading.snapshot import LogSnapshot
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.ledger_keys import LedgerKeyring, LedgerKeys
from audit_ledger.records.pseudonyms import patient_pseudonym
from audit_ledger.records.subject_secret import SubjectSecret
from audit_ledger.search.parameters import parse_search
from audit_ledger.settings.reports import ReportSettings
from functions.ingest.ledger_context import cached_staff_pseudonyms
from functions.ingest.sealer import Sealer
from tests.bench.core import event_of_2_kb

ORIGIN = "audit.example.org/reads"
EVENTS = 1_000_000
A_BLOCK = 250
BLOCKS = EVENTS // A_BLOCK
OF_PATIENT = 1000
BEGAN = 1_730_000_000  # seconds since 1970
SPAN_SECONDS = 2 * 365 * 86_400
YEARS = (2024, 2025, 2026)
ROUNDS = 15
PAGE = 50


class Reads:
    """The ledger: blocks on demand, each made once, and counts of the requests to tables."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.random = Random(1)
        self.secrets = {
            patient_pseudonym(KeyedHash(secret)): SubjectSecret(year * 1000, secret)
            for year in YEARS
            for secret in [os.urandom(32)]
        }
        self.keys = LedgerKeys(KeyedHash(os.urandom(32)), os.urandom(32), 1)
        self.of_patient = sorted(self.random.sample(range(BLOCKS), OF_PATIENT))
        self.made: dict[int, Block] = {}
        self.one_at_a_time = Lock()

    @cached_property
    def ledger(self) -> ReadableLedger:
        """The ledger as query knows it."""
        return ReadableLedger(
            id="reads",
            origin=ORIGIN,
            rules={"ehr": PatientRule(namespace="portal:ehr")},
            keys=LedgerKeyring(self.keys.index_key, {1: self.keys.ledger_key}),
            blocks=self,  # type: ignore[arg-type]
            events=self,  # type: ignore[arg-type]
            subjects=self,  # type: ignore[arg-type]
            state=self,  # type: ignore[arg-type]
            published=self,  # type: ignore[arg-type]
            detections={},
            reports=ReportSettings(),
        )

    def time_of(self, number: int) -> int:
        """Seconds since 1970 of a block."""
        return BEGAN + SPAN_SECONDS * number // BLOCKS

    def block(self, number: int) -> Block:
        """Make a block, or give it again."""
        with self.one_at_a_time:  # blocks are read by several threads
            if number not in self.made:
                self.made[number] = self._make(number)
            return self.made[number]

    # Blocks, as audit_ledger.aws.blocks_table has them.

    def beginning_at(self, first_seq: int) -> Block:
        self.calls["block reads"] += 1
        return self.block(first_seq // A_BLOCK)

    def ending_before(self, seq: int) -> Block:
        self.calls["block reads"] += 1
        return self.block((seq - 1) // A_BLOCK)

    def before(self, seq: int) -> Iterator[Block]:
        for number in range((seq - 1) // A_BLOCK, -1, -1):
            self.calls["block reads"] += 1
            yield self.block(number)

    # The index, as audit_ledger.aws.events_search has it.

    def of_person(
        self, by: str, pseudonym: bytes, window: PositionRange, *, newest_first: bool
    ) -> Iterator[EntryPosition]:
        self.calls[f"queries of the index by {by}"] += 1
        if by == "agent":
            return
        for number in reversed(self.of_patient) if newest_first else self.of_patient:
            time_ms = self.time_of(number) * 1000
            if self._pseudonym(number) == pseudonym and window.first <= time_ms <= window.last:
                yield EntryPosition(time_ms, number * A_BLOCK + 7, number * A_BLOCK)

    def late(self, window: PositionRange, *, newest_first: bool) -> Iterator[EntryPosition]:
        self.calls["queries of the index of late events"] += 1
        return iter(())

    # Subjects, as audit_ledger.aws.subjects_table has them.

    def generations(self, row_key: str) -> list[SubjectSecret]:
        self.calls["queries of subjects"] += 1
        return list(self.secrets.values())

    def of_pseudonyms(self, pseudonyms: Iterable[bytes]) -> dict[bytes, SubjectSecret]:
        wanted = list(pseudonyms)
        self.calls["secrets looked up"] += len(wanted)
        return {pseudonym: self.others[pseudonym] for pseudonym in wanted}

    def _pseudonym(self, number: int) -> bytes:
        year = time.gmtime(self.time_of(number)).tm_year
        return next(p for p, s in self.secrets.items() if s.generation == year * 1000)

    @cached_property
    def others(self) -> dict[bytes, SubjectSecret]:
        """Other patients' secrets."""
        made = [os.urandom(32) for _ in range(500)]
        return {patient_pseudonym(KeyedHash(s)): SubjectSecret(2026000, s) for s in made}

    def _make(self, number: int) -> Block:
        when = self.time_of(number)
        staff = cached_staff_pseudonyms(self.keys.index_key)
        own = number in set(self.of_patient)
        others = list(self.others.values())

        def secrets(row_keys: Any, _year: int) -> dict[str, SubjectSecret]:
            return {key: self.random.choice(others) for key in row_keys}

        sealer = Sealer(
            ORIGIN, "ehr", PatientRule(namespace="portal:ehr"), self.keys, secrets, staff
        )
        items = []
        accepted = [_event(self.random.randrange(1, 60_000), when) for _ in range(3)]
        for place in range(A_BLOCK):
            seq = number * A_BLOCK + place
            if own and place == 7:
                secret = self.secrets[self._pseudonym(number)]
                mine = Sealer(
                    ORIGIN,
                    "ehr",
                    PatientRule(namespace="portal:ehr"),
                    self.keys,
                    partial(_all, secret),
                    staff,
                )
                (sealed,) = mine.seal([_event(0, when)], when * 1000)[0]
            else:
                (sealed,) = sealer.seal([accepted[place % 3]], when * 1000)[0]
            entry = EventEntry(seq, when, bytes(32), sealed.commitment).to_bytes()
            items.append(
                BlockItem(
                    entry,
                    sealed.row_bytes,
                    sealed.row_blind,
                    sealed.record_commitment,
                    sealed.sealed,
                )
            )
        body = Body(tuple(items), (bytes(32),) * 12, when).to_bytes()
        return Block(ORIGIN, number * A_BLOCK, A_BLOCK, bytes(32), bytes(64), body)


def _all(secret: SubjectSecret, row_keys: Sequence[str], _year: int) -> dict[str, SubjectSecret]:
    return dict.fromkeys(row_keys, secret)


def _event(number: int, when: int) -> Event:
    """Return an event of the ingest bench, recorded at `when` (seconds since 1970)."""
    recorded = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(when)).encode()
    body = event_of_2_kb(number).replace(b"2026-11-22T05:59:00.123Z", recorded)
    return parse_audit_event(body)


def read_figures() -> dict[str, float]:
    """A page of 50 by patient, and one by date: medians of CPU ms, and counted calls."""
    reads = Reads()
    by_patient, patient_calls = _measured(reads, "patient=ab0000&_count=50")
    day = time.strftime("%Y-%m-%d", time.gmtime(reads.time_of(BLOCKS // 2)))
    by_date, date_calls = _measured(reads, f"date={day}&_count=50")
    return {
        "page_by_patient_cpu_ms": by_patient,
        **{f"page_by_patient_{_snake(name)}": float(n) for name, n in patient_calls.items()},
        "page_by_date_cpu_ms": by_date,
        **{f"page_by_date_{_snake(name)}": float(n) for name, n in date_calls.items()},
    }


def _measured(reads: Reads, query: str) -> tuple[float, Counter[str]]:
    pairs = [tuple(pair.split("=", 1)) for pair in query.split("&")]
    search = parse_search(pairs, is_strict=True)  # type: ignore[arg-type]
    figures = []
    for round_ in range(ROUNDS + 1):  # the first makes the blocks
        reads.calls.clear()
        now = BEGAN + SPAN_SECONDS
        opener = RecordOpener(reads.ledger, now)
        finder = EventFinder(reads.ledger, LogSnapshot(reads.ledger.blocks, EVENTS), opener, now)
        start = time.process_time()
        page: Page = find_page(finder, search, None)
        if round_:
            figures.append((time.process_time() - start) * 1000)
        if len(page.found) != PAGE:
            raise SystemExit(f"reads: {len(page.found)} found by {query}, expected {PAGE}")
    return statistics.median(figures), Counter(reads.calls)


def _snake(name: str) -> str:
    return name.replace(" ", "_")
