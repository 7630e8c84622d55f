"""Following: new records are opened in ledger order, once published, and what they show is kept.

The cursor and the states of all counters and rules move together; documents and findings are put
before that, and putting them again changes nothing. So a crash anywhere leaves views that the next
run completes, and following from the first entry gives the same once more (see `aws.views`).

Findings are told of before the commit: the bus may hear of one twice and never of none. Their rule
and entries say which are the same.

Records are opened one at a time, in slices that share the look-up of their secrets, and none is
kept once it was looked at: memory holds one, a commit what some records gave, and a run ends in
time behind any record. What cannot be opened or looked at is stepped over and told of: `left_out`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Literal

import msgspec

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.detections import (
    DetectionFinding,
    DetectionSettings,
    Detector,
    Directory,
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
from audit_ledger.http.authorization import OWN_PORTAL
from audit_ledger.ledger.block import MAX_ENTRIES, Block
from audit_ledger.ledger.digest import MAX_MISSING
from audit_ledger.ledger.follower_views import FOLLOWER, FollowerCursor, Gaps
from audit_ledger.ledger.index import StoredEntry
from audit_ledger.reading.concurrent import map_concurrently
from audit_ledger.reading.ledger import ReadableLedger
from audit_ledger.reading.record_opener import OpenedRecord, RecordOpener, UnreadableError
from audit_ledger.reading.snapshot import StoredBlock, read_block
from audit_ledger.records.ledger_keys import LedgerKeyring
from audit_ledger.records.pseudonyms import detection_key, document_key
from audit_ledger.records.sealed_view import MAX_VIEW_BYTES, open_view, seal_view
from audit_ledger.sequence_gaps import CountedState, GapState, decode_counted, encode_within, report
from audit_ledger.views import (
    COMPLETENESS,
    LEFT_OUT,
    RULES,
    SkippedEntries,
    StoredFinding,
    decode_left_out,
    encode_left_out,
    seal_finding,
)
from audit_ledger.views.skipped_entries import Kind
from functions.follower.left_out_findings import finding_of

MAX_EVENTS_PER_COMMIT = 2000
MAX_PLACES_PER_COMMIT = 2000  # of documents; a single event may name as many
MAX_FINDINGS_PER_COMMIT = 200  # a single event may give one of each rule
ENTRIES_PER_SLICE = 32  # whose secrets are looked up together
SETTLED_SECONDS = 15 * 60  # a gap that is older is no event that was only overtaken
MAX_WAITS = 6  # for secrets that are only too new to be found yet: ten seconds, and some
MAX_READS = 5  # of a state that others write at this moment
RULE = "rule "

Anew = Literal["begin", "go on"]

Announce = Callable[[Sequence[PublicFinding]], None]
"""Tell the bus of findings; UnreachableError where it would not listen."""


@dataclass(frozen=True)
class FollowResult:
    """What a run came to. `missing`: numbered events that never came, of gaps that are settled.

    `newly_missing`: of these, how many more than what the publisher was told before, of all portals
    that lack more. `altered`, `unprocessed`: entries of this run that were left out, see
    `left_out`. `stopped`: why it did not get to the end, other than for lack of time.
    """

    next_seq: int
    size: int
    generation: int
    opened: int
    erased: int
    altered: tuple[int, ...]
    unprocessed: tuple[int, ...]
    findings: int
    missing: int
    newly_missing: int
    stopped: str = ""


@dataclass
class RunState:
    """What one run holds in memory until it commits. `next_seq`: the first entry not looked at."""

    cursor: FollowerCursor
    counted: CountedState
    detector: Detector
    left_out: SkippedEntries
    next_seq: int
    documents: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    findings: list[tuple[DetectionFinding, int]] = field(default_factory=list)
    noted: dict[Kind, list[int]] = field(default_factory=lambda: {"altered": [], "unprocessed": []})
    since_commit: int = 0
    opened: int = 0
    erased: int = 0
    altered: list[int] = field(default_factory=list)
    unprocessed: list[int] = field(default_factory=list)
    found: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to commit."""
        return (
            self.since_commit >= MAX_EVENTS_PER_COMMIT
            or sum(map(len, self.documents.values())) >= MAX_PLACES_PER_COMMIT
            or len(self.findings) >= MAX_FINDINGS_PER_COMMIT
        )

    def note(self, kind: Kind, seq: int) -> None:
        """Note that an entry, the one looked at now, is left out."""
        if self.noted[kind][-1:] != [seq]:
            self.noted[kind].append(seq)

    def close(self, time: int, first_seq: int) -> None:
        """Make findings of what was noted, all of one block: its time, its first entry."""
        for kind, entries in self.noted.items():
            if entries:
                self.left_out = self.left_out.with_entries(kind, entries)
                self.findings.append((finding_of(kind, entries, time), first_seq))
                (self.altered if kind == "altered" else self.unprocessed).extend(entries)
        self.noted = {"altered": [], "unprocessed": []}


