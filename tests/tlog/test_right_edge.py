"""The right edge writes exactly the tiles that a grown log must write."""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.tlog.tile_proofs import RightEdge
from audit_ledger.tlog.tiles import Tile
from tests.tlog import naive

LEAVES = naive.synthetic_leaves(70_000)

# Computed once, without the package: all tiles of every full width up to the largest size.
FULL = {place: data for place, data in naive.tiles(LEAVES).items() if place[2] == 256}


def naive_tiles(size: int) -> dict[Tile, bytes]:
    """Return all tiles of a log of that size, by the definition."""
    found: dict[Tile, bytes] = {}
    level = 0
    while width := size >> (8 * level):
        full, partial = divmod(width, 256)
        for index in range(full):
            found[Tile(level, index, 256)] = FULL[level, index, 256]
        if partial:
            found[Tile(level, full, partial)] = naive_partial(level, full, partial)
        level += 1
    return found


def naive_partial(level: int, index: int, width: int) -> bytes:
    """Return the first hashes of a tile that may not be full."""
    if level == 0:
        return b"".join(LEAVES[index * 256 : index * 256 + width])
    below = range(index * 256, index * 256 + width)
    return b"".join(full_tile_root(level - 1, at) for at in below)


@cache
def full_tile_root(level: int, index: int) -> bytes:
    """Hash pairs, eight times."""
    data = FULL[level, index, 256]
    hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
    while len(hashes) > 1:
        hashes = [
            sha256(b"\x01" + hashes[at] + hashes[at + 1]).digest()
            for at in range(0, len(hashes), 2)
        ]
    return hashes[0]


def test_naive_tiles_are_those_of_the_definition() -> None:
    """The fast computation of this file equals the slow one."""
    for size in (0, 1, 255, 256, 257, 1000):
        assert naive_tiles(size) == {
            Tile(*place): data for place, data in naive.tiles(LEAVES[:size]).items()
        }


def edge_at(size: int) -> RightEdge:
    return RightEdge.read(size, naive_tiles(size).__getitem__)


def check_growth(old_size: int, new_size: int) -> None:
    before, after = naive_tiles(old_size), naive_tiles(new_size)
    edge = edge_at(old_size)
    written = list(edge.extend(iter(LEAVES[old_size:new_size])))
    expected = {tile: data for tile, data in after.items() if tile not in before}
    assert len(written) == len(expected)  # each once
    assert dict(written) == expected
    assert edge.size == new_size
    assert edge.root() == edge_at(new_size).root()


# Each from one side of an edge to the other: of a leaf, a tile, two tiles, a level 1 tile, level 2.
GROWTHS = [
    (0, 1),
    (0, 256),
    (0, 70_000),
    (1, 255),
    (255, 257),
    (256, 512),
    (257, 513),
    (511, 65_536),
    (65_279, 65_281),
    (65_535, 65_537),
    (65_536, 65_792),
    (65_792, 66_000),
]


@pytest.mark.parametrize(("old_size", "new_size"), GROWTHS)
def test_growth_across_an_edge(old_size: int, new_size: int) -> None:
    """A grown log writes what it serves now and did not serve before, each tile once."""
    check_growth(old_size, new_size)


NEAR_AN_EDGE = st.builds(
    lambda edge, offset: max(0, edge + offset),
    st.sampled_from([0, 256, 512, 65_280, 65_536, 65_792]),
    st.integers(-3, 3),
)


@settings(deadline=None)
@given(NEAR_AN_EDGE | st.integers(0, 69_000), NEAR_AN_EDGE | st.integers(0, 70_000))
def test_growth_between_any_two_sizes(one: int, other: int) -> None:
    """Drawn sizes, half of them next to an edge, agree with the definition."""
    check_growth(min(one, other), max(one, other))


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 513, 65_535, 65_536, 65_537, 66_000])
def test_root(size: int) -> None:
    """The edge alone gives the root of the whole tree."""
    assert edge_at(size).root() == naive.mth(LEAVES[:size])


@settings(deadline=None)
@given(st.integers(0, 1200))
def test_root_of_any_size(size: int) -> None:
    """Drawn sizes agree with the definition."""
    assert edge_at(size).root() == naive.mth(LEAVES[:size])


