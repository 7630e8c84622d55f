"""Commitment: SHA-256 that binds an entry to its record and reveals nothing of it.

SHA-256("audit-ledger/record/v1\\n" ‖ blind ‖ u32be length of index row ‖ index row ‖ record)
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from audit_ledger.errors import FormatError
from audit_ledger.records.sealed_record import BLIND_BYTES

_begun = Hash(SHA256())
_begun.update(b"audit-ledger/record/v1\n")


@dataclass(frozen=True, repr=False)
class RecordDisclosure:
    """The values that an entry commits to, as in a receipt. Private: never logged."""

    row_bytes: bytes
    record: bytes
    blind: bytes


def commitment(blind: bytes, row_bytes: bytes, record: bytes) -> bytes:
    """Commit to a record and its index row, hidden by 32 random bytes; return 32 bytes."""
    if len(blind) != BLIND_BYTES:
        raise FormatError(f"blind: {len(blind)} bytes, expected {BLIND_BYTES}")
    hashed = _begun.copy()
    hashed.update(b"".join((blind, len(row_bytes).to_bytes(4, "big"), row_bytes, record)))
    return hashed.finalize()
