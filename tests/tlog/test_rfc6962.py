"""Merkle hashes and proofs against others' vectors and the definitions of RFC 6962."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog import strict_base64
from audit_ledger.tlog.rfc6962 import (
    EMPTY_ROOT,
    leaf_hash,
    leaf_hashes,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.tlog import naive, vectors

INCLUSION = vectors.files("rfc6962/inclusion")
CONSISTENCY = vectors.files("rfc6962/consistency")
LEAVES = naive.synthetic_leaves(40)


def is_valid(data: bytes, verify: Callable[[dict[str, Any], list[bytes]], None]) -> bool:
    """What a reader of proof files answers: a file it cannot read is an invalid proof."""
    try:
        vector = json.loads(data)
        hashes = [strict_base64.decode(hash_) for hash_ in vector["proof"] or ()]
        verify(vector, hashes)
    except (json.JSONDecodeError, FormatError, VerificationError):
        return False
    return True


def verify_inclusion_vector(vector: dict[str, Any], proof: list[bytes]) -> None:
    verify_inclusion(
        strict_base64.decode(vector["leafHash"]),
        vector["leafIdx"],
        vector["treeSize"],
        proof,
        strict_base64.decode(vector["root"]),
    )


def verify_consistency_vector(vector: dict[str, Any], proof: list[bytes]) -> None:
    verify_consistency(
        vector["size1"],
        vector["size2"],
        proof,
        strict_base64.decode(vector["root1"]),
        strict_base64.decode(vector["root2"]),
    )


def test_all_vectors_are_there(shared_dir: Path) -> None:
    """The parametrised tests below run on every vector file, not on a folder that moved."""
    assert shared_dir / "vectors" == vectors.VECTORS
    assert len(INCLUSION) == 98
    assert len(CONSISTENCY) == 98


@pytest.mark.parametrize("file", INCLUSION, ids=vectors.name)
def test_inclusion_vector(file: Path) -> None:
    """Each inclusion proof is valid or not as its vector states."""
    data = file.read_bytes()
    assert is_valid(data, verify_inclusion_vector) is not json.loads(data)["wantErr"]


@pytest.mark.parametrize("file", CONSISTENCY, ids=vectors.name)
def test_consistency_vector(file: Path) -> None:
    """Each consistency proof is valid or not as its vector states."""
    data = file.read_bytes()
    assert is_valid(data, verify_consistency_vector) is not json.loads(data)["wantErr"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty file"),
        pytest.param(b'{"size1": 1, "size2": 1, "root1": "bjQLnP', id="JSON cut short"),
        pytest.param(
            b'{"size1":1,"size2":2,"root1":"bjQL*P==","root2":"","proof":[]}', id="root not base64"
        ),
        pytest.param(
            b'{"size1":1,"size2":2,"root1":"","root2":"","proof":["bjQLnP=="]}',
            id="proof hash not canonical base64",
        ),
    ],
)
def test_consistency_vector_that_is_no_vector(data: bytes) -> None:
    """A consistency proof that cannot even be read is invalid, and nothing crashes."""
    assert not is_valid(data, verify_consistency_vector)


def test_roots_vector(shared_dir: Path) -> None:
    """Leaf and node hashes give the roots of all sizes 0 to 8 that others computed."""
    vector = json.loads((shared_dir / "vectors/rfc6962/roots.json").read_bytes())
    entries = [bytes.fromhex(leaf) for leaf in vector["leaves_hex"]]
    roots = [bytes.fromhex(root) for root in vector["roots_hex"]]
    assert [naive.mth(leaf_hashes(entries[:size])) for size in range(9)] == roots
    assert roots[0] == EMPTY_ROOT


def test_hashes_are_those_of_the_definition() -> None:
    """Leaves and nodes are distinguished by one byte before the hashed bytes."""
    assert leaf_hash(b"entry") == sha256(b"\x00entry").digest()
    assert leaf_hashes([b"", b"entry"]) == [leaf_hash(b""), leaf_hash(b"entry")]
    left, right = bytes(32), b"\xff" * 32
    assert node_hash(left, right) == sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33, 40])
def test_every_inclusion_proof_of_the_definition_verifies(size: int) -> None:
    """PATH(m, D[n]) verifies for every m, and for no other index, leaf, root or size."""
    leaves = LEAVES[:size]
    root = naive.mth(leaves)
    for index in range(size):
        proof = naive.path(index, leaves)
        verify_inclusion(leaves[index], index, size, proof, root)
        wrong: list[tuple[bytes, int, int, list[bytes], bytes]] = [
            (bytes(32), index, size, proof, root),
            (leaves[index], index, size, proof, bytes(32)),
            (leaves[index], index, size, [*proof, bytes(32)], root),
            (leaves[index], index, size, [bytes(32), *proof], root),
            (leaves[index], size, size, proof, root),
            (leaves[index], -1, size, proof, root),
        ]
        wrong += [
            (leaves[index], other, size, proof, root) for other in range(size) if other != index
        ]
        wrong += [(leaves[index], index, size, proof[:-1], root)] if proof else []
        for leaf, place, of, hashes, expected in wrong:
            with pytest.raises(VerificationError):
                verify_inclusion(leaf, place, of, hashes, expected)


@pytest.mark.parametrize("size2", [*range(1, 18), 31, 32, 33, 40])
def test_every_consistency_proof_of_the_definition_verifies(size2: int) -> None:
    """PROOF(m, D[n]) verifies for every m, and not with a hash more, less or changed."""
    root2 = naive.mth(LEAVES[:size2])
    for size1 in range(1, size2 + 1):
        root1 = naive.mth(LEAVES[:size1])
        proof = naive.proof(size1, LEAVES[:size2])
        verify_consistency(size1, size2, proof, root1, root2)
        wrong = [([*proof, bytes(32)], root1, root2), (proof, bytes(32), root2)]
        wrong += [(proof, root1, bytes(32))]
        wrong += [(proof[:-1], root1, root2), (proof[1:], root1, root2)] if proof else []
        for at in range(len(proof)):
            changed = [*proof[:at], sha256(proof[at]).digest(), *proof[at + 1 :]]
            wrong.append((changed, root1, root2))
        for hashes, first, second in wrong:
            with pytest.raises(VerificationError):
                verify_consistency(size1, size2, hashes, first, second)


@pytest.mark.parametrize("size2", [0, 1, 5])
def test_empty_tree_is_a_prefix_of_every_tree(size2: int) -> None:
    """From size 0 the proof is empty, and the root must be the empty tree's."""
    root2 = naive.mth(LEAVES[:size2])
    verify_consistency(0, size2, [], EMPTY_ROOT, root2)
    for proof, root1 in (([], bytes(32)), ([bytes(32)], EMPTY_ROOT)):
        with pytest.raises(VerificationError):
            verify_consistency(0, size2, proof, root1, root2)


