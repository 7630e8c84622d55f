"""The whole tree in one pass: entries, tiles of every level, and the roots at requested sizes.

Each level is recomputed from the one below and compared with what is published there. Where they
disagree, the hash in the tile above shows which of the two is right, so that one altered byte is
one finding, at its place, and not a difference in every tile above it.

Memory: one tile of hashes for each level, and the requested roots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from audit_ledger.errors import FormatError
from audit_ledger.tlog.compact_range import CompactRange
from audit_ledger.tlog.rfc6962 import EMPTY_ROOT, HASH_SIZE
from audit_ledger.tlog.tiles import TILE_WIDTH, EntryBundle, Tile, split_hashes, subtree_root
from audit_ledger.verify.bundle_range import RangeResult, Version
from audit_ledger.verify.findings import Finding, FindingCode, Findings
from audit_ledger.verify.partial_tiles import read_object
from audit_ledger.verify.sources import Source


@dataclass
class TreeResult:
    """The result of verifying the entries and tiles of a log.

    `roots`: by requested size; None if an object that it depends on is missing.
    `controls`: indexes of control entries, in order, but for those in `uncounted` bundles and
    from entry `looked_at` on. `last_time`: of the last entry, as written, empty where unknown.
    """

    roots: dict[int, bytes | None] = field(default_factory=dict)
    controls: list[int] = field(default_factory=list)
    uncounted: list[int] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    looked_at: int = 0
    last_time: bytes = b""


class Tree:
    """Takes ranges in order and builds the levels above them.

    `root_sizes`: the sizes at which roots are computed, the log's own among them. `expected_root`:
    of the whole log; it decides about a partial bundle, above which there is no tile.
    """

    def __init__(
        self, source: Source, size: int, root_sizes: Sequence[int], expected_root: bytes | None
    ) -> None:
        self.result = TreeResult(roots=dict.fromkeys(root_sizes))
        self._source = source
        self._size = size
        self._expected_root = expected_root
        self._before: RangeResult | None = None
        self._bundles: list[tuple[Version, ...]] = []  # full ones below an unfinished level 1 tile
        self._last: tuple[Version, ...] = ()  # of the partial bundle at the right edge
        self._levels: dict[int, list[bytes | None]] = {}
        self._counts: dict[int, int] = {}  # tiles closed, by level
        self._full: CompactRange | None = CompactRange()  # over the roots of full bundles

    def add_range(self, result: RangeResult) -> None:
        """Take the next range: its findings, its link to the one before, its bundles."""
        total = self.result
        total.findings.add_all(result.findings)
        total.controls += result.controls
        total.uncounted += result.uncounted
        total.looked_at = min(self._size, result.end_bundle * TILE_WIDTH)
        total.last_time = result.link.time or total.last_time
        self._check_link(result)
        self._before = result
        for index, versions in enumerate(result.versions, result.first_bundle):
            if (index + 1) * TILE_WIDTH > self._size:
                self._last = versions
                continue
            self._bundles.append(versions)
            if len(self._bundles) == TILE_WIDTH:
                self._close_bundles(TILE_WIDTH)

    def give_up(self) -> None:
        """Report that the rest is not verified, because many reads in a row failed."""
        rest = (self.result.looked_at, self._size - 1)
        message = f"entries {rest[0]} to {rest[1]} not looked at: nothing could be read for long"
        self._report(FindingCode.UNREACHABLE, "tile/entries", rest, message)

    def close(self) -> None:
        """Finish the right edge: partial tiles of all levels, and the roots."""
        if self._bundles:
            self._close_bundles(len(self._bundles))
        level = 1
        while level in self._levels:
            if self._levels[level]:
                self._close_tile(level)
            level += 1
        self._note_root_of_all()

    def _check_link(self, result: RangeResult) -> None:
        """Check that the first entry of a range links to the last of the range before."""
        if self._before is None or result.first_prev is None:
            return
        link, index = self._before.link, result.first_bundle * TILE_WIDTH
        where = EntryBundle(result.first_bundle, min(TILE_WIDTH, self._size - index)).path
        if link.prevs and result.first_prev not in link.prevs:
            message = f"entry {index}: prev is not the hash of the entry before"
            self._report(FindingCode.LINK_BROKEN, where, (index, index), message)
        if result.first_time < link.time:
            message = f"entry {index}: its time is before that of the entry before"
            self._report(FindingCode.TIME_BACKWARDS, where, (index, index), message)

    def _close_bundles(self, width: int) -> None:
        """Settle the bundles below one level 1 tile: decide disputes by it, compare, note roots."""
        index = self._counts.get(1, 0)
        tile = Tile(1, index, width)
        above = self._read_hashes(tile)
        roots: list[bytes | None] = []
        for place, versions in enumerate(self._bundles):
            bundle = TILE_WIDTH * index + place
            version = self._decide(versions, above[place] if above else None)
            root = version.root if version else (above[place] if above else None)
            self._note_roots(bundle, root, version)
            roots.append(root)
        self._bundles = []
        self._compare(tile, roots, above)
        self._raise(1, roots)

    def _raise(self, level: int, hashes: list[bytes | None]) -> None:
        """Put hashes that were compared into their level, and full tiles into the level above."""
        self._levels[level] = hashes
        if len(hashes) == TILE_WIDTH:
            self._levels[level] = []
            self._counts[level] = self._counts.get(level, 0) + 1
            above = self._levels.setdefault(level + 1, [])
            above.append(_root(hashes))
            if len(above) == TILE_WIDTH:
                self._close_tile(level + 1)

    def _close_tile(self, level: int) -> None:
        """Compare a tile of level 2 or more with what the tiles below it give."""
        if level == 1:
            return  # compared when its bundles were settled
        hashes = self._levels[level]
        tile = Tile(level, self._counts.get(level, 0), len(hashes))
        above = self._read_hashes(tile)
        if above:
            hashes = [mine or theirs for mine, theirs in zip(hashes, above, strict=True)]
        self._compare(tile, hashes, above)
        self._raise(level, hashes)

    def _decide(self, versions: tuple[Version, ...], above: bytes | None) -> Version | None:
        """Return the version of a bundle that the hash above it confirms, else the first."""
        if len(versions) < 2:
            return versions[0] if versions else None
        version = next((v for v in versions if v.root == above), versions[0])
        if version.root == above or above is None:
            self.result.findings.add_all(version.findings)
        else:  # neither: both were altered
            for other in versions:
                self.result.findings.add_all(other.findings)
        return version

    def _compare(
        self, tile: Tile, mine: Sequence[bytes | None], published: Sequence[bytes] | None
    ) -> None:
        """Report each run of a tile's hashes that do not follow from the level below."""
        if published is None:
            return
        entries_below = TILE_WIDTH**tile.level
        first = tile.index * TILE_WIDTH
        for place, (a, b) in enumerate(zip(mine, published, strict=True), first):
            if a is not None and a != b:
                run = (place * entries_below, (place + 1) * entries_below - 1)
                message = f"{tile.path}: hash {place - first} is not that of the tile below it"
                self._report(FindingCode.TILE_ALTERED, tile.path, run, message)

    def _note_roots(self, bundle: int, root: bytes | None, version: Version | None) -> None:
        """Note the roots at sizes that end within or behind a full bundle."""
        before = self._full
        if before is None:
            return
        if version:
            for size, prefix in version.prefixes.items():
                self._note_root(size, (*before.hashes, *prefix))
        if root is None:
            self._full = None
            return
        before.append(root)
        self._note_root((bundle + 1) * TILE_WIDTH, before.hashes)

    def _note_root(self, size: int, hashes: tuple[bytes, ...]) -> None:
        if size in self.result.roots:
            self.result.roots[size] = CompactRange(size, hashes).root()

    def _note_root_of_all(self) -> None:
        """Note the root of the whole log; the checkpoint decides about a partial bundle."""
        size, before = self._size, self._full
        if 0 in self.result.roots:
            self.result.roots[0] = EMPTY_ROOT
        if size % TILE_WIDTH == 0 or before is None:
            return
        settled = tuple(
            replace(v, root=CompactRange(size, (*before.hashes, *v.prefixes[size])).root())
            for v in self._last
        )
        if version := self._decide(settled, self._expected_root):
            for at, prefix in version.prefixes.items():
                self._note_root(at, (*before.hashes, *prefix))

    def _read_hashes(self, tile: Tile) -> list[bytes] | None:
        """Read a tile of level 1 or more; report it and return None if that is not possible."""
        entries_below = TILE_WIDTH**tile.level
        first = tile.index * TILE_WIDTH * entries_below
        entries = (first, first + tile.width * entries_below - 1)
        data = read_object(self._source, tile)
        if data is None:
            self._report(FindingCode.MISSING, tile.path, entries, f"{tile.path} is missing")
        elif isinstance(data, FormatError):
            full = replace(tile, width=TILE_WIDTH)
            self._report(FindingCode.TILE_MALFORMED, full.path, entries, str(data))
        elif not isinstance(data, bytes):
            self._report(FindingCode.UNREACHABLE, tile.path, entries, str(data))
        elif len(data) != HASH_SIZE * tile.width:
            message = f"{tile.path}: {len(data)} bytes, expected {HASH_SIZE * tile.width}"
            self._report(FindingCode.TILE_MALFORMED, tile.path, entries, message)
        else:
            return split_hashes(data)
        return None

    def _report(
        self, code: FindingCode, where: str, entries: tuple[int, int], message: str
    ) -> None:
        self.result.findings.add(Finding(code, where, entries, message))


def _root(hashes: Sequence[bytes | None]) -> bytes | None:
    known = [hash_ for hash_ in hashes if hash_ is not None]
    return subtree_root(known) if len(known) == len(hashes) else None
