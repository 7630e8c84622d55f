"""Go's sumdb accepts receipts of the API, and rejects them with anything changed.

The Go program parses the proof (C2SP tlog-proof) itself; here its text is split into lines.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.conftest import DemoRun
from tests.interop.go_tools import GoTools, Verdict

LEDGERS = ("st-elsewhere", "riverside-lab")


@dataclass(frozen=True)
class Proof:
    """The parts of a tlog-proof's text."""

    extra: bytes
    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    @staticmethod
    def read(path: Path) -> "Proof":
        """Split a file into its parts."""
        header, _, checkpoint = path.read_text().partition("\n\n")
        magic, extra, index, *hashes = header.split("\n")
        assert magic == "c2sp.org/tlog-proof@v1"
        return Proof(
            b64decode(extra.removeprefix("extra ")),
            int(index.removeprefix("index ")),
            tuple(map(b64decode, hashes)),
            checkpoint,
        )

    @property
    def size(self) -> int:
        """The size that the checkpoint states."""
        return int(self.checkpoint.split("\n")[1])

    def write(self, path: Path) -> Path:
        """Write a file of the parts."""
        lines = [
            "c2sp.org/tlog-proof@v1",
            f"extra {b64encode(self.extra).decode()}",
            f"index {self.index}",
            *(b64encode(hash_).decode() for hash_ in self.hashes),
        ]
        path.write_text("\n".join(lines) + "\n\n" + self.checkpoint)
        return path


@dataclass(frozen=True)
class Receipt:
    """The demo's receipt of one event, and the files that the ledger published."""

    demo: Path
    ledger_id: str

    @property
    def file(self) -> Path:
        """The receipt's path."""
        return self.demo / "receipts" / f"{self.ledger_id}.tlog-proof"

    @property
    def policy(self) -> Path:
        """The path of the policy."""
        return self.demo / f"{self.ledger_id}.policy"

    @property
    def proof(self) -> Proof:
        """The parts of the receipt."""
        return Proof.read(self.file)

    def earlier_checkpoints(self) -> list[str]:
        """Return the signed checkpoints of the digests, each after the line `checkpoint`."""
        digests = (self.demo / "published" / self.ledger_id / "digests").glob("*/*/*/*-*")
        notes = (digest.read_text().partition("\ncheckpoint\n")[2] for digest in sorted(digests))
        # The digest's own signature follows, after an empty line of its own.
        return [note.rpartition("\n\n")[0] + "\n" for note in notes]


@pytest.fixture(params=LEDGERS)
def receipt(request: pytest.FixtureRequest, demo: DemoRun) -> Receipt:
    """Return the receipt that the demo requested over the API, of each ledger."""
    assert demo.exit_status == 0, demo.output
    return Receipt(demo.build, request.param)


def test_sumdb_verifies_a_receipt_of_the_api(go_tools: GoTools, receipt: Receipt) -> None:
    """The proof contains the entry; the holder's file contains the same."""
    verdict = go_tools.ledgerverify_receipt(receipt.policy, receipt.file)
    proof = receipt.proof
    assert f" entry {proof.index} of {proof.size} " in verdict.output
    assert verdict.exit_status == 0
    record = json.loads(receipt.file.with_name(f"{receipt.ledger_id}.record.json").read_text())
    assert b64decode(record["entry"]) == proof.extra
    assert json.loads(proof.extra)["seq"] == proof.index


def test_a_proof_that_is_split_and_written_is_unchanged(receipt: Receipt, tmp_path: Path) -> None:
    """So the tests below reject a proof only because of their change."""
    copy = receipt.proof.write(tmp_path / "copy")
    assert copy.read_bytes() == receipt.file.read_bytes()


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _other_root(proof: Proof) -> Proof:
    origin, size, root, rest = proof.checkpoint.split("\n", 3)
    root = b64encode(_flipped(b64decode(root), 0)).decode()
    return replace(proof, checkpoint="\n".join((origin, size, root, rest)))


def _other_size(proof: Proof) -> Proof:
    origin, size, rest = proof.checkpoint.split("\n", 2)
    return replace(proof, checkpoint=f"{origin}\n{int(size) + 1}\n{rest}")


