"""Cover: the runs of a key that together contain each entry below a size once, in order.

    cover hash = SHA-256("audit-ledger/cover/v1\\n" ‖ u32 length ‖ origin ‖ u32 length ‖ key
                         ‖ for each run: u8 level ‖ u64 n ‖ u64 end ‖ 32 bytes root)
    index hash = SHA-256("audit-ledger/index/v1\\n" ‖ cover hashes of patient, agent and time)

A digest states the index hash, and thereby one answer for every pseudonym.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from audit_ledger.errors import FormatError
from audit_ledger.runs.run_id import (
    KEYS,
    MAX_LEVEL,
    Coverage,
    Key,
    entries_of_level,
    length_and_text,
)
from audit_ledger.tlog.rfc6962 import HASH_SIZE

_COVER = b"audit-ledger/cover/v1\n"
_INDEX = b"audit-ledger/index/v1\n"
_RUN = struct.Struct(">BQQ32s")


@dataclass(frozen=True)
class CoveredRun:
    """A run of a cover, and its root (32 bytes)."""

    coverage: Coverage
    root: bytes


def encode_cover(runs: Sequence[CoveredRun]) -> bytes:
    """Return 49 bytes for each run, in order."""
    return b"".join(
        _RUN.pack(run.coverage.level, run.coverage.n, run.coverage.end, run.root) for run in runs
    )


def parse_cover(data: bytes, size: int) -> tuple[CoveredRun, ...]:
    """Read a cover of `size` entries; FormatError unless its runs contain each once, in order."""
    if len(data) % _RUN.size:
        raise FormatError("cover: ends within a run")
    runs = tuple(
        CoveredRun(Coverage(level, n, end), root) for level, n, end, root in _RUN.iter_unpack(data)
    )
    reached = 0
    for run in runs:
        if run.coverage.first != reached:
            raise FormatError(
                f"cover: a run begins at entry {run.coverage.first}, expected {reached}"
            )
        reached = run.coverage.end
    if reached != size:
        raise FormatError(f"cover: ends at entry {reached}, expected {size}")
    return runs


def cover_hash(origin: str, key: Key, cover: bytes) -> bytes:
    """Return the hash of an encoded cover."""
    return sha256(_COVER + length_and_text(origin) + length_and_text(key) + cover).digest()


def index_hash(cover_hashes: Mapping[Key, bytes]) -> bytes:
    """Return the hash that a digest states, of the covers' hashes (32 bytes each)."""
    hashes = [cover_hashes[key] for key in KEYS]
    if any(len(hash_) != HASH_SIZE for hash_ in hashes):
        raise FormatError(f"index: a hash is not {HASH_SIZE} bytes")
    return sha256(_INDEX + b"".join(hashes)).digest()


def plan_cover(size: int, merged: Collection[Coverage]) -> list[Coverage]:
    """Return the fewest runs that cover `size` entries.

    `merged`: the finished runs of levels above 0. Those of level 0 and the partial run are made
    before every digest.
    """
    cover: list[Coverage] = []
    reached = 0
    while reached < size:
        for level in range(MAX_LEVEL, 0, -1):
            n, begun = divmod(reached, entries_of_level(level))
            whole = (n + 1) * entries_of_level(level)
            if not begun and whole <= size and Coverage(level, n, whole) in merged:
                cover.append(Coverage(level, n, whole))
                break
        else:
            n = reached // entries_of_level(0)
            cover.append(Coverage(0, n, min(size, (n + 1) * entries_of_level(0))))
        reached = cover[-1].end
    return cover


def next_merge(size: int, merged: Collection[Coverage]) -> Coverage | None:
    """Return the first run that can be merged of 16 finished ones, the lowest level first."""
    for level in range(1, MAX_LEVEL + 1):
        for n in range(size // entries_of_level(level)):
            run = Coverage(level, n, (n + 1) * entries_of_level(level))
            if run not in merged and all(part in merged or level == 1 for part in run.parts()):
                return run
    return None
