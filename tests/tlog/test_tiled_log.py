"""A whole log that others made, in tlog-tiles form, at each of its sizes."""

from pathlib import Path

import pytest

from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.compact_range import CompactRange
from audit_ledger.tlog.entry_bundle import pack_entry_bundle, parse_entry_bundle
from audit_ledger.tlog.note import open_note, parse_verifier_key
from audit_ledger.tlog.policy import parse_policy
from audit_ledger.tlog.proof import TlogProof, parse_proof, verify_proof
from audit_ledger.tlog.rfc6962 import leaf_hashes, verify_consistency, verify_inclusion
from audit_ledger.tlog.tile_proofs import (
    ReadTile,
    RightEdge,
    consistency_proof,
    inclusion_proof,
)
from audit_ledger.tlog.tiles import EntryBundle, Tile, split_hashes

ORIGIN = "example.com/log/testdata"
VKEY = f"{ORIGIN}+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


@pytest.fixture(scope="module")
def log(shared_dir: Path) -> Path:
    return shared_dir / "vectors/tlog-tiles"


def tiles_in(log: Path) -> ReadTile:
    return lambda tile: (log / tile.path).read_bytes()


def root_at(log: Path, size: int) -> bytes:
    """The root that the log signed."""
    note, _ = open_note((log / f"checkpoint.{size}").read_bytes(), [parse_verifier_key(VKEY)])
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, size)
    return checkpoint.root


def entries_at(log: Path, size: int) -> list[bytes]:
    if size == 0:
        return []
    bundle = (log / EntryBundle(0, size).path).read_bytes()
    entries = parse_entry_bundle(bundle, size)
    assert pack_entry_bundle(entries) == bundle
    return entries


@pytest.mark.parametrize("size", range(16))
def test_signed_root_is_that_of_tiles_and_entries(log: Path, size: int) -> None:
    """Checkpoint, tiles and entry bundle of each size agree."""
    leaves = leaf_hashes(entries_at(log, size))
    compact = CompactRange()
    compact.extend(leaves)
    assert compact.root() == root_at(log, size) == RightEdge.read(size, tiles_in(log)).root()
    if size:
        assert split_hashes((log / Tile(0, 0, size).path).read_bytes()) == leaves


@pytest.mark.parametrize("size", range(1, 16))
def test_proofs_verify_against_the_signed_root(log: Path, size: int) -> None:
    """Inclusion of each entry, and consistency with each size before."""
    read = tiles_in(log)
    root = root_at(log, size)
    for index, leaf in enumerate(leaf_hashes(entries_at(log, size))):
        verify_inclusion(leaf, index, size, inclusion_proof(index, size, read), root)
        old = root_at(log, index)
        verify_consistency(index, size, consistency_proof(index, size, read), old, root)


@pytest.mark.parametrize("size", range(16))
def test_right_edge_grows_to_the_published_tiles(log: Path, size: int) -> None:
    """From each size to the last, the bytes that others published."""
    edge = RightEdge.read(size, tiles_in(log))
    leaves = leaf_hashes(entries_at(log, 15))[size:]
    for tile, data in edge.extend(leaves):
        assert data == (log / tile.path).read_bytes()
    assert edge.root() == root_at(log, 15)


def test_newest_checkpoint_is_the_largest(log: Path) -> None:
    """The file `checkpoint` is the one of size 15."""
    assert (log / "checkpoint").read_bytes() == (log / "checkpoint.15").read_bytes()


def test_receipt_of_others_log_verifies(log: Path) -> None:
    """A tlog-proof made from the tiles is valid offline under a policy."""
    policy = parse_policy(f"log {VKEY}\nquorum none\n".encode())
    for index, leaf in enumerate(leaf_hashes(entries_at(log, 15))):
        hashes = inclusion_proof(index, 15, tiles_in(log))
        proof = TlogProof(index, tuple(hashes), (log / "checkpoint").read_bytes())
        assert verify_proof(parse_proof(proof.to_bytes()), leaf, policy).satisfied
