"""Differences between the lines of a file and those that were written, by their hashes.

Equal lines before the first difference need no memory; from there on, a few bytes of each line
are stored, so that of a million lines shifted by one only the missing one is reported.
"""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain, zip_longest

import msgspec


class LineChange(StrEnum):
    """The change of a line."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    REORDERED = "reordered"


class Difference(msgspec.Struct, frozen=True):
    """One difference.

    `line`: its number in the file as found, from 1; of a missing line, its expected number.
    `label`: that of the written line; None for an added one.
    """

    kind: LineChange
    line: int
    label: int | None


Written = tuple[int, bytes]  # (label, hash of the line)


def differences(written: Iterable[Written], found: Iterable[bytes]) -> Iterator[Difference]:
    """Compare written lines with the hashes of found lines, each in order, in one pass."""
    pairs = zip_longest(written, found)
    for before, pair in enumerate(pairs):
        if pair[0] is None or pair[1] is None or pair[0][1] != pair[1]:
            yield from _Rest(before, chain((pair,), pairs)).differences()
            return


class _Rest:
    """The lines from the first difference on, matched by hash.

    A line matches the first unmatched one of the same hash.
    """

    def __init__(self, before: int, pairs: Iterable[tuple[Written | None, bytes | None]]) -> None:
        self._before = before
        self._labels = array("q")
        self._place = array("q")  # of each found line: its index among those written, or -1
        self._is_found = bytearray()  # of each written line
        lost: dict[bytes, deque[int]] = {}
        new: dict[bytes, deque[int]] = {}
        for written, found in pairs:
            if written is not None:
                self._take_written(*written, lost, new)
            if found is not None:
                self._take_found(found, lost, new)

    def _take_written(
        self, label: int, hash_: bytes, lost: dict[bytes, deque[int]], new: dict[bytes, deque[int]]
    ) -> None:
        index = len(self._labels)
        self._labels.append(label)
        if (number := _pop(new, hash_)) is None:
            lost.setdefault(hash_, deque()).append(index)
        else:
            self._place[number] = index
        self._is_found.append(number is not None)

    def _take_found(
        self, hash_: bytes, lost: dict[bytes, deque[int]], new: dict[bytes, deque[int]]
    ) -> None:
        index = _pop(lost, hash_)
        if index is None:
            new.setdefault(hash_, deque()).append(len(self._place))
            self._place.append(-1)
        else:
            self._is_found[index] = True
            self._place.append(index)

    def differences(self) -> Iterator[Difference]:
        """Yield them in the order of the file.

        Lines that retained their order split the file into gaps: in each, found lines and written
        lines without a match are paired, as changed lines, as far as there are pairs.
        """
        in_order = _longest_increasing(self._place)
        written = 0
        unknown: list[int] = []
        for number, index in enumerate(self._place):
            if index < 0:
                unknown.append(number)
            elif in_order[number]:
                yield from self._gap(unknown, written, index, number)
                unknown, written = [], index + 1
            else:
                yield Difference(LineChange.REORDERED, self._line(number), self._labels[index])
        yield from self._gap(unknown, written, len(self._labels), len(self._place))

    def _gap(
        self, unknown: list[int], first: int, end: int, next_number: int
    ) -> Iterator[Difference]:
        lost = [index for index in range(first, end) if not self._is_found[index]]
        for number, index in zip_longest(unknown, lost):
            if index is None:
                yield Difference(LineChange.ADDED, self._line(number), None)
            elif number is None:
                yield Difference(LineChange.MISSING, self._line(next_number), self._labels[index])
            else:
                yield Difference(LineChange.CHANGED, self._line(number), self._labels[index])

    def _line(self, number: int) -> int:
        return self._before + number + 1


def _pop(waiting: dict[bytes, deque[int]], hash_: bytes) -> int | None:
    queue = waiting.get(hash_)
    if queue is None:
        return None
    first = queue.popleft()
    if not queue:
        del waiting[hash_]
    return first


def _longest_increasing(places: "array[int]") -> bytearray:
    """Mark the most lines that retained their order among themselves (patience sorting)."""
    ends: list[int] = []  # the smallest place that ends a run of this length and one
    last = array("q")  # the line that has it
    previous = array("q", bytes(8 * len(places)))
    for number, place in enumerate(places):
        if place < 0:
            continue
        length = bisect_left(ends, place)
        previous[number] = last[length - 1] if length else -1
        if length == len(ends):
            ends.append(place)
            last.append(number)
        else:
            ends[length], last[length] = place, number
    marked = bytearray(len(places))
    number = last[-1] if last else -1
    while number >= 0:
        marked[number] = True
        number = previous[number]
    return marked
