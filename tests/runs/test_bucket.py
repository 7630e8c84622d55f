"""A root has one answer about a pseudonym: no other rows, and no absence, verify under it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from audit_ledger.errors import VerificationError
from audit_ledger.records.index_row import IndexRow
from audit_ledger.runs.bucket import verify_bucket
from audit_ledger.runs.keyed_run import BucketProof
from audit_ledger.runs.run_id import Coverage, Key, RunId
from tests.runs.rows import ORIGIN, PSEUDONYMS, Runs, make_runs

PATIENT, NEIGHBOUR, ABSENT = PSEUDONYMS[0], PSEUDONYMS[1], b"\x00\x00" + bytes(13) + b"\x05"


def _run() -> RunId:
    return RunId(ORIGIN, "patient", Coverage(0, 0, 16))


def _row(time_ms: int, patient: bytes) -> IndexRow:
    return IndexRow(
        event_id="0" * 64, time_ms=time_ms, patient=patient, fingerprint=bytes(32), generation=1
    )


@pytest.fixture(scope="module")
def runs(small_runs: None) -> Runs:
    """Sixteen entries of two patients whose pseudonyms are in one bucket."""
    return make_runs([_row(n, PATIENT if n % 4 == 0 else NEIGHBOUR) for n in range(16)], 0)


def _proof(runs: Runs, pseudonym: bytes, key: Key = "patient") -> BucketProof:
    return runs.keyed(key, _run().coverage).prove(pseudonym)


def _verify(runs: Runs, run: RunId, pseudonym: bytes, proof: BucketProof) -> None:
    root = runs.roots["patient", _run().coverage]
    verify_bucket(run, root, proof.bucket, proof.proof, {pseudonym: proof.rows})


def test_rows_and_absence_verify(runs: Runs) -> None:
    """The four rows of one patient, the twelve of another, and none of a third in their bucket."""
    for pseudonym, rows in ((PATIENT, 4), (NEIGHBOUR, 12), (ABSENT, 0), (PSEUDONYMS[-1], 0)):
        proof = _proof(runs, pseudonym)
        assert len(proof.rows) == 16 * rows
        _verify(runs, _run(), pseudonym, proof)


CHANGES: dict[str, Callable[[BucketProof], BucketProof]] = {
    "first row left out": lambda p: replace(p, rows=p.rows[16:]),
    "last row left out": lambda p: replace(p, rows=p.rows[:-16]),
    "all rows left out": lambda p: replace(p, rows=b""),
    "row added": lambda p: replace(p, rows=p.rows + b"\xff" * 8 + bytes(7) + b"\x0f"),
    "row repeated": lambda p: replace(p, rows=p.rows[:16] + p.rows),
    "rows exchanged": lambda p: replace(p, rows=p.rows[16:32] + p.rows[:16] + p.rows[32:]),
    "row's entry changed": lambda p: replace(p, rows=p.rows[:15] + b"\x01" + p.rows[16:]),
    "row's time changed": lambda p: replace(p, rows=bytes(1) + p.rows[1:]),
    "row cut": lambda p: replace(p, rows=p.rows[:-1]),
    "pair left out": lambda p: replace(p, bucket=p.bucket[64:]),
    "pair repeated": lambda p: replace(p, bucket=p.bucket[:64] + p.bucket),
    "pairs exchanged": lambda p: replace(p, bucket=p.bucket[64:] + p.bucket[:64]),
    "bucket emptied": lambda p: replace(p, bucket=b""),
    "bucket cut": lambda p: replace(p, bucket=p.bucket[:-1]),
    "proof cut": lambda p: replace(p, proof=p.proof[:-1]),
    "proof longer": lambda p: replace(p, proof=[*p.proof, bytes(32)]),
    "proof changed": lambda p: replace(p, proof=[bytes(32), *p.proof[1:]]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_a_proof_fails(runs: Runs, change: str) -> None:
    """Of rows, of the bucket, and of the inclusion proof."""
    with pytest.raises(VerificationError):
        _verify(runs, _run(), PATIENT, CHANGES[change](_proof(runs, PATIENT)))


@pytest.mark.parametrize(
    ("origin", "key", "n", "end"),
    [
        ("another.example.org/runs", "patient", 0, 16),
        (ORIGIN, "agent", 0, 16),
        (ORIGIN, "patient", 1, 32),
        (ORIGIN, "patient", 0, 15),
    ],
)
def test_a_bucket_of_one_run_is_none_of_another(
    runs: Runs, origin: str, key: Key, n: int, end: int
) -> None:
    """Neither of another ledger, key, place nor end."""
    other = RunId(origin, key, Coverage(0, n, end))
    with pytest.raises(VerificationError):
        _verify(runs, other, PATIENT, _proof(runs, PATIENT))


def test_absence_of_a_patient_who_is_there_has_no_proof(runs: Runs) -> None:
    """Not by the bucket of another pseudonym either, where the tag is indeed absent."""
    elsewhere = replace(_proof(runs, PSEUDONYMS[-1]), rows=b"")
    with pytest.raises(VerificationError):
        _verify(runs, _run(), PATIENT, elsewhere)
