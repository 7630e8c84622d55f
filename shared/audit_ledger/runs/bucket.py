"""Bucket: what a run contains about the pseudonyms that begin with the same bits.

    tag      = SHA-256("audit-ledger/run-tag/v1\\n" ‖ run id ‖ pseudonym)
    content  = SHA-256("audit-ledger/run-rows/v1\\n" ‖ run id ‖ pseudonym ‖ rows in order)
    bucket i = tag ‖ content of each pseudonym whose first 8+4·level bits are i, by pseudonym
    root     = RFC 6962 tree hash over the 2^(8+4·level) buckets, the empty ones included

A pseudonym's bits fix its bucket, so a root has one answer about it: its rows, if its tag is in
that bucket, and otherwise none. Tags of other pseudonyms differ in every run.
"""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

from audit_ledger.errors import VerificationError
from audit_ledger.records.index_row import PSEUDONYM_BYTES
from audit_ledger.runs.run_id import RunId
from audit_ledger.runs.run_row import ROW_BYTES
from audit_ledger.tlog.rfc6962 import HASH_SIZE, leaf_hash, verify_inclusion

TAG_LABEL = b"audit-ledger/run-tag/v1\n"
ROWS_LABEL = b"audit-ledger/run-rows/v1\n"
_PAIR_BYTES = 2 * HASH_SIZE


def bucket_bits(level: int) -> int:
    """Return how many bits of a pseudonym number its bucket."""
    return 8 + 4 * level


def bucket_number(pseudonym: bytes, level: int) -> int:
    """Return the number of the bucket of a pseudonym (16 bytes)."""
    return int.from_bytes(pseudonym[:4], "big") >> (32 - bucket_bits(level))


def run_tag(run_id: bytes, pseudonym: bytes) -> bytes:
    """Return the tag of a pseudonym in a run; `run_id`: as `RunId.to_bytes` writes it."""
    return sha256(TAG_LABEL + run_id + pseudonym).digest()


def rows_hash(run_id: bytes, pseudonym: bytes, rows: bytes) -> bytes:
    """Return the content of a pseudonym: the hash of its rows (16 bytes each) in order."""
    return sha256(ROWS_LABEL + run_id + pseudonym + rows).digest()


def verify_bucket(
    run: RunId, root: bytes, bucket: bytes, proof: Sequence[bytes], rows: dict[bytes, bytes]
) -> None:
    """Check that a run has exactly these rows of each of some pseudonyms of one bucket.

    `rows`: by pseudonym, the bytes of its rows, empty if it has none. Raises VerificationError.
    """
    level = run.coverage.level
    numbers = {bucket_number(pseudonym, level) for pseudonym in rows}
    if len(numbers) != 1:
        raise VerificationError("run: pseudonyms of different buckets")
    verify_inclusion(leaf_hash(bucket), numbers.pop(), 1 << bucket_bits(level), proof, root)
    contents = _contents(bucket)
    id_ = run.to_bytes()
    for pseudonym, own in rows.items():
        _check_rows(run, own)
        if len(pseudonym) != PSEUDONYM_BYTES:
            raise VerificationError(f"run: a pseudonym of {len(pseudonym)} bytes")
        expected = [rows_hash(id_, pseudonym, own)] if own else []
        if contents.get(run_tag(id_, pseudonym), []) != expected:
            raise VerificationError("run: the bucket has other rows of a pseudonym")


def _contents(bucket: bytes) -> dict[bytes, list[bytes]]:
    """Return the contents of a bucket by tag: a tag that is there twice has two."""
    if len(bucket) % _PAIR_BYTES:
        raise VerificationError("run: a bucket is not a sequence of tags and contents")
    contents: dict[bytes, list[bytes]] = {}
    for start in range(0, len(bucket), _PAIR_BYTES):
        middle = start + HASH_SIZE
        contents.setdefault(bucket[start:middle], []).append(bucket[middle : middle + HASH_SIZE])
    return contents


def _check_rows(run: RunId, rows: bytes) -> None:
    """Raise VerificationError unless rows ascend and are of entries that the run covers."""
    if len(rows) % ROW_BYTES:
        raise VerificationError("run: rows are not of 16 bytes each")
    pieces = [rows[at : at + ROW_BYTES] for at in range(0, len(rows), ROW_BYTES)]
    if any(left >= right for left, right in pairwise(pieces)):
        raise VerificationError("run: rows are not in ascending order, each once")
    seqs = [int.from_bytes(piece[8:], "big") for piece in pieces]
    if len(set(seqs)) != len(seqs):
        raise VerificationError("run: two rows of one entry")
    if not all(run.coverage.first <= seq < run.coverage.end for seq in seqs):
        raise VerificationError("run: a row of an entry that the run does not cover")
