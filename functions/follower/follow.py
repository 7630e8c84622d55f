"""Following: new records are opened in ledger order, once published, and what they show is kept.

The cursor and the states of all counters and rules move together; documents and findings are put
before that, and putting them again changes nothing. So a crash anywhere leaves views that the next
run completes, and following from the first entry gives the same once more (see `aws.views`).

Findings are told of before the commit: the bus may hear of one twice and never of none. Their rule
and entries say which are the same.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import msgspec

from audit_ledger.access import OWN_PORTAL
from audit_ledger.aws.ledger_keys import OpeningKeys
from audit_ledger.aws.views import FOLLOWER, FollowerCursor, Gaps, ViewsTable
from audit_ledger.completeness import Counted, State, decode_counted, encode_counted, report
from audit_ledger.detections import (
    DetectionSettings,
    Detector,
    Directory,
    Finding,
    PublicFinding,
    make_rules,
)
from audit_ledger.errors import (
    FormatError,
    LedgerError,
    LostRaceError,
    NotFoundError,
    UnreachableError,
    VerificationError,
)
from audit_ledger.reading.at_once import at_once
from audit_ledger.reading.ledger import Ledger
from audit_ledger.reading.opening import Opened, Opener
from audit_ledger.reading.pinned import PinnedLog, StoredBlock, StoredEntry
from audit_ledger.records.pseudonyms import document_key, mark
from audit_ledger.records.sealed_view import open_view, seal_view
from audit_ledger.views import COMPLETENESS, RULES, KeptFinding, seal_finding

EVENTS_A_COMMIT = 2000
PLACES_A_COMMIT = 2000  # of documents; a single event may name as many
SETTLED_SECONDS = 15 * 60  # a gap that is older is no event that was only overtaken
WAITS = 6  # for secrets that are only too new to be found yet: ten seconds, and some
MOST_READS = 5  # of a state that others write at this moment
RULE = "rule "

Anew = Literal["begin", "go on"]

Announce = Callable[[Sequence[PublicFinding]], None]
"""Tell the bus of findings; UnreachableError where it would not listen."""


@dataclass(frozen=True)
class Followed:
    """What a run came to. `missing`: numbered events that never came, of gaps that are settled.

    `newly_missing`: of these, how many more than what the publisher was told before. `stopped`: why
    it did not get to the end, other than for lack of time.
    """

    next_seq: int
    size: int
    generation: int
    opened: int
    erased: int
    unopened: int
    findings: int
    missing: int
    newly_missing: int
    stopped: str = ""


@dataclass
class Run:
    """What one run holds in memory until it commits."""

    cursor: FollowerCursor
    counted: Counted
    detector: Detector
    documents: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    findings: list[tuple[Finding, int]] = field(default_factory=list)
    since_commit: int = 0
    opened: int = 0
    erased: int = 0
    unopened: int = 0
    found: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to commit."""
        return (
            self.since_commit >= EVENTS_A_COMMIT
            or sum(map(len, self.documents.values())) >= PLACES_A_COMMIT
        )


