"""RFC 6962, Section 2.1, as its text defines it: recursions over the whole list of leaf hashes.

Slow, in memory and written only from the definitions, so that the package can be checked against
it. Leaves are given as leaf hashes.
"""

from hashlib import sha256


def largest_power_of_two_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(leaves: list[bytes]) -> bytes:
    """MTH(D[n])"""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_of_two_below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])"""
    if len(leaves) == 1:
        return []
    k = largest_power_of_two_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: list[bytes]) -> list[bytes]:
    """PROOF(m, D[n])"""
    return subproof(m, leaves, known=True)


def subproof(m: int, leaves: list[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)"""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = largest_power_of_two_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known=known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], known=False), mth(leaves[:k])]


def tiles(leaves: list[bytes]) -> dict[tuple[int, int, int], bytes]:
    """All tiles of tlog-tiles, (level, index, width) to bytes, by its formal definition.

    Hash i of tile n at level l is MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]).
    """
    found: dict[tuple[int, int, int], bytes] = {}
    level = 0
    hashes = leaves
    while hashes:
        for start in range(0, len(hashes), 256):
            part = hashes[start : start + 256]
            found[level, start // 256, len(part)] = b"".join(part)
        whole = len(hashes) // 256 * 256
        hashes = [mth(hashes[start : start + 256]) for start in range(0, whole, 256)]
        level += 1
    return found


def tile_places(size: int) -> list[tuple[int, int, int]]:
    """Level, index and width of all tiles of a log of that size: each level's hashes, cut up."""
    found = []
    level = 0
    while hashes := size // 256**level:
        found += [(level, at // 256, min(256, hashes - at)) for at in range(0, hashes, 256)]
        level += 1
    return found


def synthetic_leaves(count: int) -> list[bytes]:
    """Leaf hashes that all differ."""
    return [sha256(b"leaf %d" % number).digest() for number in range(count)]
