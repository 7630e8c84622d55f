"""A compact range knows the root of a tree that it never held."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.tlog.compact_range import CompactRange
from audit_ledger.tlog.rfc6962 import EMPTY_ROOT, leaf_hash
from tests.tlog import naive

LEAVES = naive.synthetic_leaves(5000)
HASH = bytes(32)


def naive_hashes(leaves: list[bytes]) -> tuple[bytes, ...]:
    """Roots of the subtrees at the set bits of the size, largest first."""
    hashes = []
    start = 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            hashes.append(naive.mth(leaves[start : start + (1 << bit)]))
            start += 1 << bit
    return tuple(hashes)


def test_roots_vector(shared_dir: Path) -> None:
    """Appending gives the roots of sizes 0 to 8 that others computed."""
    vector = json.loads((shared_dir / "vectors/rfc6962/roots.json").read_bytes())
    compact = CompactRange()
    roots = [compact.root().hex()]
    for leaf in vector["leaves_hex"]:
        compact.append(leaf_hash(bytes.fromhex(leaf)))
        roots.append(compact.root().hex())
    assert roots == vector["roots_hex"]


@pytest.mark.parametrize("size", [*range(34), 255, 256, 257, 1000, 4095, 4096, 4097, 5000])
def test_root_and_hashes_are_those_of_the_definition(size: int) -> None:
    """Whether leaves come one by one or all at once."""
    at_once = CompactRange()
    at_once.extend(LEAVES[:size])
    one_by_one = CompactRange()
    for leaf in LEAVES[:size]:
        one_by_one.append(leaf)
    assert at_once.size == one_by_one.size == size
    assert at_once.hashes == one_by_one.hashes
    assert at_once.root() == naive.mth(LEAVES[:size])
    assert at_once.hashes == naive_hashes(LEAVES[:size])


@settings(deadline=None)
@given(st.lists(st.integers(0, 70), max_size=8))
def test_how_the_leaves_are_cut_does_not_matter(cuts: list[int]) -> None:
    """Any sequence of extensions, each resumed from its hashes, gives the same tree."""
    compact = CompactRange()
    for cut in cuts:
        compact.extend(iter(LEAVES[compact.size : compact.size + cut]))
        compact = CompactRange(compact.size, compact.hashes)
    assert compact.root() == naive.mth(LEAVES[: sum(cuts)])


def test_empty_range() -> None:
    """A new range is the empty tree."""
    assert CompactRange().root() == EMPTY_ROOT


@pytest.mark.parametrize(
    ("size", "count", "message"),
    [
        pytest.param(1, 0, "0 hashes, size 1 has 1", id="hash missing"),
        pytest.param(1, 2, "2 hashes, size 1 has 1", id="hash too many"),
        pytest.param(0, 1, "1 hashes, size 0 has 0", id="hash of the empty tree"),
        pytest.param(-1, 0, "size -1 is out of range", id="negative size"),
        pytest.param(2**63, 1, "out of range", id="size 2^63"),
    ],
)
def test_range_that_no_tree_has(size: int, count: int, message: str) -> None:
    """A tree has one hash for each set bit of its size."""
    with pytest.raises(FormatError, match=message):
        CompactRange(size, [HASH] * count)


def test_range_does_not_keep_what_it_was_given() -> None:
    """The hashes are copied: neither a list nor another range of them grows along."""
    hashes = LEAVES[:1]
    compact, other = CompactRange(1, hashes), CompactRange(1, hashes)
    compact.append(LEAVES[1])
    assert hashes == LEAVES[:1]
    assert (other.size, other.root()) == (1, LEAVES[0])


def test_hashes_of_another_size_are_refused() -> None:
    """A leaf or subtree hash is 32 bytes, also when two errors would cancel out."""
    with pytest.raises(FormatError, match=r"a hash of 3[13] bytes, expected 32"):
        CompactRange(1, [bytes(31)])
    with pytest.raises(FormatError, match=r"a hash of 3[13] bytes, expected 32"):
        CompactRange().append(bytes(33))
    with pytest.raises(FormatError, match=r"a hash of 3[13] bytes, expected 32"):
        CompactRange().extend([bytes(31), bytes(33)])
