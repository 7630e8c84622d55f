"""Run id: which index rows a run contains.

A run of level L covers the entries from n·R to (n+1)·R, R = 16^(3+L): 4,096 to 16,777,216 of them.
A partial run, of level 0, covers the entries behind the last full one up to a published size.

    run id = u32 length ‖ origin ‖ u32 length ‖ key ‖ u8 level ‖ u64 n ‖ u64 end, big-endian

Every hash of a run begins with its id, so nothing of one run can be shown as part of another.
"""

import struct
from dataclasses import dataclass
from typing import Literal, get_args

from audit_ledger.errors import FormatError
from audit_ledger.tlog.rfc6962 import MAX_SIZE

Key = Literal["patient", "agent", "time"]
KEYS: tuple[Key, ...] = get_args(Key)

FANOUT = 16  # runs of a level that are merged into one of the next: 4 bits of an entry's number
MAX_LEVEL = 3
LEVEL_0_ENTRIES = 4096

_U32 = struct.Struct(">I").pack
_COVERAGE = struct.Struct(">BQQ").pack


def entries_of_level(level: int) -> int:
    """Return how many entries a full run of a level covers."""
    return LEVEL_0_ENTRIES << 4 * level


@dataclass(frozen=True, order=True)
class Coverage:
    """The entries of a run: from `first` up to `end`, which is not among them.

    Raises FormatError unless it is the n-th of its level, whole, or a partial one of level 0.
    """

    level: int
    n: int
    end: int

    def __post_init__(self) -> None:
        """Check level, place and end."""
        if not 0 <= self.level <= MAX_LEVEL:
            raise FormatError(f"run: level {self.level}, expected 0 to {MAX_LEVEL}")
        if not 0 <= self.n <= self.end <= MAX_SIZE:
            raise FormatError("run: place or end is out of range")
        whole = (self.n + 1) * entries_of_level(self.level)
        if self.end != whole and not (self.level == 0 and self.first < self.end < whole):
            raise FormatError(f"run: ends at entry {self.end}, expected {whole}")

    @property
    def first(self) -> int:
        """The first entry."""
        return self.n * entries_of_level(self.level)

    @property
    def is_partial(self) -> bool:
        """Whether later entries belong to the same place."""
        return self.end != (self.n + 1) * entries_of_level(self.level)

    def parts(self) -> list["Coverage"]:
        """Return the 16 runs of the level below that are merged into this one."""
        width = entries_of_level(self.level - 1)
        first = self.n * FANOUT
        return [Coverage(self.level - 1, n, (n + 1) * width) for n in range(first, first + FANOUT)]


@dataclass(frozen=True)
class RunId:
    """A run of one ledger, by one key."""

    origin: str
    key: Key
    coverage: Coverage

    def to_bytes(self) -> bytes:
        """Return the bytes with which every hash of the run begins."""
        coverage = _COVERAGE(self.coverage.level, self.coverage.n, self.coverage.end)
        return length_and_text(self.origin) + length_and_text(self.key) + coverage


def length_and_text(text: str) -> bytes:
    """Return u32 length ‖ UTF-8 bytes."""
    data = text.encode()
    return _U32(len(data)) + data
