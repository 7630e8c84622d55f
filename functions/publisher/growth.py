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


Names = Callable[[str, str], list[str]]
"""Give the paths below a folder that sort behind a path."""


def superseded(old_size: int, size: int, names: Names) -> Iterator[str]:
    """Give the partial tiles and bundles of all that became full between two sizes.

    Not only those of `old_size`: runs that died before their commit point left some of sizes that
    were never published.
    """
    level = 0
    while full := (size >> (8 * level)) // TILE_WIDTH:
        indexes = range((old_size >> (8 * level)) // TILE_WIDTH, full)
        yield from _partials([Tile(level, index, TILE_WIDTH).path for index in indexes], names)
        if level == 0:
            bundles = [EntryBundle(index, TILE_WIDTH).path for index in indexes]
            yield from _partials(bundles, names)
        level += 1


def _partials(full: Sequence[str], names: Names) -> Iterator[str]:
    """Give what is left of the partial forms of full tiles: a listing for each folder of 1,000."""
    folders: dict[str, list[str]] = {}
    for path in full:
        folders.setdefault(path[: path.rindex("/") + 1], []).append(path)
    for folder, paths in folders.items():
        outgrown = {f"{path}.p" for path in paths}
        for name in names(folder, paths[0]):
            if name.rpartition("/")[0] in outgrown:
                yield name
