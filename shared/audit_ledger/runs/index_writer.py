"""Index writer: extends the index of a ledger by verified entries, run by run."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from audit_ledger.errors import VerificationError
from audit_ledger.ledger.index import StoredEntry
from audit_ledger.runs.build import RunRows
from audit_ledger.runs.cover import CoveredRun, plan_cover
from audit_ledger.runs.index_file import IndexFile, run_path
from audit_ledger.runs.run_id import KEYS, Coverage, Key, entries_of_level
from audit_ledger.runs.run_row import LOCATOR_HASH_BYTES, Locator

_EMPTY = IndexFile(0, dict.fromkeys(KEYS, ()), dict.fromkeys(KEYS, b""))


@dataclass
class IndexWriter:
    """The index up to `size` entries; it has the rows of the last, partial run in memory."""

    origin: str
    size: int = 0
    _runs: dict[Coverage, dict[Key, bytes]] = field(default_factory=dict)
    _rows: RunRows = field(default_factory=RunRows)

    @classmethod
    def resume(cls, origin: str, file: IndexFile, entries: Iterable[StoredEntry]) -> "IndexWriter":
        """Return the writer at the size of a published index.

        `entries`: the events' entries from `first_partial_entry` on, up to that size. Raise
        VerificationError if they are not those of the partial run.
        """
        runs: dict[Coverage, dict[Key, bytes]] = {}
        for key in KEYS:
            for run in file.covers[key]:
                runs.setdefault(run.coverage, {})[key] = run.root
        writer = cls(origin, file.size, runs)
        writer._add(entries)
        last = file.covers["time"][-1].coverage if file.size else None
        if last is not None and last.is_partial:
            built = writer._rows.build(origin, last)
            if runs.pop(last) != {key: built[key].root for key in KEYS}:
                raise VerificationError(
                    f"the entries from {last.first} to {last.end} are not those of the index"
                )
        return writer

    def extend(self, size: int, entries: Iterable[StoredEntry]) -> Iterator[tuple[str, bytes]]:
        """Add the events' entries up to `size`, in order; yield path and bytes of each full run.

        Entries of the ledger that are not events have no row.
        """
        whole = entries_of_level(0)
        waiting: list[StoredEntry] = list(entries)
        while size // whole > self.size // whole:
            n = self.size // whole
            end = (n + 1) * whole
            self._add(entry for entry in waiting if entry.seq < end)
            waiting = [entry for entry in waiting if entry.seq >= end]
            coverage = Coverage(0, n, end)
            built = self._rows.build(self.origin, coverage)
            for key in KEYS:
                yield run_path(key, CoveredRun(coverage, built[key].root)), built[key].data
            self._runs[coverage] = {key: built[key].root for key in KEYS}
            self._rows = RunRows()
            self.size = end
        self._add(waiting)
        self.size = size

    def file(self) -> IndexFile:
        """Return the index file of the present size."""
        if self.size == 0:
            return _EMPTY
        plan = plan_cover(self.size, ())
        partial: dict[Key, bytes] = dict.fromkeys(KEYS, b"")
        roots = dict(self._runs)
        if plan[-1].is_partial:
            built = self._rows.build(self.origin, plan[-1])
            partial = {key: built[key].data for key in KEYS}
            roots[plan[-1]] = {key: built[key].root for key in KEYS}
        covers = {
            key: tuple(CoveredRun(coverage, roots[coverage][key]) for coverage in plan)
            for key in KEYS
        }
        return IndexFile(self.size, covers, partial)

    def _add(self, entries: Iterable[StoredEntry]) -> None:
        for entry in entries:
            self._rows.add(entry.seq, entry.row, locator_of(entry))


def first_partial_entry(size: int) -> int:
    """Return the first entry of the partial run of a ledger of `size` entries."""
    return size - size % entries_of_level(0)


def locator_of(entry: StoredEntry) -> Locator:
    """Return where the record of an entry is: in its block, until records are objects."""
    return Locator(entry.first_seq, bytes(LOCATOR_HASH_BYTES), entry.seq - entry.first_seq, 0)
