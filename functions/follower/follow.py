"""Following: new records are opened in ledger order, once published, and what they show is kept.

The cursor and the states of all counters and rules move together, in one transaction; documents and
findings are added before that, and adding them again changes nothing. So a crash anywhere leaves
views that the next run completes, and following from the first entry gives the same once more.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import msgspec

from audit_ledger.access import OWN_PORTAL
from audit_ledger.aws.ledger_keys import OpeningKeys
from audit_ledger.aws.views import FollowerCursor, ViewsTable
from audit_ledger.completeness import State, decode_state, encode_state, observe, report
from audit_ledger.detections import Detector, Directory, Finding, PublicFinding, make_rules
from audit_ledger.errors import LedgerError, NotFoundError, UnreachableError
from audit_ledger.reading.ledger import Ledger
from audit_ledger.reading.opening import Opened, Opener
from audit_ledger.reading.pinned import PinnedLog, StoredBlock
from audit_ledger.records.pseudonyms import document_key, mark
from audit_ledger.records.sealed_view import open_view, seal_view

EVENTS_A_COMMIT = 2000
SETTLED_SECONDS = 15 * 60  # a gap that is older is no event that was only overtaken
COMPLETENESS = "completeness"
RULE = "rule "

Announce = Callable[[Sequence[PublicFinding]], None]
"""Tell the bus of findings; UnreachableError where it would not listen."""


class KeptFinding(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A finding as it is kept: nobody is named. Who and whom say the records, to who opens them.

    `last_block`: first entry of the block of the last entry; `time_ms`: the event's own.
    """

    rule: str
    severity: str
    entries: tuple[int, ...]
    event_ids: tuple[str, ...]
    last_block: int
    time_ms: int
    ledger_time: int
    statement: str


@dataclass(frozen=True)
class Followed:
    """What a run came to. `missing`: numbered events that never came, of gaps that are settled."""

    next_seq: int
    opened: int
    erased: int
    unopened: int
    findings: int
    missing: int


@dataclass
class Run:
    """What one run holds in memory until it commits."""

    cursor: FollowerCursor
    state: State
    detector: Detector
    documents: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    findings: list[tuple[Finding, int]] = field(default_factory=list)
    since_commit: int = 0
    opened: int = 0
    erased: int = 0
    unopened: int = 0
    found: int = 0


