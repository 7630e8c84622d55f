"""Commitments recomputed with hashlib from the text of docs/design.md."""

from hashlib import sha256


def design_commitment(row_blind: bytes, row: bytes, record_blind: bytes, record: bytes) -> bytes:
    """Return the commitment of an entry to its row and its record."""
    return sha256(
        b"audit-ledger/entry/v1\n"
        + sha256(b"audit-ledger/row/v1\n" + row_blind + row).digest()
        + sha256(b"audit-ledger/record/v1\n" + record_blind + record).digest()
    ).digest()
