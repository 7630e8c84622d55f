"""RFC 6962, Section 2.1: Merkle tree hashes, and the verification of inclusion and consistency.

    MTH({})   = SHA-256()
    MTH({d})  = SHA-256(0x00 ‖ d)                            leaf hash
    MTH(D[n]) = SHA-256(0x01 ‖ MTH(D[0:k]) ‖ MTH(D[k:n]))    node hash; k: largest power of two < n

Proofs are verified step by step as RFC 9162, Sections 2.1.3.2 and 2.1.4.2, spells it out. Hashes
are 32 bytes. Leaf and node hashes are the hot loop of everything else; concatenating and hashing
in one call measured as fast as copying a hasher that was fed the prefix, and is simpler.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from hmac import compare_digest

from audit_ledger.tlog.errors import FormatError, LedgerError, VerificationError

HASH_SIZE = 32
EMPTY_ROOT = sha256().digest()
MAX_SIZE = 2**63 - 1  # entries a log can have (tlog-checkpoint implementations count in int64)


def leaf_hash(entry: bytes) -> bytes:
    """Return the leaf hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hashes of entries, in order, without a call for each."""
    digest = sha256
    return [digest(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two neighbouring subtrees."""
    return sha256(b"\x01" + left + right).digest()


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf hash is at `index` (from 0) in the tree of `size` leaves.

    `proof` goes from the leaf's sibling up to the root's child. Raises VerificationError.
    """
    if not 0 <= index < size:
        raise VerificationError(f"inclusion: no index {index} in a tree of size {size}")
    check_hashes((leaf, *proof, root), "inclusion", VerificationError)
    node, last = index, size - 1
    found = leaf
    for sibling in proof:
        if last == 0:
            raise VerificationError("inclusion: the proof is longer than the tree is high")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        node >>= 1
        last >>= 1
    if last != 0:
        raise VerificationError("inclusion: the proof is shorter than the tree is high")
    if not compare_digest(found, root):
        raise VerificationError(f"inclusion: the proof for index {index} gives another root")


def verify_consistency(
    size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes
) -> None:
    """Check that the tree of `size1` leaves is a prefix of the tree of `size2` leaves.

    The empty tree is a prefix of every tree: its root is EMPTY_ROOT and its proof is empty. For
    equal sizes nothing is hashed: the proof is empty and the roots are equal. Raises
    VerificationError.
    """
    if not 0 <= size1 <= size2:
        raise VerificationError(f"consistency: no proof from size {size1} to size {size2}")
    if size1 in (0, size2):
        _verify_consistency_of_roots(size1, size2, proof, root1, root2)
        return
    check_hashes((root1, *proof, root2), "consistency", VerificationError)
    # A complete subtree that is the whole old tree is known already and left out of the proof.
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    if not path:
        raise VerificationError("consistency: the proof is empty")
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node >>= 1
        last >>= 1
    found1 = found2 = path[0]
    for hash_ in path[1:]:
        if last == 0:
            raise VerificationError("consistency: the proof is longer than the tree is high")
        if node & 1 or node == last:
            found1 = node_hash(hash_, found1)
            found2 = node_hash(hash_, found2)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found2 = node_hash(found2, hash_)
        node >>= 1
        last >>= 1
    if last != 0:
        raise VerificationError("consistency: the proof is shorter than the tree is high")
    if not compare_digest(found1, root1):
        raise VerificationError(f"consistency: the proof gives another root at size {size1}")
    if not compare_digest(found2, root2):
        raise VerificationError(f"consistency: the proof gives another root at size {size2}")


def _verify_consistency_of_roots(
    size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes
) -> None:
    if proof:
        raise VerificationError("consistency: the proof should be empty")
    if size1 == 0 and not compare_digest(root1, EMPTY_ROOT):
        raise VerificationError("consistency: the root at size 0 is not the empty tree's")
    if size1 == size2:
        if not compare_digest(root1, root2):
            raise VerificationError(f"consistency: two different roots at size {size1}")
    else:
        check_hashes((root2,), "consistency", VerificationError)


def check_hashes(
    hashes: Iterable[bytes], what: str, error: type[LedgerError] = FormatError
) -> None:
    """Raise `error`, about `what`, unless each hash is of 32 bytes."""
    for size in set(map(len, hashes)) - {HASH_SIZE}:
        raise error(f"{what}: a hash of {size} bytes, expected {HASH_SIZE}")
