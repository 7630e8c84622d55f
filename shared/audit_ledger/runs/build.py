"""Building the runs of level 0 and the partial ones, from committed rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO

from audit_ledger.records.index_row import IndexRow
from audit_ledger.runs.keyed_run import KeyedRunWriter
from audit_ledger.runs.run_id import Coverage, Key, RunId
from audit_ledger.runs.run_row import LocatedRow, Locator
from audit_ledger.runs.time_run import write_time_run


@dataclass(frozen=True)
class BuiltRun:
    """A run's root (32 bytes) and the bytes of its object."""

    root: bytes
    data: bytes


@dataclass
class RunRows:
    """The located rows of the entries of one run, by key; at most 4,096 entries."""

    _patients: dict[bytes, list[bytes]] = field(default_factory=dict)
    _agents: dict[bytes, list[bytes]] = field(default_factory=dict)
    _times: list[bytes] = field(default_factory=list)

    def add(self, seq: int, row: IndexRow, locator: Locator) -> None:
        """Add an event's entry: under its patient, and once under each person who acted."""
        located = LocatedRow(row.time_ms, seq, locator).to_bytes()
        self._times.append(located)
        if row.patient is not None:
            self._patients.setdefault(row.patient, []).append(located)
        for agent in set(row.agents):
            self._agents.setdefault(agent, []).append(located)

    def build(self, origin: str, coverage: Coverage) -> dict[Key, BuiltRun]:
        """Return the run of each key. The rows remain: a longer partial run adds to them."""
        return {
            "patient": _keyed_run(RunId(origin, "patient", coverage), self._patients),
            "agent": _keyed_run(RunId(origin, "agent", coverage), self._agents),
            "time": self._time_run(RunId(origin, "time", coverage)),
        }

    def _time_run(self, run: RunId) -> BuiltRun:
        out = BytesIO()
        self._times.sort()
        root = write_time_run(run, [b"".join(self._times)], len(self._times), out)
        return BuiltRun(root, out.getvalue())


def _keyed_run(run: RunId, groups: Mapping[bytes, list[bytes]]) -> BuiltRun:
    out = BytesIO()
    writer = KeyedRunWriter(run, out)
    for pseudonym in sorted(groups):
        groups[pseudonym].sort()
        writer.add(pseudonym, (b"".join(groups[pseudonym]),))
    root = writer.finish()
    return BuiltRun(root, out.getvalue())