CHANGES: dict[str, tuple[Callable[[Proof], Proof], str]] = {
    "the index before": (lambda p: replace(p, index=p.index - 1), "proof of entry"),
    "the index after": (lambda p: replace(p, index=p.index + 1), "proof of entry"),
    "an index beyond the ledger": (lambda p: replace(p, index=p.size), "proof of entry"),
    "the first hash": (
        lambda p: replace(p, hashes=(_flipped(p.hashes[0], 0), *p.hashes[1:])),
        "proof of entry",
    ),
    "the last hash": (
        lambda p: replace(p, hashes=(*p.hashes[:-1], _flipped(p.hashes[-1], 31))),
        "proof of entry",
    ),
    "two hashes swapped": (
        lambda p: replace(p, hashes=(p.hashes[1], p.hashes[0], *p.hashes[2:])),
        "proof of entry",
    ),
    "a hash too few": (lambda p: replace(p, hashes=p.hashes[:-1]), "proof of entry"),
    "a hash too many": (lambda p: replace(p, hashes=(*p.hashes, bytes(32))), "proof of entry"),
    "the entry": (lambda p: replace(p, extra=_flipped(p.extra, 8)), "proof of entry"),
    "no entry": (lambda p: replace(p, extra=b""), "proof of entry"),
    "the checkpoint's root": (_other_root, "invalid signature"),
    "the checkpoint's size": (_other_size, "invalid signature"),
    "a checkpoint without signatures": (
        lambda p: replace(p, checkpoint=p.checkpoint.partition("\n\n")[0] + "\n\n"),
        "checkpoint: ",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_sumdb_rejects_a_receipt_with_anything_changed(
    go_tools: GoTools, receipt: Receipt, tmp_path: Path, what: str
) -> None:
    change, reason = CHANGES[what]
    changed = change(receipt.proof)
    assert changed != receipt.proof
    _assert_rejected(_verified(go_tools, receipt, changed, tmp_path), reason)


def test_sumdb_rejects_a_checkpoint_of_another_size(
    go_tools: GoTools, receipt: Receipt, tmp_path: Path
) -> None:
    """Although it is of the same ledger, with valid signatures."""
    proof = receipt.proof
    others = [c for c in receipt.earlier_checkpoints() if c != proof.checkpoint]
    assert len(others) >= 5
    for checkpoint in others:
        other = replace(proof, checkpoint=checkpoint)
        assert other.size < proof.size
        _assert_rejected(_verified(go_tools, receipt, other, tmp_path), "proof of entry")


def test_earlier_checkpoints_cover_the_entry_of_one_receipt(demo: DemoRun) -> None:
    """So the test above has proofs with wrong hashes, not only a wrong index."""
    receipt = Receipt(demo.build, "riverside-lab")
    sizes = [replace(receipt.proof, checkpoint=c).size for c in receipt.earlier_checkpoints()]
    assert min(sizes) > receipt.proof.index


def test_sumdb_rejects_a_receipt_of_another_ledger(
    go_tools: GoTools, receipt: Receipt, demo: DemoRun, tmp_path: Path
) -> None:
    """Neither its unchanged proof, nor one with this ledger's checkpoint, is accepted."""
    (other_id,) = (each for each in LEDGERS if each != receipt.ledger_id)
    other = Receipt(demo.build, other_id)
    assert go_tools.ledgerverify_receipt(other.policy, other.file).exit_status == 0
    _assert_rejected(_verified(go_tools, receipt, other.proof, tmp_path), "checkpoint: ")
    mixed = replace(other.proof, checkpoint=receipt.proof.checkpoint)
    _assert_rejected(_verified(go_tools, receipt, mixed, tmp_path), "proof of entry")


def _verified(go_tools: GoTools, receipt: Receipt, proof: Proof, tmp_path: Path) -> Verdict:
    """Verify a proof with Go under the policy of the receipt's ledger."""
    return go_tools.ledgerverify_receipt(receipt.policy, proof.write(tmp_path / "proof"))


def _assert_rejected(verdict: Verdict, reason: str) -> None:
    assert verdict.exit_status == 1, verdict.output
    assert verdict.output.startswith("FAILED ")
    assert reason in verdict.output
