"""Commitment: SHA-256 that binds an entry to an index row and a record and reveals neither.

    row commitment    = SHA-256("audit-ledger/row/v1\\n" ‖ row blind ‖ index row)
    record commitment = SHA-256("audit-ledger/record/v1\\n" ‖ record blind ‖ record)
    commitment        = SHA-256("audit-ledger/entry/v1\\n" ‖ row commitment ‖ record commitment)

Each blind is 32 random bytes of its own. The row blind is stored beside the row, so that everyone
who has the row can compare it with its entry without a key, and a receipt can disclose the row
without the record. The record blind is sealed with the record.
"""

from hashlib import sha256

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.private_repr import PrivateRepr

BLIND_BYTES = 32
COMMITMENT_BYTES = 32


def row_commitment(blind: bytes, row_bytes: bytes) -> bytes:
    """Commit to an index row, hidden by 32 random bytes; return 32 bytes."""
    return _blinded(b"audit-ledger/row/v1\n", blind, row_bytes)


def record_commitment(blind: bytes, record: bytes) -> bytes:
    """Commit to a record, hidden by 32 random bytes; return 32 bytes."""
    return _blinded(b"audit-ledger/record/v1\n", blind, record)


def entry_commitment(row: bytes, record: bytes) -> bytes:
    """Return the commitment in an entry: 32 bytes over those of its row and its record."""
    if len(row) != COMMITMENT_BYTES or len(record) != COMMITMENT_BYTES:
        raise FormatError(f"commitment: a part is not {COMMITMENT_BYTES} bytes")
    return sha256(b"audit-ledger/entry/v1\n" + row + record).digest()


def _blinded(label: bytes, blind: bytes, data: bytes) -> bytes:
    if len(blind) != BLIND_BYTES:
        raise FormatError(f"blind: {len(blind)} bytes, expected {BLIND_BYTES}")
    return sha256(label + blind + data).digest()


class RowDisclosure(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """What an entry commits to, with its row and without its record, as in a receipt.

    `row_bytes`: the encoded row; `row_blind` and `record_commitment`: 32 bytes each.
    """

    row_bytes: bytes
    row_blind: bytes
    record_commitment: bytes

    @property
    def commitment(self) -> bytes:
        """The commitment in the entry: 32 bytes. FormatError: a part has another length."""
        return entry_commitment(
            row_commitment(self.row_blind, self.row_bytes), self.record_commitment
        )


class RecordDisclosure(PrivateRepr, msgspec.Struct, frozen=True, gc=False):
    """What an entry commits to, with its row and its record, as in a receipt."""

    row_bytes: bytes
    row_blind: bytes
    record: bytes
    record_blind: bytes

    def without_record(self) -> RowDisclosure:
        """Return the disclosure of the row alone. FormatError: a part has another length."""
        hidden = record_commitment(self.record_blind, self.record)
        return RowDisclosure(self.row_bytes, self.row_blind, hidden)

    @property
    def commitment(self) -> bytes:
        """The commitment in the entry: 32 bytes. FormatError: a part has another length."""
        return self.without_record().commitment


ReceiptDisclosure = RowDisclosure | RecordDisclosure
