"""Time run: the rows of all of a run's events by own time, as one object.

    u64 number of rows
    fences    the row (16 bytes) of every 4,096th located row, from the first on
    located rows, ascending

    root = SHA-256("audit-ledger/run-times/v1\\n" ‖ run id ‖ rows in order)

It serves searches by period and proves nothing about one: the hash covers it whole.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO

from audit_ledger.errors import FormatError
from audit_ledger.runs.located_rows import PAGE_ROWS, LocatedRows, ReadRange, read_exactly, rows_of
from audit_ledger.runs.run_id import RunId
from audit_ledger.runs.run_row import LOCATED_BYTES, ROW_BYTES

_LABEL = b"audit-ledger/run-times/v1\n"
_U64 = struct.Struct(">Q")


def write_time_run(run: RunId, chunks: Iterable[bytes], count: int, out: BinaryIO) -> bytes:
    """Write `count` located rows, given in ascending order and in chunks; return the root.

    FormatError unless there are as many. Memory: a chunk, and 16 bytes for each 4,096 rows.
    """
    root = sha256(_LABEL + run.to_bytes())
    fences: list[bytes] = []
    written = 0
    out.seek(_U64.size + _fences(count) * ROW_BYTES)
    for chunk in chunks:
        out.write(chunk)
        rows = rows_of(chunk)
        root.update(rows)
        fences += [
            rows[at : at + ROW_BYTES]
            for at in range(-written % PAGE_ROWS * ROW_BYTES, len(rows), PAGE_ROWS * ROW_BYTES)
        ]
        written += len(rows) // ROW_BYTES
    if written != count:
        raise FormatError(f"run: {written} rows, expected {count}")
    out.seek(0)
    out.write(_U64.pack(count) + b"".join(fences))
    return root.digest()


class TimeRun:
    """Reads a run by ranges; unverified. Raises FormatError where the parts do not fit."""

    def __init__(self, read: ReadRange) -> None:
        self._read = read
        (self.count,) = _U64.unpack(read_exactly(read, 0, _U64.size, "number of rows"))

    def rows(self, first: bytes, last: bytes, *, newest_first: bool) -> Iterator[bytes]:
        """Yield the located rows whose rows (16 bytes) are from `first` to `last`, in order."""
        begin = _U64.size
        end = begin + _fences(self.count) * ROW_BYTES
        data = read_exactly(self._read, begin, end, "fences")
        fences = [data[at : at + ROW_BYTES] for at in range(0, len(data), ROW_BYTES)]
        page = max(0, bisect_right(fences, first) - 1)
        behind = bisect_right(fences, last)
        start = page * PAGE_ROWS
        count = min(behind * PAGE_ROWS, self.count) - start
        if count > 0:
            located = LocatedRows(self._read, end + start * LOCATED_BYTES, count)
            yield from located.between(first, last, newest_first=newest_first)

    def pages(self) -> Iterator[bytes]:
        """Yield all located rows, page by page."""
        start = _U64.size + _fences(self.count) * ROW_BYTES
        return LocatedRows(self._read, start, self.count).pages()


def _fences(count: int) -> int:
    return -(-count // PAGE_ROWS)
