"""Index file: the covers of a published size with the partial run of each key, as one object.

    audit-ledger/index/v1 ⏎
    for each of patient, agent, time:  u32 length ‖ cover
    for each of patient, agent, time:  u32 length ‖ object of the partial run; empty without one

Integers are big-endian. Other runs are objects of their own. Both are named after the hash that a
digest states or a cover contains, so that they are put if absent and never change.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from audit_ledger.errors import FormatError
from audit_ledger.runs.cover import CoveredRun, cover_hash, encode_cover, index_hash, parse_cover
from audit_ledger.runs.run_id import KEYS, Key

_MAGIC = b"audit-ledger/index/v1\n"
_U32 = struct.Struct(">I")


@dataclass(frozen=True)
class IndexFile:
    """The index of a ledger at one size.

    `covers`: by key; `partial_runs`: the objects of the runs that end each cover, empty if `size`
    is a multiple of the entries of a run.
    """

    size: int
    covers: Mapping[Key, tuple[CoveredRun, ...]]
    partial_runs: Mapping[Key, bytes]

    def hash(self, origin: str) -> bytes:
        """Return the hash that the digest states: 32 bytes."""
        return index_hash(
            {key: cover_hash(origin, key, encode_cover(self.covers[key])) for key in KEYS}
        )

    def to_bytes(self) -> bytes:
        """Return the bytes of the object."""
        parts = [encode_cover(self.covers[key]) for key in KEYS]
        parts += [self.partial_runs[key] for key in KEYS]
        return _MAGIC + b"".join(_U32.pack(len(part)) + part for part in parts)


def parse_index_file(data: bytes, size: int) -> IndexFile:
    """Read the index file of a size; raise FormatError for anything else.

    The partial runs are not read: only whether there is one for each key or none.
    """
    if not data.startswith(_MAGIC):
        raise FormatError("index file: begins differently")
    parts, position = [], len(_MAGIC)
    for _ in range(2 * len(KEYS)):
        start = position + _U32.size
        if start > len(data):
            raise FormatError("index file: ends early")
        position = start + _U32.unpack_from(data, position)[0]
        parts.append(data[start:position])
    if position != len(data):
        raise FormatError("index file: not as long as its parts")
    covers = dict(zip(KEYS, (parse_cover(part, size) for part in parts[: len(KEYS)]), strict=True))
    partial_runs = dict(zip(KEYS, parts[len(KEYS) :], strict=True))
    for key in KEYS:
        ends_partial = bool(covers[key]) and covers[key][-1].coverage.is_partial
        if ends_partial != bool(partial_runs[key]):
            raise FormatError(f"index file: {key}: not the partial run that its cover ends with")
    return IndexFile(size, covers, partial_runs)


def index_file_path(size: int, index: bytes) -> str:
    """Return the path of an index file below its ledger's prefix. `index`: its hash."""
    return f"indexes/{size:020}-{index[:8].hex()}"


def run_path(key: Key, run: CoveredRun) -> str:
    """Return the path of a run that is not partial, below its ledger's prefix."""
    return f"runs/{key}/{run.coverage.level}/{run.coverage.n:016}-{run.root[:8].hex()}"