def test_tiles_of_the_specifications_examples() -> None:
    """Logs of 70,000, 256 and no entries write the tiles that tlog-tiles counts up."""
    places = {size: written_places(size) for size in (70_000, 256, 0)}
    assert places[70_000] == sorted(
        [
            *((0, index, 256) for index in range(273)),
            (0, 273, 112),
            (1, 0, 256),
            (1, 1, 17),
            (2, 0, 1),
        ]
    )
    assert places[256] == [(0, 0, 256), (1, 0, 1)]
    assert places[0] == []
    for size, written in places.items():
        assert sorted(naive.tile_places(size)) == written


def written_places(size: int) -> list[tuple[int, int, int]]:
    tiles = [tile for tile, _ in RightEdge(0, {}).extend(LEAVES[:size])]
    return sorted((tile.level, tile.index, tile.width) for tile in tiles)


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_growth_in_any_steps_leaves_every_tile_written(steps: list[int]) -> None:
    """A log that writes each step's tiles serves all tiles of its size."""
    served: dict[Tile, bytes] = {}
    edge = RightEdge(0, {})
    for step in steps:
        for tile, data in edge.extend(LEAVES[edge.size : edge.size + step]):
            assert tile not in served
            served[tile] = data
    for tile, data in naive_tiles(edge.size).items():
        assert served[tile] == data


def test_full_tiles_are_yielded_when_they_fill_up() -> None:
    """A full tile comes after those below it, partial tiles last, without a delay."""
    consumed = 0

    def leaves() -> Iterator[bytes]:
        nonlocal consumed
        for leaf in LEAVES[:66_000]:
            consumed += 1
            yield leaf

    order: list[Tile] = []
    for tile, _ in RightEdge(0, {}).extend(leaves()):
        order.append(tile)
        if tile.level == 0 and tile.is_full:
            assert consumed == (tile.index + 1) * 256
    places = {tile: at for at, tile in enumerate(order)}
    assert places[Tile(1, 0, 256)] == places[Tile(0, 255, 256)] + 1
    assert order[-3:] == [Tile(0, 257, 208), Tile(1, 1, 1), Tile(2, 0, 1)]


def test_no_leaf_writes_no_tile() -> None:
    """The size remains too."""
    for size in (0, 5, 256):
        edge = edge_at(size)
        assert list(edge.extend([])) == []
        assert edge.size == size


@pytest.mark.parametrize(
    ("size", "levels"),
    [
        pytest.param(-1, {}, id="negative size"),
        pytest.param(2**63, {}, id="size 2^63"),
        pytest.param(0, {0: LEAVES[:1]}, id="leaf of an empty tree"),
        pytest.param(3, {}, id="level missing"),
        pytest.param(3, {0: LEAVES[:2]}, id="hash missing"),
        pytest.param(3, {0: LEAVES[:4]}, id="hash too many"),
        pytest.param(3, {0: LEAVES[:3], 1: LEAVES[:1]}, id="level too many"),
        pytest.param(256, {0: LEAVES[:256]}, id="full tile left below"),
        pytest.param(3, {1: LEAVES[:3]}, id="another level"),
        pytest.param(2, {0: [bytes(31), bytes(33)]}, id="hashes of another size"),
    ],
)
def test_an_edge_of_no_tree_is_refused(size: int, levels: dict[int, list[bytes]]) -> None:
    """Size and hashes must fit each other."""
    with pytest.raises(FormatError, match="right edge"):
        RightEdge(size, levels)


def test_leaves_of_another_size_are_refused() -> None:
    """A leaf hash is 32 bytes."""
    with pytest.raises(FormatError, match=r"a hash of 3[13] bytes, expected 32"):
        list(RightEdge(0, {}).extend([bytes(33)]))


def test_the_edge_copies_its_hashes() -> None:
    """The caller's list is not changed."""
    hashes = LEAVES[:2]
    edge = RightEdge(2, {0: hashes, 1: []})
    list(edge.extend(LEAVES[2:3]))
    assert hashes == LEAVES[:2]
