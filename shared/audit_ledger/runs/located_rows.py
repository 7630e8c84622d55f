"""Sorted located rows of a run object: read by pages, searched, and merged."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from audit_ledger.errors import FormatError
from audit_ledger.runs.run_row import LOCATED_BYTES, ROW_BYTES

PAGE_ROWS = 4096

ReadRange = Callable[[int, int], bytes]
"""Return the bytes of an object from a position up to another, fewer only where the object ends;
raises what its source raises."""


def read_exactly(read: ReadRange, start: int, end: int, what: str) -> bytes:
    """Return all bytes of a range; raise FormatError if the object has fewer."""
    data = read(start, end) if start < end else b""
    if len(data) != end - start:
        raise FormatError(f"run: ends before its {what}")
    return data


def rows_of(located: bytes) -> bytes:
    """Return the rows of located rows, which are hashed, one behind the other."""
    return b"".join([located[at : at + ROW_BYTES] for at in range(0, len(located), LOCATED_BYTES)])


def split_rows(located: bytes) -> list[bytes]:
    """Return located rows one by one."""
    return [located[at : at + LOCATED_BYTES] for at in range(0, len(located), LOCATED_BYTES)]


class LocatedRows:
    """`count` located rows of an object, in ascending order from position `start`.

    A page of them is in memory at a time. Raises FormatError where the object ends before them.
    """

    def __init__(self, read: ReadRange, start: int, count: int) -> None:
        self._read = read
        self._start = start
        self._count = count
        self._page_index = -1
        self._page = b""

    def between(self, first: bytes, last: bytes, *, newest_first: bool) -> Iterator[bytes]:
        """Yield the located rows whose rows (16 bytes) are from `first` to `last`, in order."""
        start = bisect_left(range(self._count), first, key=self._row)
        end = bisect_right(range(self._count), last, lo=start, key=self._row)
        for number in range(end - 1, start - 1, -1) if newest_first else range(start, end):
            yield self._located(number)

    def pages(self) -> Iterator[bytes]:
        """Yield all located rows, page by page."""
        for first in range(0, self._count, PAGE_ROWS):
            yield self._read_page(first)

    def _row(self, number: int) -> bytes:
        return self._located(number)[:ROW_BYTES]

    def _located(self, number: int) -> bytes:
        index, row = divmod(number, PAGE_ROWS)
        if index != self._page_index:
            self._page, self._page_index = self._read_page(index * PAGE_ROWS), index
        return self._page[row * LOCATED_BYTES : (row + 1) * LOCATED_BYTES]

    def _read_page(self, first: int) -> bytes:
        size = min(PAGE_ROWS, self._count - first) * LOCATED_BYTES
        start = self._start + first * LOCATED_BYTES
        return read_exactly(self._read, start, start + size, "rows")


def merge_rows(sources: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    """Merge sorted located rows, given in chunks of whole rows; yield chunks in ascending order.

    Memory: a chunk of each source.
    """
    waiting: list[tuple[Sequence[bytes], Iterator[bytes]]] = []
    for source in sources:
        chunks = iter(source)
        waiting += _next_chunk(chunks)
    while waiting:
        bound = min(rows[-1] for rows, _ in waiting)
        ready: list[bytes] = []
        later: list[tuple[Sequence[bytes], Iterator[bytes]]] = []
        for rows, chunks in waiting:
            end = bisect_right(rows, bound)
            ready += rows[:end]
            if end < len(rows):
                later.append((rows[end:] if end else rows, chunks))
            else:
                later += _next_chunk(chunks)
        ready.sort()
        yield b"".join(ready)
        waiting = later


def _next_chunk(chunks: Iterator[bytes]) -> list[tuple[Sequence[bytes], Iterator[bytes]]]:
    """Return the next chunk that has a row, with what follows it; nothing at the end."""
    for chunk in chunks:
        if chunk:
            return [(split_rows(chunk), chunks)]
    return []
