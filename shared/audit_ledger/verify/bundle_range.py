"""A range of entry bundles and their level 0 tiles, read and checked against each other.

Most of the time is spent here, so worker processes check the ranges: everything in this module can
be pickled and does not depend on the tree above. If bundle and tile disagree, `tree.py` decides
which is right, by the hash in the tile above.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby, takewhile

from audit_ledger.errors import FormatError
from audit_ledger.instants import format_instant
from audit_ledger.ledger.entry import parse_entry
from audit_ledger.tlog.compact_range import CompactRange
from audit_ledger.tlog.rfc6962 import HASH_SIZE, leaf_hashes
from audit_ledger.tlog.tiles import TILE_WIDTH, EntryBundle, Tile, split_hashes, subtree_root
from audit_ledger.verify.bundle_fast_path import check_event_bundle
from audit_ledger.verify.entry_checks import BEGINNING, UNKNOWN, Link, check_entries
from audit_ledger.verify.findings import Finding, FindingCode, Findings
from audit_ledger.verify.partial_tiles import read_full_instead, start_of_bundle
from audit_ledger.verify.sources import ReadOutcome, Source, read_many

_MAX_FINDINGS = 50  # of one range


@dataclass(frozen=True)
class Version:
    """The leaf hashes of a bundle according to its entries, or according to its tile.

    `root`: the subtree's Merkle tree hash. `prefixes`: compact range hashes of the first leaves,
    for each requested size that ends within the bundle. `findings`: what is wrong with the other
    of the two if this one is right.
    """

    root: bytes
    prefixes: dict[int, tuple[bytes, ...]]
    findings: tuple[Finding, ...] = ()


@dataclass
class RangeResult:
    """The result of checking a range of bundles.

    `versions` has for each bundle its possible leaf hashes: one where entries and tile agree (or
    one of them is all there is), two where they disagree (entries' first), none where nothing is
    known. `first_prev`, `first_time`: what the range's first entry claims of the one before, None
    where it cannot be read; `link`: what the entry after the range must link to. `controls`:
    indexes of control entries, but of those in `uncounted` bundles, which were not all read.
    """

    first_bundle: int
    end_bundle: int
    versions: list[tuple[Version, ...]] = field(default_factory=list)
    first_prev: bytes | None = None
    first_time: bytes = b""
    link: Link = UNKNOWN
    controls: list[int] = field(default_factory=list)
    uncounted: list[int] = field(default_factory=list)
    findings: Findings = field(default_factory=lambda: Findings(_MAX_FINDINGS))
    objects_read: int = 0
    unreachable: bool = False


@dataclass(frozen=True)
class RangeTask:
    """Bundles [first_bundle, end_bundle) of a log of `size` entries.

    `sizes`: the sizes, in order, at which roots are computed. `origin`: of the ledger whose
    entries these are; None for a log of anything else, of which only the hashes are checked.
    """

    source: Source
    size: int
    first_bundle: int
    end_bundle: int
    sizes: tuple[int, ...]
    origin: str | None


def check_range(task: RangeTask) -> RangeResult:
    """Read and check a range. No published object can cause an error."""
    result = RangeResult(task.first_bundle, task.end_bundle)
    result.link = BEGINNING if task.first_bundle == 0 else UNKNOWN
    bundles = [_Bundle(task, result, i) for i in range(task.first_bundle, task.end_bundle)]
    outcomes = read_many(task.source, [path for b in bundles for path in b.paths])
    for bundle in bundles:
        bundle.check(next(outcomes), next(outcomes))
    return result


class _Bundle:
    """One bundle and its tile."""

    def __init__(self, task: RangeTask, result: RangeResult, index: int) -> None:
        self.task = task
        self.result = result
        self.first = TILE_WIDTH * index
        self.width = min(TILE_WIDTH, task.size - self.first)
        self.last = self.first + self.width - 1
        self.bundle = EntryBundle(index, self.width)
        self.tile = Tile(0, index, self.width)
        self.paths = (self.bundle.path, self.tile.path)

    def check(self, bundle: ReadOutcome, tile: ReadOutcome) -> None:
        """Compare entries and tile, check the entries, and add both to the result."""
        data = self._bytes(bundle, self.bundle)
        tile_data = self._bytes(tile, self.tile)
        if data is not None and tile_data is not None and self._is_perfect(data, tile_data):
            return
        hashes = None if tile_data is None else self._tile_hashes(tile_data)
        if data is None:
            self.result.uncounted.append(self.bundle.index)
            self.result.link = Link((hashes[-1],) if hashes else (), self.result.link.time)
            self._note_versions([], hashes or [])
            return
        entries, rest_bytes = start_of_bundle(data, self.width)
        leaves = leaf_hashes(entries)
        if rest_bytes or len(entries) < self.width:
            self._report_malformed(data, leaves, hashes or [])
        if self.task.origin is not None:
            self._check_entries(entries, leaves, hashes, self.task.origin)
        # Where entries are missing at the end, only the tile can stand for the bundle.
        self._note_versions(leaves if len(entries) == self.width else [], hashes or [])

    def _is_perfect(self, data: bytes, tile_data: bytes) -> bool:
        """Check the bundle by the fast path, which succeeds for almost every bundle."""
        if self.task.origin is None or self.first == 0:
            return False
        events = check_event_bundle(data, self.first, self.width)
        if events is None or b"".join(events.leaves) != tile_data:
            return False
        result, link = self.result, self.result.link
        if (link.prevs and events.first_prev not in link.prevs) or events.first_time < link.time:
            return False
        if self.bundle.index == result.first_bundle:
            result.first_prev, result.first_time = events.first_prev, events.first_time
        result.link = Link((events.leaves[-1],), events.last_time)
        result.versions.append((self._version(events.leaves),))
        return True

    def _bytes(self, outcome: ReadOutcome, of: EntryBundle | Tile) -> bytes | None:
        """Return the bytes of what was read; a partial object that is gone may be full by now."""
        full_instead: ReadOutcome | FormatError = outcome
        if outcome is None and not of.is_full:
            full_instead = read_full_instead(self.task.source, of)
        return self._bytes_or_report(full_instead, of)

    def _bytes_or_report(
        self, outcome: ReadOutcome | FormatError, of: EntryBundle | Tile
    ) -> bytes | None:
        if isinstance(outcome, bytes):
            self.result.objects_read += 1
            return outcome
        if isinstance(outcome, FormatError):
            self.result.objects_read += 1
            code = (
                FindingCode.TILE_MALFORMED if isinstance(of, Tile) else FindingCode.BUNDLE_MALFORMED
            )
            full = replace(of, width=TILE_WIDTH)
            self._report(code, full.path, (self.first, self.last), str(outcome))
            return None
        if outcome is None:
            self._report(
                FindingCode.MISSING, of.path, (self.first, self.last), f"{of.path} is missing"
            )
            return None
        self.result.unreachable = True
        self._report(FindingCode.UNREACHABLE, of.path, (self.first, self.last), str(outcome))
        return None

    def _tile_hashes(self, data: bytes) -> list[bytes] | None:
        """Return a tile's hashes; None if their number is wrong."""
        expected_bytes = HASH_SIZE * self.width
        if len(data) == expected_bytes:
            return split_hashes(data)
        whole = min(len(data) // HASH_SIZE, self.width - 1)
        path = self.tile.path
        message = f"{path}: {len(data)} bytes, expected {expected_bytes}"
        self._report(FindingCode.TILE_MALFORMED, path, (self.first + whole, self.last), message)
        return None

    def _report_malformed(self, data: bytes, leaves: list[bytes], hashes: list[bytes]) -> None:
        """Report a malformed bundle, from the first entry on that differs from its tile."""
        path = self.bundle.path
        if len(leaves) == self.width:
            message = f"{path}: {len(data)} bytes, more than its {self.width} entries"
            self._report(FindingCode.BUNDLE_MALFORMED, path, (self.last, self.last), message)
            return
        agreeing = takewhile(_are_equal, zip(leaves, hashes, strict=False))
        intact = sum(1 for _ in agreeing) if hashes else len(leaves)
        cut = self.first + intact
        message = f"{path}: {len(data)} bytes, cut short or damaged from entry {cut} on"
        self._report(FindingCode.BUNDLE_MALFORMED, path, (cut, self.last), message)

    def _check_entries(
        self, entries: list[bytes], leaves: list[bytes], hashes: list[bytes] | None, origin: str
    ) -> None:
        result = self.result
        if self.bundle.index == result.first_bundle and entries:
            self._note_claim(entries[0])
        findings, controls, link = check_entries(
            entries,
            leaves,
            tile=hashes,
            first=self.first,
            link=result.link,
            origin=origin,
            where=self.bundle.path,
        )
        result.findings.add_all(findings)
        result.controls += controls
        is_all_known = len(entries) == self.width and (hashes is None or leaves == hashes)
        if not is_all_known or any(f.code is FindingCode.ENTRY_MALFORMED for f in findings):
            result.uncounted.append(self.bundle.index)
        if len(entries) < self.width:
            link = Link((hashes[-1],) if hashes else (), link.time)
        result.link = link

    def _note_claim(self, data: bytes) -> None:
        """Note the link of the range's first entry, to compare it with the range before."""
        try:
            entry = parse_entry(data)
        except FormatError:
            return  # reported with the entry
        self.result.first_prev = entry.prev
        self.result.first_time = format_instant(entry.time).encode()

    def _note_versions(self, leaves: list[bytes], hashes: list[bytes]) -> None:
        """Note the bundle's possible leaf hashes: by its entries, by its tile."""
        if not leaves or not hashes or leaves == hashes:
            known = leaves or hashes
            self.result.versions.append((self._version(known),) if known else ())
            return
        pairs = zip(leaves, hashes, strict=True)
        runs = list(_runs(i for i, pair in enumerate(pairs, self.first) if not _are_equal(pair)))
        by_entries = tuple(
            self._finding(
                FindingCode.TILE_ALTERED, self.tile.path, run, "hashes are not of its entries"
            )
            for run in runs
        )
        by_tile = tuple(
            self._finding(
                FindingCode.ENTRY_ALTERED, self.bundle.path, run, "altered after it was signed"
            )
            for run in runs
        )
        self.result.versions.append(
            (self._version(leaves, by_entries), self._version(hashes, by_tile))
        )

    def _version(self, leaves: list[bytes], findings: tuple[Finding, ...] = ()) -> Version:
        prefixes: dict[int, tuple[bytes, ...]] = {}
        sizes = self.task.sizes
        end = self.last + 1 if self.tile.is_full else self.last + 2  # root's own size too
        if within := sizes[bisect_right(sizes, self.first) : bisect_left(sizes, end)]:
            tree = CompactRange()
            for size in within:
                tree.extend(leaves[tree.size : size - self.first])
                prefixes[size] = tree.hashes
        return Version(subtree_root(leaves), prefixes, findings)

    def _finding(self, code: FindingCode, where: str, run: tuple[int, int], what: str) -> Finding:
        which = f"entry {run[0]}" if run[0] == run[1] else f"entries {run[0]} to {run[1]}"
        return Finding(code, where, run, f"{where}: {which}: {what}")

    def _report(
        self, code: FindingCode, where: str, entries: tuple[int, int], message: str
    ) -> None:
        self.result.findings.add(Finding(code, where, entries, message))


def _are_equal(pair: tuple[bytes, bytes]) -> bool:
    return pair[0] == pair[1]


def _runs(indexes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Return first and last of each run of consecutive numbers."""
    for _, group in groupby(enumerate(indexes), key=lambda numbered: numbered[1] - numbered[0]):
        run = [index for _, index in group]
        yield run[0], run[-1]
