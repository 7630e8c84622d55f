"""Random rows of a small ledger, and its runs built and merged as publisher and indexer do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

from hypothesis import strategies as st

from audit_ledger.records.index_row import FIRST_MS, LAST_MS, IndexRow
from audit_ledger.runs.build import RunRows
from audit_ledger.runs.cover import CoveredRun, next_merge, plan_cover
from audit_ledger.runs.keyed_run import KeyedRun
from audit_ledger.runs.merge import merge_keyed_runs, merge_time_runs
from audit_ledger.runs.run_id import KEYS, Coverage, Key, RunId
from audit_ledger.runs.run_row import Locator
from audit_ledger.runs.time_run import TimeRun

ORIGIN = "audit.example.org/runs"
# Many share their first bits, and some only the bits of a high level.
PSEUDONYMS = [
    bytes([first, second]) + bytes(13) + bytes([last])
    for first in (0, 7, 255)
    for second in (0, 1, 128)
    for last in (0, 9)
]

_times = st.one_of(
    st.integers(0, 20), st.sampled_from([FIRST_MS, -1, 0, LAST_MS]), st.integers(FIRST_MS, LAST_MS)
)
_persons = st.sampled_from(PSEUDONYMS)


@st.composite
def index_rows(draw: st.DrawFn) -> IndexRow | None:
    """Return the row of an entry; None for a control entry."""
    if draw(st.integers(0, 9)) == 0:
        return None
    return IndexRow(
        event_id="0" * 64,
        time_ms=draw(_times),
        patient=draw(st.none() | _persons),
        agents=tuple(draw(st.lists(_persons, max_size=3))),
        fingerprint=bytes(32),
        generation=2026000,
    )


def locator(seq: int) -> Locator:
    """Return a locator that is different for each entry."""
    return Locator(seq - seq % 3, seq.to_bytes(8, "big"), seq * 7, seq + 1)


def reader(data: bytes) -> Callable[[int, int], bytes]:
    """Return a reader of ranges."""
    return lambda start, end: data[start:end]


@dataclass
class Runs:
    """All runs of a ledger: `objects` and `roots` by key and coverage."""

    objects: dict[tuple[Key, Coverage], bytes]
    roots: dict[tuple[Key, Coverage], bytes]
    merged: set[Coverage]
    size: int

    def keyed(self, key: Key, coverage: Coverage) -> KeyedRun:
        """Return a reader of a keyed run."""
        return KeyedRun(RunId(ORIGIN, key, coverage), reader(self.objects[key, coverage]))

    def cover(self, key: Key) -> list[CoveredRun]:
        """Return the cover of all entries."""
        return [CoveredRun(c, self.roots[key, c]) for c in plan_cover(self.size, self.merged)]


def make_runs(rows: Sequence[IndexRow | None], merges: int) -> Runs:
    """Build the runs of level 0 and the partial one, then merge `merges` times."""
    runs = Runs({}, {}, set(), len(rows))
    for coverage in plan_cover(len(rows), ()):
        batch = RunRows()
        for seq in range(coverage.first, coverage.end):
            row = rows[seq]
            if row is not None:
                batch.add(seq, row, locator(seq))
        for key, run in batch.build(ORIGIN, coverage).items():
            runs.objects[key, coverage], runs.roots[key, coverage] = run.data, run.root
    for _ in range(merges):
        if (next_ := next_merge(len(rows), runs.merged)) is not None:
            merge(runs, next_)
    return runs


def merge(runs: Runs, coverage: Coverage) -> None:
    """Merge the parts of a run, for every key."""
    for key in KEYS:
        run = RunId(ORIGIN, key, coverage)
        out = BytesIO()
        if key == "time":
            times = [TimeRun(reader(runs.objects[key, part])) for part in coverage.parts()]
            root = merge_time_runs(run, times, out)
        else:
            keyed = [runs.keyed(key, part) for part in coverage.parts()]
            root = merge_keyed_runs(run, keyed, out)
        runs.objects[key, coverage], runs.roots[key, coverage] = out.getvalue(), root
    runs.merged.add(coverage)