@dataclass(frozen=True)
class Follower:
    """One ledger's follower. `now`: whole seconds; `wait`: until what is new may be there."""

    ledger: Ledger
    views: ViewsTable
    directory: Directory
    settings: DetectionSettings
    announce: Announce
    now: Callable[[], int]
    wait: Callable[[], None]

    def follow(
        self, size: int, has_time: Callable[[], bool] = lambda: True, *, anew: Anew | None = None
    ) -> Followed:
        """Follow the ledger up to `size` entries, which are published, or as far as time allows.

        `anew`: from the first entry, into a generation of views of its own, which is read in the
        place of the present one once it has got as far as `size`; it takes as many runs as it
        takes. LostRaceError where another run was faster: it has done the same.
        """
        # 1. Where the last run stopped, and what it knew then.
        run = self._resumed(
            self.views.cursor() if anew is None else self.views.anew(begin=anew == "begin")
        )
        making = run.cursor.item != FOLLOWER  # or it was finished, and this goes on with it
        size = max(size, run.counted.before_seq)  # published too: what is read has got there
        next_seq = run.cursor.next_seq
        log = PinnedLog(self.ledger.blocks, size)
        stopped = ""

        # 2. Block by block, in ledger order. What cannot be opened yet ends the run; the next one
        # begins with that block.
        for block in log.oldest_first(next_seq):
            if not has_time():
                break
            try:
                opened = self._opened_in_time(block, run)
            except UnreachableError as error:
                stopped = str(error)
                break
            for record in opened:
                self._observe(record, block, run)
            next_seq = block.size_after
            log.read.clear()
            run.since_commit += len(opened)
            if run.is_full:
                self._commit(run, next_seq)

        # 3. Keep all of it; and say how many events never came, which time alone may change.
        is_whole = next_seq >= size
        if making and is_whole:
            run.counted = run.counted.settled()
        if next_seq != run.cursor.next_seq or run.since_commit or (making and is_whole):
            self._commit(run, next_seq)
        if making and is_whole:
            run.cursor = self.views.take_over(run.cursor)
        missing, portals = self._missing(run.counted.state)
        newly_missing = 0
        if not making or is_whole:
            newly_missing = max(0, missing - self._missing_before())
            self.views.put_gaps(run.cursor, Gaps(next_seq, missing, portals))
        return Followed(
            next_seq,
            size,
            run.cursor.generation,
            run.opened,
            run.erased,
            run.unopened,
            run.found,
            missing,
            newly_missing,
            stopped,
        )

    def _resumed(self, cursor: FollowerCursor) -> Run:
        marked = partial(mark, self._keys().index_key)
        detector = Detector(make_rules(self.settings), self.directory, marked)
        detector.resume(
            {
                name.removeprefix(RULE): self._state(cursor, name)
                for name in cursor.states
                if name.startswith(RULE)
            }
        )
        if COMPLETENESS in cursor.states:
            counted = decode_counted(self._state(cursor, COMPLETENESS))
        else:
            counted = self._counted_before() if cursor.item != FOLLOWER else Counted()
        return Run(cursor, counted, detector)

    def _counted_before(self) -> Counted:
        """Begin to count anew beside what is read; alone where that is none, or cannot be read."""
        for _ in range(MOST_READS):
            live = self.views.cursor()
            if COMPLETENESS not in live.states:
                return Counted()
            try:
                before = decode_counted(self._state(live, COMPLETENESS))
            except LostRaceError:
                continue  # it is followed at this moment
            except (FormatError, VerificationError):
                return Counted()
            return Counted(before=before.state, before_seq=live.next_seq)
        raise LostRaceError("what is read moves on all the time")

    def _opened_in_time(self, block: StoredBlock, run: Run) -> list[Opened]:
        """Open a block's records; a secret that is only too new to be found yet is waited for."""
        for _ in range(WAITS):
            try:
                return self._opened(block, run)
            except UnreachableError:
                self.wait()
        return self._opened(block, run)

    def _opened(self, block: StoredBlock, run: Run) -> list[Opened]:
        """Open a block's records, but those that were erased, and those that do not open."""
        opener = Opener(self.ledger, self.now())
        readable, unread = _entries(block)
        unopened = len(unread)
        opener.look_up(stored.indexed for stored in readable)
        opened = []
        for stored in readable:
            try:
                record = opener.open(stored)
            except UnreachableError:
                raise
            except LedgerError:
                unopened += 1  # altered: the chain says so to all who verify; here it is counted
                unread.append(stored.indexed.seq)
                continue
            if record is None:
                unread.append(stored.indexed.seq)  # erased
            else:
                opened.append(record)
        run.opened += len(opened)
        run.erased += len(unread) - unopened
        run.unopened += unopened
        for seq in unread:
            run.counted = run.counted.unread(seq)
        return opened

    def _observe(self, record: Opened, block: StoredBlock, run: Run) -> None:
        event = record.event
        run.counted = run.counted.observed(event)
        keys = self._keys()
        for digest in dict.fromkeys(event.details.digests):  # two parts may name one document
            place = f"{event.seq} {block.first_seq} {event.event_id}"
            run.documents[document_key(keys.index_key, digest)].append(place)
        if event.portal != OWN_PORTAL:
            found = run.detector.observe(event)
            run.findings += ((finding, block.first_seq) for finding in found)

    def _commit(self, run: Run, next_seq: int) -> None:
        """Put documents and findings, tell of what is new, and move cursor and states."""
        claimed = self.views.claim(run.cursor)
        at_once(partial(self._add_places, claimed), list(run.documents.items()))
        keys, origin, number = self._keys(), self.ledger.origin, claimed.findings
        for finding, first_seq in run.findings:
            one = kept(finding, first_seq, self.directory)
            sealed = seal_finding(one, keys.ledger_keys, origin, claimed.generation, number)
            self.views.put_finding(claimed, number, sealed)
            number += 1
        new = [f.public() for f, _ in run.findings if f.entries[-1] >= claimed.announced]
        if new:
            self.announce(new)
        run.cursor = self.views.commit(
            claimed,
            next_seq=next_seq,
            announced=max(next_seq, claimed.announced),
            findings=number,
            states=self._states(run),
        )
        run.found += len(run.findings)
        run.documents.clear()
        run.findings.clear()
        run.since_commit = 0

    def _add_places(self, claimed: FollowerCursor, document: tuple[str, list[str]]) -> None:
        self.views.add_places(claimed, *document)

    def _states(self, run: Run) -> Mapping[str, bytes]:
        plain = {RULE + name: state for name, state in run.detector.states().items()}
        plain[COMPLETENESS] = encode_counted(run.counted)
        not_applicable = run.detector.not_applicable
        plain[RULES] = msgspec.json.encode(
            {
                **{rule.name: None for rule in run.detector.rules},
                **not_applicable,
            }
        )
        keys, origin = self._keys(), self.ledger.origin
        return {
            name: seal_view(state, keys.ledger_keys, origin, name) for name, state in plain.items()
        }

    def _state(self, cursor: FollowerCursor, name: str) -> bytes:
        sealed = self.views.state(cursor, name)
        keys = self._keys()
        return open_view(sealed or b"", keys.ledger_keys, self.ledger.origin, name)

    def _missing(self, state: State) -> tuple[int, int]:
        """Count numbered events that are missing for longer than what is sent may be overtaken.

        And the portals that lack some.
        """
        rows = report(state)
        settled = self.now() - SETTLED_SECONDS
        lacking = [
            *((gap.portal, gap.missing) for gap in rows.gaps if gap.noticed_time < settled),
            *((one.portal, one.forgotten_missing) for one in rows.streams if one.forgotten_missing),
        ]
        return sum(missing for _, missing in lacking), len({portal for portal, _ in lacking})

    def _missing_before(self) -> int:
        try:
            told = self.views.gaps()
        except FormatError:
            return 0
        return told.missing if told is not None else 0

    def _keys(self) -> OpeningKeys:
        if self.ledger.keys is None:
            raise NotFoundError("the ledger has no keys: it has not begun")
        return self.ledger.keys


def _entries(block: StoredBlock) -> tuple[list[StoredEntry], list[int]]:
    """Give a block's events; and which entries are none that can be read: altered."""
    readable, unread = [], []
    for seq in range(block.first_seq, block.size_after):
        try:
            stored = block.entry(seq)
        except LedgerError:
            unread.append(seq)
            continue
        if stored is not None:
            readable.append(stored)
    return readable, unread


def kept(finding: Finding, first_seq: int, directory: Directory) -> KeptFinding:
    """Give a finding as it is kept; `first_seq`: of the block of its last entry."""
    return KeptFinding(
        finding.id,
        finding.rule,
        finding.severity,
        finding.entries,
        finding.event_ids,
        first_seq,
        finding.time_ms,
        finding.ledger_time,
        finding.statement,
        directory.digest.hex()[:16],
    )
