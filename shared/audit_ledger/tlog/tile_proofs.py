"""RFC 6962 roots and proofs from C2SP tlog-tiles, tile by tile.

Tiles are not trusted: compare the root with a signed checkpoint, and verify each proof. Every
operation reads O(log n) tiles of the tree's size, each once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from audit_ledger.tlog.errors import FormatError, NotFoundError
from audit_ledger.tlog.rfc6962 import EMPTY_ROOT, HASH_SIZE, MAX_SIZE, check_hashes, node_hash
from audit_ledger.tlog.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    partial_tile_at,
    split_hashes,
    subtree_root,
)

ReadTile = Callable[[Tile], bytes]
"""Returns a tile's 32 * width bytes, cut from the full tile if the partial one was deleted; raises
what its source raises."""


def inclusion_proof(index: int, size: int, read_tile: ReadTile) -> list[bytes]:
    """Return PATH(index, D[size]) of RFC 6962, Section 2.1.1: from the sibling to the root's child.

    Raises NotFoundError if the tree has no such index, and FormatError for a malformed tile.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise NotFoundError(f"inclusion proof: no index {index} in a tree of size {size}")
    tree = _Tree(size, read_tile)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(tree.root(middle, end))
            end = middle
        else:
            path.append(tree.root(start, middle))
            start = middle
    path.reverse()
    return path


def consistency_proof(size1: int, size2: int, read_tile: ReadTile) -> list[bytes]:
    """Return PROOF(size1, D[size2]) of RFC 6962, Section 2.1.2; empty if size1 is 0 or size2.

    Raises NotFoundError if size1 is the larger, and FormatError for a malformed tile.
    """
    if not 0 <= size1 <= size2 <= MAX_SIZE:
        raise NotFoundError(f"consistency proof: none from size {size1} to size {size2}")
    if size1 in (0, size2):
        return []
    tree = _Tree(size2, read_tile)
    proof: list[bytes] = []
    start, end = 0, size2
    while end != size1:  # SUBPROOF(size1 - start, D[start:end]); ends when they are equal
        middle = start + _split(end - start)
        if size1 <= middle:
            proof.append(tree.root(middle, end))
            end = middle
        else:
            proof.append(tree.root(start, middle))
            start = middle
    if start != 0:  # otherwise this last subtree is the old tree itself, whose root is known
        proof.append(tree.root(start, end))
    proof.reverse()
    return proof


class RightEdge:
    """The partial tiles at the right edge of a tree, which suffice to extend it tile by tile.

    Memory: at most 255 hashes for each of its O(log n) levels.
    """

    def __init__(self, size: int, levels: Mapping[int, Sequence[bytes]]) -> None:
        """Resume at `size` leaves; `levels`: by level, the hashes of the partial tile it ends in.

        Raises FormatError unless their number is that of this size.
        """
        if not 0 <= size <= MAX_SIZE:
            raise FormatError(f"right edge: size {size} is out of range")
        expected = {tile.level: tile.width for tile in _right_edge(size)}
        if {level: len(hashes) for level, hashes in levels.items() if hashes} != expected:
            raise FormatError(f"right edge: not the partial tiles of a tree of size {size}")
        for hashes in levels.values():
            check_hashes(hashes, "right edge")
        self._size = size
        self._levels = {level: list(hashes) for level, hashes in levels.items() if hashes}

    @classmethod
    def read(cls, size: int, read_tile: ReadTile) -> "RightEdge":
        """Read the partial tiles of a tree of `size` leaves."""
        return cls(size, {tile.level: _read_hashes(tile, read_tile) for tile in _right_edge(size)})

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def root(self) -> bytes:
        """Return the tree's Merkle tree hash."""
        # All below a level's partial tile is one incomplete subtree: its last, odd node.
        root: list[bytes] = []
        for level in sorted(self._levels):
            if nodes := self._levels[level] + root:
                root = [subtree_root(nodes)]
        return root[0] if root else EMPTY_ROOT

    def extend(self, leaf_hashes: Iterable[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add leaf hashes (32 bytes each) and yield every tile that the grown log must write.

        Full tiles come as they fill up, each after the full tiles below it, then the partial tiles
        of the new size, level 0 first: each tile that the old size lacks, once. The edge has grown
        when the iterator is exhausted; after an abandoned iterator it must not be used again.
        """
        old_size = self._size
        remaining = iter(leaf_hashes)
        while True:
            leaves = self._levels.setdefault(0, [])
            fresh = list(islice(remaining, TILE_WIDTH - len(leaves)))
            if not fresh:
                break
            check_hashes(fresh, "right edge")
            leaves.extend(fresh)
            self._size += len(fresh)
            if len(leaves) == TILE_WIDTH:
                yield from self._raise_full_tiles()
        if old_size != self._size:
            for tile in _right_edge(self._size):
                if tile != partial_tile_at(tile.level, old_size):
                    yield tile, b"".join(self._levels[tile.level])

    def _raise_full_tiles(self) -> Iterator[tuple[Tile, bytes]]:
        level = 0
        index = self._size // TILE_WIDTH - 1
        while len(hashes := self._levels[level]) == TILE_WIDTH:
            del self._levels[level]
            level += 1
            self._levels.setdefault(level, []).append(subtree_root(hashes))
            yield Tile(level - 1, index, TILE_WIDTH), b"".join(hashes)
            index //= TILE_WIDTH


class _Tree:
    """A tree of `size` leaves, read by tiles, each of them once."""

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        self._size = size
        self._read_tile = read_tile
        self._tiles: dict[Tile, list[bytes]] = {}

    def root(self, start: int, end: int) -> bytes:
        """Return MTH(D[start:end]) of a subtree of RFC 6962's tree."""
        complete: list[bytes] = []
        while start < end:
            height = (end - start).bit_length() - 1
            complete.append(self._complete(height, start >> height))
            start += 1 << height
        root = complete.pop()
        while complete:
            root = node_hash(complete.pop(), root)
        return root

    def _complete(self, height: int, index: int) -> bytes:
        """Return the root of the `index`-th complete subtree of 2^height leaves."""
        level, rise = divmod(height, TILE_HEIGHT)
        tile_index, first = divmod(index << rise, TILE_WIDTH)
        hashes = self._hashes(level, tile_index)
        return subtree_root(hashes[first : first + (1 << rise)])

    def _hashes(self, level: int, index: int) -> list[bytes]:
        at_level = self._size >> (TILE_HEIGHT * level)
        tile = Tile(level, index, min(TILE_WIDTH, at_level - index * TILE_WIDTH))
        if tile not in self._tiles:
            self._tiles[tile] = _read_hashes(tile, self._read_tile)
        return self._tiles[tile]


def _split(width: int) -> int:
    """Return the largest power of two smaller than `width` (2 or more)."""
    return 1 << ((width - 1).bit_length() - 1)


def _right_edge(size: int) -> list[Tile]:
    """Return the partial tiles of a tree, level 0 first."""
    levels = range(-(-size.bit_length() // TILE_HEIGHT))
    tiles = (partial_tile_at(level, size) for level in levels)
    return [tile for tile in tiles if tile is not None]


def _read_hashes(tile: Tile, read_tile: ReadTile) -> list[bytes]:
    data = read_tile(tile)
    if len(data) != tile.width * HASH_SIZE:
        raise FormatError(f"{tile.path}: {len(data)} bytes, expected {tile.width * HASH_SIZE}")
    return split_hashes(data)
