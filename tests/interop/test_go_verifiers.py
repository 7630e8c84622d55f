"""Third-party verifiers accept a published ledger, and reject it with one bit flipped.

sumdb is the Go module mirror's transparency log, tessera the transparency-dev project's; neither
shares code with this project, and ML-DSA-44 is verified by another implementation than Python's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit_ledger.tlog.entry_bundle import parse_entry_bundle
from audit_ledger.tlog.proof import TlogProof
from audit_ledger.tlog.tile_proofs import inclusion_proof
from audit_ledger.tlog.tiles import Tile
from tests.interop.go_tools import GoTools
from tests.interop.published_ledger import PublishedLedger

TESSERA_TEST_LOG = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


def _fsck_success(ledger: PublishedLedger) -> str:
    size, root = ledger.size_and_root
    return f"Successfully fsck'd log with size {size} and root {root} "


def test_sumdb_verifies_a_published_ledger(go_tools: GoTools, ledger: PublishedLedger) -> None:
    """Both signatures, every entry, tile and link are valid, and the tiles yield valid proofs."""
    verdict = go_tools.ledgerverify(ledger, "-links")
    size, root = ledger.size_and_root
    assert verdict.output.startswith("OK ")
    assert f" size {size} root {root} " in verdict.output
    assert verdict.exit_status == 0


def test_sumdb_counts_the_mldsa44_cosignature(go_tools: GoTools, ledger: PublishedLedger) -> None:
    """A policy that requires the ML-DSA-44 key is met only because that signature verifies."""
    witnesses = [line.split()[1] for line in _policy_lines(ledger, "witness")]
    verdict = go_tools.ledgerverify(ledger)
    _, signers = verdict.output.rstrip().split(" signed by ")
    assert set(witnesses) <= set(signers.split())


def test_tessera_fsck_finds_a_published_ledger_whole(
    go_tools: GoTools, ledger: PublishedLedger, tmp_path: Path
) -> None:
    """It reports success for the checkpoint's size and root."""
    verdict = go_tools.fsck(ledger, tmp_path / "vkey")
    assert _fsck_success(ledger) in verdict.output
    assert "fsck failed" not in verdict.output
    status = go_tools.fsckstatus(ledger, tmp_path / "vkey")
    assert status.exit_status == 0


def test_sumdb_verifies_a_log_of_others(
    go_tools: GoTools, shared_dir: Path, tmp_path: Path
) -> None:
    """The Go program does not merely mirror the Python: it verifies tessera's test log too."""
    policy = tmp_path / "policy"
    policy.write_text(f"log {TESSERA_TEST_LOG}\nquorum none\n")
    log = PublishedLedger(shared_dir / "vectors" / "tlog-tiles", policy)
    verdict = go_tools.ledgerverify(log)
    assert verdict.output.startswith("OK example.com/log/testdata size 15 ")
    assert go_tools.ledgerverify(log, "-links").exit_status == 1  # its entries are plain words


@dataclass(frozen=True)
class Damage:
    """The file and offset of one flipped bit."""

    path: Callable[[PublishedLedger], str]
    offset: Callable[[bytes], int]


def _full(kind: str) -> Callable[[PublishedLedger], str]:
    """Return a function to the path of the newest full tile or entry bundle of level 0."""

    def path(ledger: PublishedLedger) -> str:
        count = ledger.size_and_root[0] // 256
        assert count, "a ledger to damage has a full tile"
        return _path(kind, count - 1, 256)

    return path


def _newest(kind: str, level: int = 0) -> Callable[[PublishedLedger], str]:
    """Return a function to the path of the tile or bundle at the right edge, usually partial."""

    def path(ledger: PublishedLedger) -> str:
        hashes = ledger.size_and_root[0] >> (8 * level)
        assert hashes, f"a ledger to damage has a tile of level {level}"
        index = (hashes - 1) // 256
        return _path(kind, index, hashes - 256 * index)

    return path


