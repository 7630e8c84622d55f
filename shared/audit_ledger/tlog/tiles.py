"""C2SP tlog-tiles, Merkle tree tiles: their paths, their hashes, their roots.

tile/<L>/<N>[.p/<W>]          up to 256 hashes of 32 bytes; level 0 contains leaf hashes; each hash
                              of level L+1 is the Merkle tree hash of a full tile of level L
tile/entries/<N>[.p/<W>]      entry bundle: the entries below the level 0 tile of the same N

tile/0/000  tile/0/x001/x234/067  tile/63/005.p/255  tile/entries/x001/067.p/3
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from audit_ledger.tlog.errors import FormatError
from audit_ledger.tlog.rfc6962 import EMPTY_ROOT, HASH_SIZE, MAX_SIZE

CHECKPOINT = "checkpoint"  # path of the newest signed checkpoint
TILE_HEIGHT = 8
TILE_WIDTH = 256
_MAX_LEVEL = 63

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


@dataclass(frozen=True, order=True)
class Tile:
    """The first `width` hashes of the `index`-th tile of a level. FormatError: out of range."""

    level: int
    index: int
    width: int

    def __post_init__(self) -> None:
        """Raise FormatError for values that have no path."""
        if not 0 <= self.level <= _MAX_LEVEL:
            raise FormatError(f"tile: level {self.level}, expected 0 to {_MAX_LEVEL}")
        _check_place(self.index, self.width)

    @property
    def path(self) -> str:
        """The path at which it is served, below the log's prefix: `tile/0/x001/067.p/3`."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"

    @property
    def is_full(self) -> bool:
        """Whether it contains 256 hashes and never changes again."""
        return self.width == TILE_WIDTH


@dataclass(frozen=True, order=True)
class EntryBundle:
    """The first `width` entries of the `index`-th bundle. FormatError: out of range."""

    index: int
    width: int

    def __post_init__(self) -> None:
        """Raise FormatError for values that have no path."""
        _check_place(self.index, self.width)

    @property
    def path(self) -> str:
        """The path at which it is served, below the log's prefix: `tile/entries/x001/067.p/3`."""
        return f"tile/entries/{_place(self.index, self.width)}"

    @property
    def is_full(self) -> bool:
        """Whether it contains 256 entries and never changes again."""
        return self.width == TILE_WIDTH


def parse_tile_path(path: str) -> Tile | EntryBundle:
    """Read the `path` of a tile or entry bundle; FormatError for anything else."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise FormatError("tile path: not of the form tile/<L>/<N>[.p/<W>]")
    kind, place, partial_width = match.groups()
    index = int(place.replace("x", "").replace("/", ""))
    width = TILE_WIDTH if partial_width is None else int(partial_width)
    tile = EntryBundle(index, width) if kind == "entries" else Tile(int(kind), index, width)
    if tile.path != path:
        raise FormatError("tile path: not in canonical form")
    return tile


def partial_tile_at(level: int, size: int) -> Tile | None:
    """Return the partial tile at the right edge of a level, None if it ends in a full one."""
    hashes = size >> (TILE_HEIGHT * level)
    if hashes % TILE_WIDTH == 0:
        return None
    return Tile(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH)


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over up to 256 hashes (32 bytes each) as leaves or subtree roots.

    Level by level, an unpaired last node rises unchanged: the same tree as RFC 6962's split at the
    largest power of two. So the last hash may be that of an incomplete subtree.
    """
    if len(hashes) > TILE_WIDTH:
        raise FormatError(f"subtree: {len(hashes)} hashes, at most {TILE_WIDTH}")
    if not hashes:
        return EMPTY_ROOT
    digest = sha256
    nodes = hashes
    while len(nodes) > 1:
        pairs = iter(nodes)
        above = [
            digest(b"\x01" + left + right).digest()
            for left, right in zip(pairs, pairs, strict=False)  # an odd last one has no pair
        ]
        if len(nodes) & 1:
            above.append(nodes[-1])
        nodes = above
    return nodes[0]


def split_hashes(data: bytes) -> list[bytes]:
    """Split a tile's bytes into its 1 to 256 hashes; raises FormatError."""
    if not 0 < len(data) <= TILE_WIDTH * HASH_SIZE or len(data) % HASH_SIZE:
        raise FormatError(f"tile: {len(data)} bytes are not 1 to {TILE_WIDTH} whole hashes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def _place(index: int, width: int) -> str:
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def _check_place(index: int, width: int) -> None:
    if not 0 <= index <= MAX_SIZE:
        raise FormatError(f"tile: index {index} is out of range")
    if not 1 <= width <= TILE_WIDTH:
        raise FormatError(f"tile: width {width}, expected 1 to {TILE_WIDTH}")
