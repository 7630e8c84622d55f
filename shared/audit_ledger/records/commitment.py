"""Commitment: SHA-256 that binds an entry to its record and reveals nothing of it.

SHA-256("audit-ledger/record/v1\\n" ‖ blind ‖ u32be length of index row ‖ index row ‖ record)
"""

from hashlib import sha256

from audit_ledger.errors import FormatError

BLIND_BYTES = 32
_PREFIX = b"audit-ledger/record/v1\n"


def commitment(blind: bytes, index_row: bytes, record: bytes) -> bytes:
    """Commit to a record and its index row, hidden by 32 random bytes. Gives 32 bytes."""
    if len(blind) != BLIND_BYTES:
        raise FormatError(f"blind: {len(blind)} bytes, expected {BLIND_BYTES}")
    return sha256(
        b"".join((_PREFIX, blind, len(index_row).to_bytes(4, "big"), index_row, record))
    ).digest()
