"""The right edge of the published tree and its entries, extended block by block.

Contains the hashes of the last, incomplete tile of every level and the entries of the last bundle:
at most 256 of each, whatever the size of the ledger (C2SP tlog-tiles).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.ledger.head import Head
from audit_ledger.tlog.compact_range import CompactRange
from audit_ledger.tlog.entry_bundle import pack_entry_bundle, parse_entry_bundle
from audit_ledger.tlog.rfc6962 import HASH_SIZE, leaf_hashes
from audit_ledger.tlog.tile_proofs import RightEdge
from audit_ledger.tlog.tiles import TILE_WIDTH, EntryBundle, Tile, partial_tile_at, split_hashes

ReadObject = Callable[[str], bytes | None]
"""Return the bytes of a published path, None where there is nothing."""


class TileWriter:
    """A published tree that grows. After each block it reports which objects became full."""

    def __init__(self, edge: RightEdge, entries: Sequence[bytes] = ()) -> None:
        self._edge = edge
        self._entries = list(entries)
        self._partial: dict[int, tuple[Tile, bytes]] = {}

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._edge.size

    @classmethod
    def read(cls, head: Head, read: ReadObject) -> "TileWriter":
        """Read the right edge of what is published and verify it against the head.

        Raises VerificationError, which names a tile or bundle that is missing or not as signed.
        """
        edge = RightEdge.read(head.size, lambda tile: _read_tile(tile, head, read))
        last = partial_tile_at(0, head.size)
        return cls(edge, _read_entries(last, head, read) if last else ())

    def extend(
        self, entries: Sequence[bytes], leaves: Sequence[bytes]
    ) -> Iterator[tuple[str, bytes]]:
        """Append a block's entries and leaf hashes; yield path and bytes of what became full."""
        self._entries += entries
        index = self._edge.size // TILE_WIDTH
        while len(self._entries) >= TILE_WIDTH:
            yield (
                EntryBundle(index, TILE_WIDTH).path,
                pack_entry_bundle(self._entries[:TILE_WIDTH]),
            )
            del self._entries[:TILE_WIDTH]
            index += 1
        for tile, data in self._edge.extend(leaves):
            if tile.is_full:
                self._partial.pop(tile.level, None)
                yield tile.path, data
            else:
                self._partial[tile.level] = (tile, data)

    def partial_objects(self, old_size: int) -> Iterator[tuple[str, bytes]]:
        """Return path and bytes of the partial tiles and bundle that `old_size` had not."""
        if self._entries and self.size != old_size:
            bundle = EntryBundle(self.size // TILE_WIDTH, len(self._entries))
            yield bundle.path, pack_entry_bundle(self._entries)
        for tile, data in self._partial.values():
            if tile != partial_tile_at(tile.level, old_size):
                yield tile.path, data


def _read_tile(tile: Tile, head: Head, read: ReadObject) -> bytes:
    """Read a partial tile, whose hashes must add up to their part of the head's frontier."""
    length = tile.width * HASH_SIZE
    data = read(tile.path)
    if data is None:
        data = _read_full(tile.path, Tile(tile.level, tile.index, TILE_WIDTH).path, read)[:length]
    if len(data) != length:
        raise VerificationError(f"{tile.path}: {len(data)} bytes, expected {length}")
    subtrees = CompactRange()
    subtrees.extend(split_hashes(data))
    first = (head.size >> (8 * (tile.level + 1))).bit_count()
    if subtrees.hashes != head.frontier[first : first + tile.width.bit_count()]:
        raise VerificationError(f"{tile.path}: not the hashes of the published root")
    return data


def _read_entries(tile: Tile, head: Head, read: ReadObject) -> list[bytes]:
    """Read the entries of a partial tile of level 0."""
    path = EntryBundle(tile.index, tile.width).path
    data = read(path)
    try:
        if data is not None:
            entries = parse_entry_bundle(data, tile.width)
        else:
            full = _read_full(path, EntryBundle(tile.index, TILE_WIDTH).path, read)
            entries = parse_entry_bundle(full)[: tile.width]
    except FormatError as error:
        raise VerificationError(f"{path}: {error}") from None
    if b"".join(leaf_hashes(entries)) != _read_tile(tile, head, read):
        raise VerificationError(f"{path}: not the entries of the tile above")
    return entries


def _read_full(partial: str, full: str, read: ReadObject) -> bytes:
    """Read the full object that took a partial one's place (C2SP tlog-tiles)."""
    data = read(full)
    if data is None:
        raise VerificationError(f"{partial}: missing, and no full one in its place")
    return data


ListNames = Callable[[str, str], Iterable[str]]
"""Return the paths below a folder that sort behind a path."""


def superseded(old_size: int, size: int, names: ListNames) -> Iterator[str]:
    """Return the partial tiles and bundles of all that became full between two sizes.

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


def _partials(full: Sequence[str], names: ListNames) -> Iterator[str]:
    """Return the remaining partial forms of full tiles, with one listing for each 1,000."""
    folders: dict[str, list[str]] = {}
    for path in full:
        folders.setdefault(path[: path.rindex("/") + 1], []).append(path)
    for folder, paths in folders.items():
        outgrown = {f"{path}.p" for path in paths}
        for name in names(folder, paths[0]):
            if name.rpartition("/")[0] in outgrown:
                yield name
