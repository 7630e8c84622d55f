"""Growth: the right edge of the published tree, extended tile by tile (C2SP tlog-tiles).

Holds the hashes of the last, incomplete tile of every level and the entries of the last bundle:
at most 256 of each, whatever the size of the ledger.
"""

from collections.abc import Callable, Iterator, Sequence

from audit_ledger.chain.head import Head
from audit_ledger.errors import VerificationError
from audit_ledger.tlog.entry_bundle import decode_bundle, encode_bundle
from audit_ledger.tlog.rfc6962 import leaf_hash
from audit_ledger.tlog.tiles import (
    HASH_SIZE,
    TILE_WIDTH,
    EntryBundle,
    Tile,
    partial_tile_at,
    split_hashes,
    subtree_root,
)

Read = Callable[[str], bytes | None]


class Growth:
    """A tree's right edge. `levels[l]`: hashes of the incomplete tile of level l."""

    def __init__(self, size: int, levels: list[list[bytes]], entries: list[bytes]) -> None:
        self.size = size
        self._levels = levels
        self._entries = entries

    @classmethod
    def read(cls, head: Head, read: Read) -> "Growth":
        """Read the edge of what is published and show that it is the head's.

        VerificationError where a tile or bundle is missing or not the one that was signed.
        """
        levels: list[list[bytes]] = []
        level = 0
        while head.size >> (8 * level):
            tile = partial_tile_at(level, head.size)
            levels.append(_read_tile(tile, read) if tile else [])
            level += 1
        entries: list[bytes] = []
        if head.size % TILE_WIDTH:
            bundle = EntryBundle(head.size // TILE_WIDTH, head.size % TILE_WIDTH)
            full = EntryBundle(bundle.index, TILE_WIDTH)
            entries = decode_bundle(_read_either(bundle.path, full.path, read))[: bundle.width]
            if [leaf_hash(entry) for entry in entries] != levels[0]:
                raise VerificationError(f"{bundle.path}: not the entries of the tile above")
        growth = cls(head.size, levels, entries)
        if growth.root() != head.root():
            raise VerificationError("the published tiles at the edge are not those of the root")
        return growth

    def extend(
        self, entries: Sequence[bytes], leaves: Sequence[bytes]
    ) -> Iterator[tuple[str, bytes]]:
        """Append entries with their leaf hashes. Gives path and bytes of what became full."""
        for entry, leaf in zip(entries, leaves, strict=True):
            self._entries.append(entry)
            self.size += 1
            if len(self._entries) == TILE_WIDTH:
                yield EntryBundle(self.size // TILE_WIDTH - 1, TILE_WIDTH).path, self._bundle()
                self._entries.clear()
            yield from self._rise(0, leaf)

    def partial_objects(self, old_size: int) -> Iterator[tuple[str, bytes]]:
        """Give path and bytes of the partial tiles and bundle that `old_size` had not."""
        if self._entries and self.size != old_size:
            width = len(self._entries)
            yield EntryBundle(self.size // TILE_WIDTH, width).path, self._bundle()
        for level, hashes in enumerate(self._levels):
            tile = partial_tile_at(level, self.size)
            if tile and self.size >> (8 * level) != old_size >> (8 * level):
                yield tile.path, b"".join(hashes)

    def superseded(self, old_size: int, names: Callable[[str], list[str]]) -> Iterator[str]:
        """Give the partial tiles and bundles of `old_size` and before that are full by now."""
        for level in range(len(self._levels)):
            tile = partial_tile_at(level, old_size)
            if tile and self.size >> (8 * level) >= (tile.index + 1) * TILE_WIDTH:
                yield from names(_folder(tile.path))
                if level == 0:
                    yield from names(_folder(EntryBundle(tile.index, tile.width).path))

    def root(self) -> bytes:
        """RFC 6962 root: the incomplete tiles' roots, from the lowest level up."""
        carried: list[bytes] = []
        for hashes in self._levels:
            nodes = [*hashes, *carried]
            carried = [subtree_root(nodes)] if nodes else []
        return carried[0] if carried else subtree_root([])

    def _rise(self, level: int, node: bytes) -> Iterator[tuple[str, bytes]]:
        if level == len(self._levels):
            self._levels.append([])
        hashes = self._levels[level]
        hashes.append(node)
        if len(hashes) == TILE_WIDTH:
            index = (self.size >> (8 * (level + 1))) - 1
            yield Tile(level, index, TILE_WIDTH).path, b"".join(hashes)
            root = subtree_root(hashes)
            hashes.clear()
            yield from self._rise(level + 1, root)

    def _bundle(self) -> bytes:
        return encode_bundle(self._entries)


def _read_tile(tile: Tile, read: Read) -> list[bytes]:
    full = Tile(tile.level, tile.index, TILE_WIDTH)
    data = _read_either(tile.path, full.path, read)
    if len(data) < tile.width * HASH_SIZE:
        raise VerificationError(f"{tile.path}: {len(data)} bytes, too few")
    return split_hashes(data[: tile.width * HASH_SIZE])


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
