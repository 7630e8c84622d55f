"""Growth: the right edge of the published tree and its entries, extended block by block.

Holds the hashes of the last, incomplete tile of every level and the entries of the last bundle:
at most 256 of each, whatever the size of the ledger (C2SP tlog-tiles).
"""

from collections.abc import Callable, Iterator, Sequence

from audit_ledger.chain.head import Head
from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.entry_bundle import decode_bundle, encode_bundle
from audit_ledger.tlog.rfc6962 import leaf_hashes
from audit_ledger.tlog.tile_proofs import RightEdge
from audit_ledger.tlog.tiles import HASH_SIZE, TILE_WIDTH, EntryBundle, Tile, partial_tile_at

Read = Callable[[str], bytes | None]
"""Give the bytes of a published path, None where there is nothing."""


class Growth:
    """A published tree that grows. After each block it says which objects became full."""

    def __init__(self, edge: RightEdge, entries: Sequence[bytes] = ()) -> None:
        self._edge = edge
        self._entries = list(entries)
        self._partial: dict[int, tuple[Tile, bytes]] = {}

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._edge.size

    @classmethod
    def read(cls, head: Head, read: Read) -> "Growth":
        """Read the edge of what is published and show that it is the head's.

        VerificationError where a tile or bundle is missing or not the one that was signed.
        """
        edge = RightEdge.read(head.size, lambda tile: _read_tile(tile, read))
        if edge.root() != head.root():
            raise VerificationError("the published tiles at the edge are not those of the root")
        entries: list[bytes] = []
        if head.size % TILE_WIDTH:
            bundle = EntryBundle(head.size // TILE_WIDTH, head.size % TILE_WIDTH)
            full = EntryBundle(bundle.index, TILE_WIDTH)
            entries = decode_bundle(_read_either(bundle.path, full.path, read))[: bundle.width]
            leaves = _read_tile(Tile(0, bundle.index, bundle.width), read)
            if b"".join(leaf_hashes(entries)) != leaves:
                raise VerificationError(f"{bundle.path}: not the entries of the tile above")
        return cls(edge, entries)

    def extend(
        self, entries: Sequence[bytes], leaves: Sequence[bytes]
    ) -> Iterator[tuple[str, bytes]]:
        """Append a block's entries and leaf hashes. Gives path and bytes of what became full."""
        self._entries += entries
        index = self._edge.size // TILE_WIDTH
        while len(self._entries) >= TILE_WIDTH:
            yield EntryBundle(index, TILE_WIDTH).path, encode_bundle(self._entries[:TILE_WIDTH])
            del self._entries[:TILE_WIDTH]
            index += 1
        for tile, data in self._edge.extend(leaves):
            if tile.is_full:
                self._partial.pop(tile.level, None)
                yield tile.path, data
            else:
                self._partial[tile.level] = (tile, data)

    def partial_objects(self, old_size: int) -> Iterator[tuple[str, bytes]]:
        """Give path and bytes of the partial tiles and bundle that `old_size` had not."""
        if self._entries and self.size != old_size:
            bundle = EntryBundle(self.size // TILE_WIDTH, len(self._entries))
            yield bundle.path, encode_bundle(self._entries)
        for tile, data in self._partial.values():
            if tile != partial_tile_at(tile.level, old_size):
                yield tile.path, data

    def superseded(self, old_size: int, names: Callable[[str], list[str]]) -> Iterator[str]:
        """Give the partial tiles and bundles of `old_size` and before that are full by now."""
        level = 0
        while old_size >> (8 * level):
            tile = partial_tile_at(level, old_size)
            if tile and self.size >> (8 * level) >= (tile.index + 1) * TILE_WIDTH:
                yield from names(_folder(tile.path))
                if level == 0:
                    yield from names(_folder(EntryBundle(tile.index, tile.width).path))
            level += 1


def _read_tile(tile: Tile, read: Read) -> bytes:
    full = Tile(tile.level, tile.index, TILE_WIDTH)
    data = _read_either(tile.path, full.path, read)[: tile.width * HASH_SIZE]
    if len(data) != tile.width * HASH_SIZE:
        raise FormatError(f"{tile.path}: {len(data)} bytes, too few")
    return data


def _read_either(partial: str, full: str, read: Read) -> bytes:
    """Read a partial object, or the full one that took its place (C2SP tlog-tiles)."""
    data = read(partial)
    if data is None:
        data = read(full)
    if data is None:
        raise VerificationError(f"{partial}: missing, and no full one in its place")
    return data


def _folder(partial_path: str) -> str:
    return partial_path[: partial_path.rindex("/") + 1]


def full_at_the_edge(size: int) -> Iterator[str]:
    """Give the folders that held the partial forms of each level's last full tile and bundle."""
    level = 0
    while full := (size >> (8 * level)) // TILE_WIDTH:
        yield _folder(Tile(level, full - 1, 1).path)
        if level == 0:
            yield _folder(EntryBundle(full - 1, 1).path)
        level += 1
