"""Commitment: SHA-256 that binds an entry to its record and reveals nothing of it.

SHA-256("audit-ledger/record/v1\\n" ‖ blind ‖ u32be length of index row ‖ index row ‖ record)
"""

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from audit_ledger.errors import FormatError
from audit_ledger.records.sealed_record import BLIND_BYTES

_begun = Hash(SHA256())
_begun.update(b"audit-ledger/record/v1\n")


def commitment(blind: bytes, index_row: bytes, record: bytes) -> bytes:
    """Commit to a record and its index row, hidden by 32 random bytes. Gives 32 bytes."""
    if len(blind) != BLIND_BYTES:
        raise FormatError(f"blind: {len(blind)} bytes, expected {BLIND_BYTES}")
    hashed = _begun.copy()
    hashed.update(b"".join((blind, len(index_row).to_bytes(4, "big"), index_row, record)))
    return hashed.finalize()