def _path(kind: str, index: int, width: int) -> str:
    """Return the path of a tile or bundle, computed independently from C2SP tlog-tiles."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *first, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    name = "".join(f"x{three}/" for three in first) + last
    return f"tile/{kind}/{name}" + (f".p/{width}" if width < 256 else "")


def _checkpoint(_: PublishedLedger) -> str:
    return "checkpoint"


def _middle(data: bytes) -> int:
    return len(data) // 2


def _late_letter(data: bytes) -> int:
    """Return the offset of a late base64 digit that remains one with its lowest bit flipped."""
    return max(at for at, digit in enumerate(data[:-10]) if chr(digit) in "bcdefghijklmnopqrst")


DAMAGES = {
    "an entry": Damage(_full("entries"), _middle),
    "an entry of the newest bundle": Damage(_newest("entries"), _middle),
    "the length of an entry": Damage(_newest("entries"), lambda _: 1),
    "a leaf hash": Damage(_full("0"), _middle),
    "the newest leaf hash": Damage(_newest("0"), lambda data: len(data) - 1),
    "a hash of tile level 1": Damage(_newest("1", level=1), _middle),
    "the checkpoint's origin": Damage(_checkpoint, lambda _: 0),
    "the checkpoint's size": Damage(_checkpoint, lambda data: data.index(b"\n") + 1),
    "the checkpoint's root": Damage(_checkpoint, lambda data: data.index(b"\n\n") - 9),
    "the checkpoint's signature": Damage(
        _checkpoint, lambda data: data.index(b"\n", data.index(b"\n\n") + 2) - 9
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_one_flipped_bit_is_rejected_by_all(
    go_tools: GoTools, ledger: PublishedLedger, tmp_path: Path, what: str
) -> None:
    """Neither sumdb nor tessera accepts a copy in which a single bit differs."""
    damaged = ledger.copy(tmp_path / "published")
    damaged.damage(DAMAGES[what].path(ledger), DAMAGES[what].offset)
    sumdb = go_tools.ledgerverify(damaged)
    assert sumdb.exit_status == 1
    assert sumdb.output.startswith("FAILED ")
    assert "Successfully" not in go_tools.fsck(damaged, tmp_path / "vkey").output
    assert go_tools.fsckstatus(damaged, tmp_path / "vkey").exit_status == 1


def test_a_flipped_bit_in_the_mldsa44_cosignature_is_rejected(
    go_tools: GoTools, ledger: PublishedLedger, tmp_path: Path
) -> None:
    """If the policy has the key, a bad cosignature invalidates the whole checkpoint."""
    damaged = ledger.copy(tmp_path / "published")
    damaged.damage("checkpoint", _late_letter)
    verdict = go_tools.ledgerverify(damaged)
    assert verdict.exit_status == 1
    assert "invalid signature" in verdict.output


def test_a_checkpoint_without_its_mldsa44_cosignature_misses_the_quorum(
    go_tools: GoTools, ledger: PublishedLedger, tmp_path: Path
) -> None:
    """The Ed25519 signature alone does not satisfy a policy that requires both."""
    copy = ledger.copy(tmp_path / "published")
    signed = (copy.folder / "checkpoint").read_bytes()
    text, _, signatures = signed.partition(b"\n\n")
    first = signatures.splitlines(keepends=True)[0]
    (copy.folder / "checkpoint").write_bytes(text + b"\n\n" + first)
    verdict = go_tools.ledgerverify(copy)
    assert verdict.exit_status == 1
    assert "quorum" in verdict.output


@pytest.mark.parametrize("place", [0.0, 0.4, 1.0])
def test_sumdb_verifies_a_receipt(
    go_tools: GoTools, ledger: PublishedLedger, tmp_path: Path, place: float
) -> None:
    """A tlog-proof made from tiles proves its entry, and no other."""
    size, _ = ledger.size_and_root
    index = int(place * (size - 1))

    def read(tile: Tile) -> bytes:
        return (ledger.folder / tile.path).read_bytes()

    proof = TlogProof(
        index,
        tuple(inclusion_proof(index, size, read)),
        (ledger.folder / "checkpoint").read_bytes(),
    )
    (tmp_path / "receipt.tlog-proof").write_bytes(proof.to_bytes())
    entry = _entry(ledger, index, size)
    (tmp_path / "entry").write_bytes(entry)
    (tmp_path / "other").write_bytes(entry + b" ")
    receipt = (ledger.policy, tmp_path / "receipt.tlog-proof")
    proved = go_tools.ledgerverify_receipt(*receipt, tmp_path / "entry")
    assert f" entry {index} of {size} " in proved.output
    assert proved.exit_status == 0
    refused = go_tools.ledgerverify_receipt(*receipt, tmp_path / "other")
    assert refused.exit_status == 1


def _entry(ledger: PublishedLedger, index: int, size: int) -> bytes:
    number, place = divmod(index, 256)
    path = _path("entries", number, min(256, size - number * 256))
    return parse_entry_bundle((ledger.folder / path).read_bytes())[place]


def _policy_lines(ledger: PublishedLedger, keyword: str) -> list[str]:
    lines = ledger.policy.read_text().splitlines()
    return [line for line in lines if line.startswith(f"{keyword} ")]
