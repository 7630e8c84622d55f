"""Roots and proofs from tiles against the recursions of RFC 6962."""

from collections.abc import Callable, Mapping
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError, NotFoundError
from audit_ledger.tlog.compact_range import CompactRange
from audit_ledger.tlog.rfc6962 import verify_consistency, verify_inclusion
from audit_ledger.tlog.tile_proofs import RightEdge, consistency_proof, inclusion_proof
from audit_ledger.tlog.tiles import Tile
from tests.tlog import naive

LEAVES = naive.synthetic_leaves(66_000)
SMALL = [1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 512, 513, 600]
LARGE = [65_535, 65_536, 65_537, 66_000]


def reader(size: int) -> Callable[[Tile], bytes]:
    """Serves the tiles of a log of that size and no others, each once."""
    tiles = dict(tiles_at(size))
    return lambda tile: tiles.pop((tile.level, tile.index, tile.width))


@lru_cache(maxsize=2)
def tiles_at(size: int) -> dict[tuple[int, int, int], bytes]:
    return naive.tiles(LEAVES[:size])


@lru_cache
def root(size: int) -> bytes:
    """Computed without tiles."""
    compact = CompactRange()
    compact.extend(LEAVES[:size])
    return compact.root()


@pytest.mark.parametrize("size", SMALL)
def test_inclusion_proof_is_the_definitions_path(size: int) -> None:
    """At the ends, around each tile's and each power of two's edge, and within."""
    near = {0, 1, size // 2, size - 2, size - 1, 127, 128, 254, 255, 256, 257, 511, 512}
    for index in sorted(index for index in near if 0 <= index < size):
        assert inclusion_proof(index, size, reader(size)) == naive.path(index, LEAVES[:size])


@pytest.mark.parametrize("size2", SMALL)
def test_consistency_proof_is_the_definitions_proof(size2: int) -> None:
    """From each smaller size around the edges."""
    for size1 in [size for size in [*SMALL, 128, 384] if size <= size2]:
        proof = consistency_proof(size1, size2, reader(size2))
        assert proof == naive.proof(size1, LEAVES[:size2])


@pytest.mark.parametrize("size", LARGE)
def test_proofs_of_three_levels_verify(size: int) -> None:
    """Where a proof goes through tiles of level 0, 1 and 2."""
    for index in [0, 1, 255, 256, 32_767, 32_768, 65_279, 65_280, size - 1]:
        verify_inclusion(
            LEAVES[index], index, size, inclusion_proof(index, size, reader(size)), root(size)
        )
    for old in [1, 2, 255, 256, 257, 32_768, 65_280, 65_535, size]:
        proof = consistency_proof(old, size, reader(size))
        verify_consistency(old, size, proof, root(old), root(size))


@settings(deadline=None)
@given(st.integers(1, 1200), st.data())
def test_proofs_of_any_size(size: int, data: st.DataObject) -> None:
    """Drawn sizes and indexes agree with the definitions."""
    index = data.draw(st.integers(0, size - 1))
    assert inclusion_proof(index, size, reader(size)) == naive.path(index, LEAVES[:size])
    proof = consistency_proof(index + 1, size, reader(size))
    assert proof == naive.proof(index + 1, LEAVES[:size])


def test_few_tiles_are_read() -> None:
    """A proof in a tree of 2^40 entries reads a tile or two a level, never more."""
    read: list[Tile] = []

    def zeros(tile: Tile) -> bytes:
        read.append(tile)
        return bytes(32 * tile.width)

    size = 2**40 + 2**33 + 12345
    assert len(inclusion_proof(2**39 + 7, size, zeros)) == 40 + 1
    assert len(read) <= 2 * 6
    read.clear()
    consistency_proof(2**39 + 7, size, zeros)
    assert len(read) <= 2 * 6
    read.clear()
    RightEdge.read(size, zeros)
    assert len(read) <= 6


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 5), (5, 5)])
def test_consistency_that_needs_no_proof(size1: int, size2: int) -> None:
    """From the empty tree and between equal sizes, nothing is read."""
    assert consistency_proof(size1, size2, reader(0)) == []


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, 2**63)])
def test_no_such_index(index: int, size: int) -> None:
    """A tree has indexes 0 to size - 1."""
    with pytest.raises(NotFoundError, match=f"no index {index}"):
        inclusion_proof(index, size, reader(0))


@pytest.mark.parametrize(("size1", "size2"), [(-1, 3), (4, 3), (1, 2**63)])
def test_no_such_consistency(size1: int, size2: int) -> None:
    """A tree has no larger tree as its prefix."""
    with pytest.raises(NotFoundError, match=f"from size {size1} to size {size2}"):
        consistency_proof(size1, size2, reader(0))


@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_tile_of_another_length(change: int) -> None:
    """A tile that is not as wide as its path states is refused by name."""

    def wrong(tile: Tile) -> bytes:
        return bytes(32 * tile.width + change)

    calls: Mapping[str, Callable[[], object]] = {
        "root": lambda: RightEdge.read(300, wrong),
        "inclusion": lambda: inclusion_proof(0, 300, wrong),
        "consistency": lambda: consistency_proof(7, 300, wrong),
    }
    for call in calls.values():
        with pytest.raises(FormatError, match=r"tile/[01]/00[01]"):
            call()


def test_missing_tile_is_the_readers_error() -> None:
    """What the source raises comes through."""
    with pytest.raises(KeyError):
        RightEdge.read(5, reader(4))
