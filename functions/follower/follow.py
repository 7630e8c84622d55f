"""Follow a ledger: open published records in ledger order, and store views of them.

The cursor and the states of all counters and rules are committed together; documents and findings
are put before that, and putting them again changes nothing. So the next run completes the views
after a crash at any point, and a rebuild from the first entry yields the same (see
`aws.views_table`).

Findings are announced before the commit: the bus may receive one twice but misses none. Rule and
entries identify a finding.

Records are opened one at a time, in slices that share the look-up of their secrets, and are not
retained: memory contains one record and the results since the last commit, and a run can end after
any record. Entries that cannot be opened or processed are skipped and reported.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Literal

import msgspec

from audit_ledger.aws.views_table import ViewsTable
from audit_ledger.detections.detector import Detector, make_rules
from audit_ledger.detections.finding import DetectionFinding, PublicFinding
from audit_ledger.detections.settings import DetectionSettings
from audit_ledger.detections.staff_directory import Directory
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
from audit_ledger.sequence_gaps.counters import CountedState, fit_within, parse_counted_state
from audit_ledger.sequence_gaps.report import gap_report
from audit_ledger.sequence_gaps.state import GapState
from audit_ledger.views.skipped_entries import SkippedEntries, parse_skipped_entries
from audit_ledger.views.state_names import COMPLETENESS, RULES, SKIPPED
from audit_ledger.views.stored_finding import StoredFinding, seal_finding
from functions.follower.run_state import FollowResult, RunState

ENTRIES_PER_SLICE = 32  # whose secrets are looked up together
SETTLED_SECONDS = 15 * 60  # the events of an older gap are missing, not merely overtaken
MAX_WAITS = 6  # for secrets that are too new to be found yet: just over ten seconds
MAX_READS = 5  # of a state that another run is writing
RULE = "rule "

RebuildStep = Literal["begin", "continue"]

Announce = Callable[[Sequence[PublicFinding]], None]
"""Announce findings on the bus; raise UnreachableError if it does not accept them."""


@dataclass(frozen=True)
class Follower:
    """One ledger's follower. `now`: whole seconds; `wait`: until new secrets may be found."""

    ledger: ReadableLedger
    views: ViewsTable
    directory: Directory
    settings: DetectionSettings
    announce: Announce
    now: Callable[[], int]
    wait: Callable[[], None]

    def follow(
        self,
        size: int,
        has_time: Callable[[], bool] = lambda: True,
        *,
        rebuild: RebuildStep | None = None,
    ) -> FollowResult:
        """Follow the ledger up to `size` entries, which are published, or as far as time allows.

        `rebuild`: follow from the first entry into a new generation of views, which replaces the
        current one once it has reached `size`; this may take several runs. Raise LostRaceError if
        another run was faster: it has done the same work.
        """
        # 1. Load the cursor and the states of the last run.
        run = self._resume(
            self.views.cursor() if rebuild is None else self.views.rebuild(begin=rebuild == "begin")
        )
        is_rebuild = run.cursor.item != FOLLOWER  # False if the rebuild has taken over already
        size = max(size, run.counted.before_seq)  # the current views have reached that entry
        begun = run.next_seq
        time, stopped = 0, ""

        def may_continue() -> bool:  # at least one entry per run, so that each makes progress
            return run.next_seq == begun or has_time()

        # 2. Process entry by entry, in ledger order. An entry that cannot be opened yet ends the
        # run; the next run begins with that entry.
        try:
            for stored in self._blocks(begun, size):
                # Blocks have no gaps: report the entries of a removed or altered block.
                if not self._skip_until(stored.first_seq, time, run, may_continue):
                    break
                try:
                    block = read_block(stored)
                except FormatError:
                    after = min(stored.size_after, stored.first_seq + MAX_ENTRIES, size)
                    if not self._skip_until(after, time, run, may_continue):
                        break
                    continue
                time = block.time
                if not self._follow_block(block, run, may_continue):
                    break
        except UnreachableError as error:
            stopped = str(error)

        # 3. Commit the rest, and report the missing events, whose number time alone may change.
        is_whole = run.next_seq >= size
        if is_rebuild and is_whole:
            run.counted = run.counted.rebuilt()
        if run.next_seq != run.cursor.next_seq or (is_rebuild and is_whole):
            self._commit(run)
        if is_rebuild and is_whole:
            run.cursor = self.views.take_over(run.cursor)
        missing = self._missing(run.counted.state)
        newly_missing = 0
        if not is_rebuild or is_whole:
            before = self._missing_before()
            newly_missing = sum(max(0, n - before.get(portal, 0)) for portal, n in missing.items())
            skipped = run.skipped
            gaps = Gaps(run.next_seq, missing, skipped.altered, skipped.first_altered)
            self.views.put_gaps(run.cursor, gaps)
        return FollowResult(
            run.next_seq,
            size,
            run.cursor.generation,
            run.opened,
            run.erased,
            tuple(run.altered),
            tuple(run.unprocessed),
            run.committed_findings,
            sum(missing.values()),
            newly_missing,
            stopped,
        )

    def _resume(self, cursor: FollowerCursor) -> RunState:
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
            counted = parse_counted_state(self._state(cursor, COMPLETENESS))
        else:
            counted = self._counted_before() if cursor.item != FOLLOWER else CountedState()
        skipped = SkippedEntries()
        if SKIPPED in cursor.states:
            skipped = parse_skipped_entries(self._state(cursor, SKIPPED))
        return RunState(cursor, counted, detector, skipped, cursor.next_seq)

    def _counted_before(self) -> CountedState:
        """Return new counts with those of the current views, if there are any and they decode."""
        for _ in range(MAX_READS):
            live = self.views.cursor()
            if COMPLETENESS not in live.states:
                return CountedState()
            try:
                before = parse_counted_state(self._state(live, COMPLETENESS))
            except LostRaceError:
                continue  # another run committed in between
            except (FormatError, VerificationError):
                return CountedState()
            return CountedState(before=before.state, before_seq=live.next_seq)
        raise LostRaceError(f"follower views: changed during each of {MAX_READS} reads")

    def _blocks(self, seq: int, size: int) -> Iterator[Block]:
        """Return the blocks in order, from the one that contains `seq`, below `size` entries."""
        blocks = self.ledger.blocks
        block = blocks.ending_before(seq + 1)
        first = seq if block is None or block.size_after <= seq else block.first_seq
        return takewhile(lambda block: block.first_seq < size, blocks.since(first))

    def _skip_until(
        self, until: int, time: int, run: RunState, may_continue: Callable[[], bool]
    ) -> bool:
        """Leave out all entries before `until`; return False if time runs out before."""
        while run.next_seq < until:
            if not may_continue():
                return False
            first, last = run.next_seq, min(until, run.next_seq + MAX_ENTRIES)
            for seq in range(first, last):
                run.note("altered", seq)
                run.counted = run.counted.with_unread(seq)
            run.next_seq = last
            run.since_commit += last - first
            run.close(time, first)
            if run.is_full:
                self._commit(run)
        return True

    def _follow_block(
        self, block: StoredBlock, run: RunState, may_continue: Callable[[], bool]
    ) -> bool:
        """Follow a block from the run's next entry; return False if time runs out before its end.

        Wait for secrets that are too new to be found yet; raise UnreachableError if that takes too
        long.
        """
        waits = 0
        try:
            while run.next_seq < block.size_after:
                last = min(run.next_seq + ENTRIES_PER_SLICE, block.size_after)
                entries = [_entry(block, seq) for seq in range(run.next_seq, last)]
                opener = RecordOpener(self.ledger, self.now())
                opener.look_up(stored for stored in entries if isinstance(stored, StoredEntry))
                for stored in entries:
                    if not may_continue():
                        return False
                    try:
                        self._follow_entry(stored, block, opener, run)
                    except UnreachableError:
                        if waits == MAX_WAITS:
                            raise
                        waits += 1
                        self.wait()
                        break  # and look up its secret again
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
        """Open and process an entry, or leave it out.

        Raise UnreachableError if it cannot be opened yet.
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
            run.counted = run.counted.with_unread(seq)
            return
        run.opened += 1
        self._observe(record, block, run)

    def _observe(self, record: OpenedRecord, block: StoredBlock, run: RunState) -> None:
        event, seq = record.event, record.event.seq
        try:
            run.counted = run.counted.with_event(event)
        except Exception:  # noqa: BLE001  one accepted event must not stop all: it is reported
            run.counted = run.counted.with_unread(seq)
            run.note("unprocessed", seq)
        keys = self._keys()
        for digest in dict.fromkeys(event.details.digests):  # two parts may name one document
            place = f"{event.seq} {block.first_seq} {event.event_id}"
            run.documents[document_key(keys.index_key, digest)].append(place)
        if event.portal == OWN_PORTAL:
            return
        try:
            findings = run.detector.observe(event, lambda _: run.note("unprocessed", seq))
        except Exception:  # noqa: BLE001  likewise, before any rule observed it
            run.note("unprocessed", seq)
            return
        run.findings += ((finding, block.first_seq) for finding in findings)

    def _commit(self, run: RunState) -> None:
        """Put documents and findings, announce new findings, and commit cursor and states."""
        claimed = self.views.claim(run.cursor)
        map_concurrently(partial(self._add_places, claimed), list(run.documents.items()))
        keys, origin, number = self._keys(), self.ledger.origin, claimed.findings
        for finding, first_seq in run.findings:
            one = stored_finding(finding, first_seq, self.directory)
            sealed = seal_finding(one, keys.ledger_keys, origin, claimed.generation, number)
            self.views.put_finding(claimed, number, sealed)
            number += 1
        unannounced = [f.public() for f, _ in run.findings if f.entries[-1] >= claimed.announced]
        if unannounced:
            self.announce(unannounced)
        run.cursor = self.views.commit(
            claimed,
            next_seq=run.next_seq,
            announced=max(run.next_seq, claimed.announced),
            findings=number,
            states=self._states(run),
        )
        run.committed_findings += len(run.findings)
        run.documents.clear()
        run.findings.clear()
        run.since_commit = 0

    def _add_places(self, claimed: FollowerCursor, document: tuple[str, list[str]]) -> None:
        self.views.add_places(claimed, *document)

    def _states(self, run: RunState) -> Mapping[str, bytes]:
        plain = {RULE + name: state for name, state in run.detector.states().items()}
        run.counted, plain[COMPLETENESS] = fit_within(run.counted, MAX_VIEW_BYTES)
        plain[SKIPPED] = run.skipped.to_bytes()
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
        """Count the missing events of settled gaps, by portal, without portals that lack none.

        The counts are per portal because the numbers that one portal claims say nothing of others.
        """
        rows = gap_report(state)
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
            reported = self.views.gaps()
        except FormatError:
            return {}
        return reported.missing if reported is not None else {}

    def _keys(self) -> LedgerKeyring:
        if self.ledger.keys is None:
            raise NotFoundError("the ledger has no keys: it has no entries yet")
        return self.ledger.keys


def _entry(block: StoredBlock, seq: int) -> StoredEntry | LedgerError | None:
    """Return an event's entry, or the error if it is altered; None for a control entry."""
    try:
        return block.entry(seq)
    except LedgerError as error:
        return error


def stored_finding(
    finding: DetectionFinding, first_seq: int, directory: Directory
) -> StoredFinding:
    """Return a finding as it is stored; `first_seq`: of the block of its last entry."""
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