@pytest.mark.parametrize(
    ("size1", "size2", "proof", "root1", "root2", "message"),
    [
        (2, 1, [], bytes(32), bytes(32), "no proof from size 2 to size 1"),
        (-1, 1, [], bytes(32), bytes(32), "no proof from size -1"),
        (0, 3, [], EMPTY_ROOT, bytes(31), "a hash of 31 bytes"),
        (2, 3, [bytes(32)], bytes(31), bytes(32), "a hash of 31 bytes"),
        (2, 3, [bytes(33)], bytes(32), bytes(32), "a hash of 33 bytes"),
        (3, 5, [], bytes(32), bytes(32), "the proof is empty"),
        (2, 3, [], bytes(32), bytes(32), "shorter than the tree is high"),
        (3, 3, [bytes(32)], bytes(32), bytes(32), "should be empty"),
        (3, 3, [], bytes(32), b"\x01" * 32, "two different roots at size 3"),
    ],
)
def test_malformed_consistency_proof(
    size1: int, size2: int, proof: list[bytes], root1: bytes, root2: bytes, message: str
) -> None:
    """Each field out of range is named."""
    with pytest.raises(VerificationError, match=message):
        verify_consistency(size1, size2, proof, root1, root2)


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_proofs_of_larger_trees_verify(size: int, data: st.DataObject) -> None:
    """Definition and verifier agree beyond the sizes that are tried one by one."""
    leaves = naive.synthetic_leaves(size)
    index = data.draw(st.integers(0, size - 1))
    verify_inclusion(leaves[index], index, size, naive.path(index, leaves), naive.mth(leaves))
    old = leaves[: index + 1]
    proof = naive.proof(len(old), leaves)
    verify_consistency(len(old), size, proof, naive.mth(old), naive.mth(leaves))