@dataclass(frozen=True)
class Follower:
    """One ledger's follower. `now`: whole seconds."""

    ledger: Ledger
    views: ViewsTable
    directory: Directory
    announce: Announce
    now: Callable[[], int]

    def follow(
        self, size: int, has_time: Callable[[], bool] = lambda: True, *, anew: bool = False
    ) -> Followed:
        """Follow the ledger up to `size` entries, which are published, or as far as time allows.

        `anew`: from the first entry, whatever was followed before. LostRaceError where another run
        was faster: it has done the same.
        """
        # 1. Where the last run stopped, and what it knew then.
        run = self._resumed(self.views.cursor(), anew=anew)
        next_seq = 0 if anew else run.cursor.next_seq
        log = PinnedLog(self.ledger.blocks, size)

        # 2. Block by block, in ledger order. A secret that is only too new to be found yet ends
        # the run; the next one begins with that block.
        for block in log.oldest_first(next_seq):
            if not has_time():
                break
            try:
                opened = self._opened(block, run)
            except UnreachableError:
                break
            for record in opened:
                self._observe(record, block, run)
            next_seq = block.size_after
            log.read.clear()
            run.since_commit += len(opened)
            if run.since_commit >= EVENTS_A_COMMIT:
                self._commit(run, next_seq)

        # 3. Keep all of it.
        if next_seq != run.cursor.next_seq or run.since_commit:
            self._commit(run, next_seq)
        return Followed(
            next_seq, run.opened, run.erased, run.unopened, run.found, self._missing(run.state)
        )

    def _resumed(self, cursor: FollowerCursor, *, anew: bool) -> Run:
        keys = self._keys()
        marked = partial(mark, keys.index_key)
        detector = Detector(make_rules(), self.directory, marked)
        state = State()
        if not anew:
            detector.resume(
                {
                    name.removeprefix(RULE): self._state(cursor, name)
                    for name in cursor.states
                    if name.startswith(RULE)
                }
            )
            if COMPLETENESS in cursor.states:
                state = decode_state(self._state(cursor, COMPLETENESS))
        return Run(cursor, state, detector)

    def _opened(self, block: StoredBlock, run: Run) -> list[Opened]:
        """Open a block's records, but those that were erased, and those that do not open."""
        opener = Opener(self.ledger, self.now())
        entries = list(block.entries())
        opener.look_up(stored.indexed for stored in entries)
        opened = []
        erased = unopened = 0
        for stored in entries:
            try:
                record = opener.open(stored)
            except UnreachableError:
                raise
            except LedgerError:
                unopened += 1  # altered: the chain says so to all who verify; here it is counted
                continue
            if record is None:
                erased += 1
            else:
                opened.append(record)
        run.opened += len(opened)
        run.erased += erased
        run.unopened += unopened
        return opened

    def _observe(self, record: Opened, block: StoredBlock, run: Run) -> None:
        event = record.event
        run.state = observe(run.state, event)
        keys = self._keys()
        for digest in event.details.digests:
            place = f"{event.seq} {block.first_seq} {event.event_id}"
            run.documents[document_key(keys.index_key, digest)].add(place)
        if event.portal != OWN_PORTAL:
            found = run.detector.observe(event)
            run.findings += ((finding, block.first_seq) for finding in found)

    def _commit(self, run: Run, next_seq: int) -> None:
        """Add documents and findings, tell of what is new, and move cursor and states at once."""
        for document, places in run.documents.items():
            self.views.add_places(document, places)
        by_hour: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        for finding, first_seq in run.findings:
            by_hour[hour_of(finding.ledger_time)][finding.id] = kept(finding, first_seq)
        for hour, findings in by_hour.items():
            self.views.put_findings(hour, findings)
        new = [f.public() for f, _ in run.findings if f.entries[-1] >= run.cursor.announced]
        if new:
            self.announce(new)
        announced = max(next_seq, run.cursor.announced)
        run.cursor = self.views.commit(run.cursor, next_seq, announced, self._states(run))
        run.found += len(run.findings)
        run.documents.clear()
        run.findings.clear()
        run.since_commit = 0

    def _states(self, run: Run) -> Mapping[str, bytes]:
        plain = {RULE + name: state for name, state in run.detector.states().items()}
        plain[COMPLETENESS] = encode_state(run.state)
        keys, origin = self._keys(), self.ledger.origin
        return {
            name: seal_view(state, keys.ledger_keys, origin, name) for name, state in plain.items()
        }

    def _state(self, cursor: FollowerCursor, name: str) -> bytes:
        sealed = self.views.state(cursor, name)
        keys = self._keys()
        return open_view(sealed or b"", keys.ledger_keys, self.ledger.origin, name)

    def _missing(self, state: State) -> int:
        """Count numbered events that are missing for longer than what is sent may be overtaken."""
        settled = self.now() - SETTLED_SECONDS
        return sum(gap.missing for gap in report(state).gaps if gap.noticed_time < settled)

    def _keys(self) -> OpeningKeys:
        if self.ledger.keys is None:
            raise NotFoundError("the ledger has no keys: it has not begun")
        return self.ledger.keys


def hour_of(ledger_time: int) -> str:
    """Give the hour, `2026-11-22T05`, that a finding is kept under. `ledger_time`: seconds."""
    return datetime.fromtimestamp(ledger_time, UTC).strftime("%Y-%m-%dT%H")


def kept(finding: Finding, first_seq: int) -> bytes:
    """Give a finding as it is kept; `first_seq`: of the block of its last entry."""
    return msgspec.json.encode(
        KeptFinding(
            finding.rule,
            finding.severity,
            finding.entries,
            finding.event_ids,
            first_seq,
            finding.time_ms,
            finding.ledger_time,
            finding.statement,
        )
    )