@dataclass(frozen=True)
class Follower:
    """One ledger's follower. `now`: whole seconds; `wait`: until what is new may be there."""

    ledger: ReadableLedger
    views: ViewsTable
    directory: Directory
    settings: DetectionSettings
    announce: Announce
    now: Callable[[], int]
    wait: Callable[[], None]

    def follow(
        self, size: int, has_time: Callable[[], bool] = lambda: True, *, anew: Anew | None = None
    ) -> FollowResult:
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
        begun = run.next_seq
        time, stopped = 0, ""

        def goes_on() -> bool:  # behind one entry at least, or a run might never get anywhere
            return run.next_seq == begun or has_time()

        # 2. Entry by entry, in ledger order. What cannot be opened yet ends the run; the next one
        # begins with that entry.
        try:
            for stored in self._blocks(begun, size):
                # The blocks have no holes: whoever removed one, or altered it, is told of.
                if not self._stepped_over(stored.first_seq, time, run, goes_on):
                    break
                try:
                    block = read_block(stored)
                except FormatError:
                    after = min(stored.size_after, stored.first_seq + MAX_ENTRIES, size)
                    if not self._stepped_over(after, time, run, goes_on):
                        break
                    continue
                time = block.time
                if not self._followed_whole(block, run, goes_on):
                    break
        except UnreachableError as error:
            stopped = str(error)

        # 3. Keep all of it; and say how many events never came, which time alone may change.
        is_whole = run.next_seq >= size
        if making and is_whole:
            run.counted = run.counted.settled()
        if run.next_seq != run.cursor.next_seq or (making and is_whole):
            self._commit(run)
        if making and is_whole:
            run.cursor = self.views.take_over(run.cursor)
        missing = self._missing(run.counted.state)
        newly_missing = 0
        if not making or is_whole:
            before = self._missing_before()
            newly_missing = sum(max(0, n - before.get(portal, 0)) for portal, n in missing.items())
            left_out = run.left_out
            gaps = Gaps(run.next_seq, missing, left_out.altered, left_out.first_altered)
            self.views.put_gaps(run.cursor, gaps)
        return FollowResult(
            run.next_seq,
            size,
            run.cursor.generation,
            run.opened,
            run.erased,
            tuple(run.altered),
            tuple(run.unprocessed),
            run.found,
            sum(missing.values()),
            newly_missing,
            stopped,
        )

    def _resumed(self, cursor: FollowerCursor) -> RunState:
        marked = partial(detection_key, self._keys().index_key)
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
            counted = self._counted_before() if cursor.item != FOLLOWER else CountedState()
        left_out = SkippedEntries()
        if LEFT_OUT in cursor.states:
            left_out = decode_left_out(self._state(cursor, LEFT_OUT))
        return RunState(cursor, counted, detector, left_out, cursor.next_seq)

    def _counted_before(self) -> CountedState:
        """Begin to count anew beside what is read; alone where that is none, or cannot be read."""
        for _ in range(MAX_READS):
            live = self.views.cursor()
            if COMPLETENESS not in live.states:
                return CountedState()
            try:
                before = decode_counted(self._state(live, COMPLETENESS))
            except LostRaceError:
                continue  # it is followed at this moment
            except (FormatError, VerificationError):
                return CountedState()
            return CountedState(before=before.state, before_seq=live.next_seq)
        raise LostRaceError("what is read moves on all the time")

    def _blocks(self, seq: int, size: int) -> Iterator[Block]:
        """Return the blocks from the one that an entry is in on, in order, below `size` entries."""
        blocks = self.ledger.blocks
        holds = blocks.ending_before(seq + 1)
        first = seq if holds is None or holds.size_after <= seq else holds.first_seq
        return takewhile(lambda block: block.first_seq < size, blocks.since(first))

    def _stepped_over(
        self, until: int, time: int, run: RunState, goes_on: Callable[[], bool]
    ) -> bool:
        """Leave out all entries before `until`; false where time is up before."""
        while run.next_seq < until:
            if not goes_on():
                return False
            first, last = run.next_seq, min(until, run.next_seq + MAX_ENTRIES)
            for seq in range(first, last):
                run.note("altered", seq)
                run.counted = run.counted.unread(seq)
            run.next_seq = last
            run.since_commit += last - first
            run.close(time, first)
            if run.is_full:
                self._commit(run)
        return True

    def _followed_whole(
        self, block: StoredBlock, run: RunState, goes_on: Callable[[], bool]
    ) -> bool:
        """Follow a block from where the run stands; false where time is up before its end.

        A secret that is only too new to be found yet is waited for; UnreachableError where that
        takes too long.
        """
        waits = 0
        try:
            while run.next_seq < block.size_after:
                last = min(run.next_seq + ENTRIES_PER_SLICE, block.size_after)
                entries = [_entry(block, seq) for seq in range(run.next_seq, last)]
                opener = RecordOpener(self.ledger, self.now())
                opener.look_up(stored for stored in entries if isinstance(stored, StoredEntry))
                for stored in entries:
                    if not goes_on():
                        return False
                    try:
                        self._follow_entry(stored, block, opener, run)
                    except UnreachableError:
                        if waits == MAX_WAITS:
                            raise
                        waits += 1
                        self.wait()
                        break  # and look for its secret again
                    run.next_seq += 1
                    run.since_commit += 1
                    if run.is_full:
                        run.close(block.time, block.first_seq)
                        self._commit(run)
        finally:
            run.close(block.time, block.first_seq)
        return True

    def _follow_entry(
        self,
        stored: StoredEntry | LedgerError | None,
        block: StoredBlock,
        opener: RecordOpener,
        run: RunState,
    ) -> None:
        """Open the entry where the run stands and look at it, or step over it.

        UnreachableError where it cannot be opened yet.
        """
        seq = run.next_seq
        record: OpenedRecord | None = None
        if stored is None:
            return  # a control entry
        try:
            if isinstance(stored, LedgerError):
                raise stored
            record = opener.open(stored)
        except UnreachableError:
            raise
        except UnreadableError:
            run.note("unprocessed", seq)
        except LedgerError:
            run.note("altered", seq)
        else:
            run.erased += record is None
        if record is None:
            run.counted = run.counted.unread(seq)
            return
        run.opened += 1
        self._observe(record, block, run)

    def _observe(self, record: OpenedRecord, block: StoredBlock, run: RunState) -> None:
        event, seq = record.event, record.event.seq
        try:
            run.counted = run.counted.observed(event)
        except Exception:  # noqa: BLE001  one accepted event must stop nothing: it is told of
            run.counted = run.counted.unread(seq)
            run.note("unprocessed", seq)
        keys = self._keys()
        for digest in dict.fromkeys(event.details.digests):  # two parts may name one document
            place = f"{event.seq} {block.first_seq} {event.event_id}"
            run.documents[document_key(keys.index_key, digest)].append(place)
        if event.portal == OWN_PORTAL:
            return
        try:
            found = run.detector.observe(event, lambda _: run.note("unprocessed", seq))
        except Exception:  # noqa: BLE001  likewise, before any rule looked at it
            run.note("unprocessed", seq)
            return
        run.findings += ((finding, block.first_seq) for finding in found)

    def _commit(self, run: RunState) -> None:
        """Put documents and findings, tell of what is new, and move cursor and states."""
        claimed = self.views.claim(run.cursor)
        map_concurrently(partial(self._add_places, claimed), list(run.documents.items()))
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
            next_seq=run.next_seq,
            announced=max(run.next_seq, claimed.announced),
            findings=number,
            states=self._states(run),
        )
        run.found += len(run.findings)
        run.documents.clear()
        run.findings.clear()
        run.since_commit = 0

    def _add_places(self, claimed: FollowerCursor, document: tuple[str, list[str]]) -> None:
        self.views.add_places(claimed, *document)

    def _states(self, run: RunState) -> Mapping[str, bytes]:
        plain = {RULE + name: state for name, state in run.detector.states().items()}
        run.counted, plain[COMPLETENESS] = encode_within(run.counted, MAX_VIEW_BYTES)
        plain[LEFT_OUT] = encode_left_out(run.left_out)
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

    def _missing(self, state: GapState) -> dict[str, int]:
        """Count numbered events that are missing for longer than what is sent may be overtaken.

        By portal, of those that lack some: whatever numbers one claims, it says nothing of others.
        """
        rows = report(state)
        settled = self.now() - SETTLED_SECONDS
        missing: defaultdict[str, int] = defaultdict(int)
        for gap in rows.gaps:
            if gap.noticed_time < settled:
                missing[gap.portal] += gap.missing_events
        for one in rows.streams:
            missing[one.portal] += one.forgotten_missing
        return {portal: min(n, MAX_MISSING) for portal, n in sorted(missing.items()) if n}

    def _missing_before(self) -> Mapping[str, int]:
        try:
            told = self.views.gaps()
        except FormatError:
            return {}
        return told.missing if told is not None else {}

    def _keys(self) -> LedgerKeyring:
        if self.ledger.keys is None:
            raise NotFoundError("the ledger has no keys: it has not begun")
        return self.ledger.keys


def _entry(block: StoredBlock, seq: int) -> StoredEntry | LedgerError | None:
    """Return an event's entry, or why it cannot be read: altered. None: a control entry."""
    try:
        return block.entry(seq)
    except LedgerError as error:
        return error


def kept(finding: DetectionFinding, first_seq: int, directory: Directory) -> StoredFinding:
    """Return a finding as it is kept; `first_seq`: of the block of its last entry."""
    return StoredFinding(
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
