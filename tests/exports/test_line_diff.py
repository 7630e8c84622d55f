"""Differences of lines: exact for each kind of change, as few as possible for any mixture."""

from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.exports.line_diff import Difference, LineChange, differences

Changes = list[tuple[str, int, int | None]]


def changes(written: str, found: str) -> Changes:
    """Return differences of lines of one letter each, labelled 0, 1, 2, …"""
    reported = differences(
        ((label, sha256(letter.encode()).digest()) for label, letter in enumerate(written)),
        (sha256(letter.encode()).digest() for letter in found),
    )
    return [(str(d.kind), d.line, d.label) for d in reported]


CASES: list[tuple[str, str, Changes]] = [
    ("abcde", "abcde", []),
    ("", "", []),
    ("abcde", "abXde", [("changed", 3, 2)]),
    ("abcde", "abXYe", [("changed", 3, 2), ("changed", 4, 3)]),
    ("abcde", "abde", [("missing", 3, 2)]),
    ("abcde", "bcde", [("missing", 1, 0)]),
    ("abcde", "abcd", [("missing", 5, 4)]),
    ("abc", "", [("missing", 1, 0), ("missing", 1, 1), ("missing", 1, 2)]),
    ("abcde", "abXcde", [("added", 3, None)]),
    ("abcde", "abcdeX", [("added", 6, None)]),
    ("", "X", [("added", 1, None)]),
    ("abcde", "abcdec", [("added", 6, None)]),  # a line twice
    ("abcde", "bcdea", [("reordered", 5, 0)]),
    ("abcde", "eabcd", [("reordered", 1, 4)]),
    ("abcde", "abdce", [("reordered", 3, 3)]),
    ("abcdefg", "bcXefga", [("changed", 3, 3), ("reordered", 7, 0)]),
    ("aabb", "abab", [("reordered", 2, 2)]),
    ("aaaa", "aaa", [("missing", 4, 3)]),
    ("abcd", "Xabd", [("added", 1, None), ("missing", 4, 2)]),
]


@pytest.mark.parametrize(("written", "found", "expected"), CASES)
def test_reports_each_change_once(written: str, found: str, expected: Changes) -> None:
    """Written by hand: one change is one difference, whatever it shifts."""
    assert changes(written, found) == expected


def longest_common_subsequence(one: str, other: str) -> int:
    """Return its length by the textbook's table."""
    row = [0] * (len(other) + 1)
    for letter in one:
        above = row[:]
        for place, its in enumerate(other, start=1):
            row[place] = (
                above[place - 1] + 1 if letter == its else max(above[place], row[place - 1])
            )
    return row[-1]


@given(
    st.permutations("abcdefghij").map("".join),
    st.text("abcdefghijXYZ", max_size=13),
)
def test_reports_as_few_differences_as_possible(written: str, found: str) -> None:
    """Recounted: lines without a match, and others that are in no longest common order."""
    kinds = Counter(kind for kind, _, _ in changes(written, found))
    lost = sum((Counter(written) - Counter(found)).values())
    new = sum((Counter(found) - Counter(written)).values())
    assert kinds[LineChange.CHANGED] + kinds[LineChange.MISSING] == lost
    assert kinds[LineChange.CHANGED] + kinds[LineChange.ADDED] == new
    if len(set(found)) == len(found):
        in_order = longest_common_subsequence(written, found)
        assert kinds[LineChange.REORDERED] == len(set(written) & set(found)) - in_order


def test_shifted_lines_are_no_difference() -> None:
    """Of a hundred thousand lines, only the missing one is reported."""
    lines = [number.to_bytes(4, "big") for number in range(100_000)]
    found = list(differences(enumerate(lines), iter(lines[1:])))
    assert found == [Difference(LineChange.MISSING, 1, 0)]
