"""Compact range: the roots of the complete subtrees that make up a tree, largest first.

For a tree of n leaves these are one hash for each set bit of n (RFC 6962, Section 2.1: the tree
splits at the largest power of two). They suffice to append and to compute the root, in O(log n)
memory.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import islice

from audit_ledger.tlog.errors import FormatError
from audit_ledger.tlog.rfc6962 import EMPTY_ROOT, MAX_SIZE, check_hashes, node_hash

_LEAVES_PER_BATCH = 4096  # hashed level by level: no bookkeeping per leaf, 128 KB at most


class CompactRange:
    """A growing tree, represented by the roots of its complete subtrees."""

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Resume at `size` leaves; `hashes`: 32 bytes for each set bit of size, largest first."""
        if not 0 <= size <= MAX_SIZE:
            raise FormatError(f"compact range: size {size} is out of range")
        if len(hashes) != size.bit_count():
            raise FormatError(
                f"compact range: {len(hashes)} hashes, size {size} has {size.bit_count()}"
            )
        check_hashes(hashes, "compact range")
        self._size = size
        self._hashes = list(hashes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees, largest first."""
        return tuple(self._hashes)

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf hash (32 bytes)."""
        check_hashes((leaf_hash,), "compact range")
        hashes = self._hashes
        size = self._size
        while size & 1:
            leaf_hash = node_hash(hashes.pop(), leaf_hash)
            size >>= 1
        hashes.append(leaf_hash)
        self._size += 1

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaf hashes (32 bytes each) in order."""
        remaining = iter(leaf_hashes)
        while leaves := list(islice(remaining, _LEAVES_PER_BATCH)):
            check_hashes(leaves, "compact range")
            self._extend_by_levels(leaves)

    def _extend_by_levels(self, nodes: list[bytes]) -> None:
        digest = sha256
        hashes = self._hashes
        size = self._size
        self._size += len(nodes)
        smallest_first: list[bytes] = []
        while nodes:
            if size & 1:
                nodes.insert(0, hashes.pop())
            if len(nodes) & 1:
                smallest_first.append(nodes.pop())
            pairs = iter(nodes)
            nodes = [
                digest(b"\x01" + left + right).digest()
                for left, right in zip(pairs, pairs, strict=True)
            ]
            size >>= 1
        hashes.extend(reversed(smallest_first))

    def root(self) -> bytes:
        """Return the tree's Merkle tree hash."""
        if not self._hashes:
            return EMPTY_ROOT
        smallest_first = reversed(self._hashes)
        root = next(smallest_first)
        for larger in smallest_first:
            root = node_hash(larger, root)
        return root
