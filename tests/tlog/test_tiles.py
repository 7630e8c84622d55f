"""Names and numbers of tiles against C2SP tlog-tiles, and their roots against RFC 6962."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.tlog.tiles import (
    EntryBundle,
    Tile,
    parse_tile_path,
    partial_tile_at,
    split_hashes,
    subtree_root,
)
from tests.tlog import naive

LEAVES = naive.synthetic_leaves(256)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(0, 999, 256), "tile/0/999"),
        (Tile(0, 1000, 256), "tile/0/x001/000"),
        (Tile(0, 1234067, 256), "tile/0/x001/x234/067"),  # the specification's example
        (Tile(63, 5, 255), "tile/63/005.p/255"),
        (EntryBundle(0, 256), "tile/entries/000"),
        (EntryBundle(1234067, 3), "tile/entries/x001/x234/067.p/3"),
        (EntryBundle(2**63 - 1, 256), "tile/entries/x009/x223/x372/x036/x854/x775/807"),
    ],
    ids=str,
)
def test_path(tile: Tile | EntryBundle, path: str) -> None:
    """Indexes are written in groups of three digits, all but the last with an x."""
    assert tile.path == path
    assert parse_tile_path(path) == tile


@given(st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
@settings(deadline=None)
def test_every_path_is_read_back(level: int, index: int, width: int) -> None:
    """A path states level, index and width."""
    for tile in (Tile(level, index, width), EntryBundle(index, width)):
        assert parse_tile_path(tile.path) == tile
        assert tile.is_full == (width == 256)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/x002",
        "tile/0/X001/002",
        "tile/0/x01/002",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/x001/x001/x001/x001/x001/x001/x001/001",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1000",
        "tile/0/000.p/-1",
        "tile/0/000.p/1/2",
        "tile/entries/000.p/256",
        "tile/0/٠٠٠",
    ],
)
def test_malformed_path(path: str) -> None:
    """A path that no tile has is refused."""
    with pytest.raises(FormatError):
        parse_tile_path(path)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**63, 1), (0, 0, 0), (0, 0, 257)],
)
def test_tile_out_of_range(level: int, index: int, width: int) -> None:
    """A tile that no log has cannot be made."""
    with pytest.raises(FormatError, match="tile: "):
        Tile(level, index, width)


@pytest.mark.parametrize(("index", "width"), [(-1, 1), (2**63, 1), (0, 0), (0, 257)])
def test_entry_bundle_out_of_range(index: int, width: int) -> None:
    """A bundle that no log has cannot be made."""
    with pytest.raises(FormatError, match="tile: "):
        EntryBundle(index, width)


def check_partial_tiles(size: int) -> None:
    partial = {place for place in naive.tile_places(size) if place[2] < 256}
    found = [partial_tile_at(level, size) for level in range(4)]
    assert {(tile.level, tile.index, tile.width) for tile in found if tile} == partial


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_792])
def test_partial_tiles_are_those_that_the_log_serves(size: int) -> None:
    """A level ends in one partial tile, or in none."""
    check_partial_tiles(size)


@settings(deadline=None)
@given(st.integers(0, 200_000))
def test_partial_tiles_of_any_size(size: int) -> None:
    """Drawn sizes agree with the definition."""
    check_partial_tiles(size)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 127, 128, 129, 255, 256])
def test_subtree_root_is_the_merkle_tree_hash(count: int) -> None:
    """For any number of hashes up to a tile's width."""
    assert subtree_root(LEAVES[:count]) == naive.mth(LEAVES[:count])
    assert subtree_root(tuple(LEAVES[:count])) == naive.mth(LEAVES[:count])


def test_subtree_root_leaves_its_input_alone() -> None:
    """The hashes given are only read."""
    hashes = LEAVES[:7]
    subtree_root(hashes)
    assert hashes == LEAVES[:7]


def test_subtree_of_more_than_a_tile_is_refused() -> None:
    """257 hashes are no tile."""
    with pytest.raises(FormatError, match="257 hashes"):
        subtree_root([*LEAVES, bytes(32)])


def test_hashes_of_a_tile() -> None:
    """A tile's bytes are its hashes, one behind the other."""
    assert split_hashes(b"".join(LEAVES)) == LEAVES
    assert split_hashes(LEAVES[0]) == LEAVES[:1]


@pytest.mark.parametrize("size", [0, 1, 31, 33, 8191, 8193, 8224])
def test_bytes_that_are_no_tile(size: int) -> None:
    """A tile has 1 to 256 whole hashes."""
    with pytest.raises(FormatError, match=f"{size} bytes"):
        split_hashes(bytes(size))
