"""Sealed records whose commitments are those of their rows, without keys and records."""

from os import urandom

from audit_ledger.records.commitment import RowDisclosure
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.sealed_record import SealedRecord


def committed_record(
    row: IndexRow, sealed: bytes, *, row_bytes: bytes | None = None, record_commitment: bytes = b""
) -> SealedRecord:
    """Return a sealed record; `row_bytes` by default the row's, blind and record's part random."""
    disclosed = RowDisclosure(
        row.to_bytes() if row_bytes is None else row_bytes,
        urandom(32),
        record_commitment or urandom(32),
    )
    return SealedRecord(
        row,
        disclosed.row_bytes,
        disclosed.row_blind,
        disclosed.record_commitment,
        disclosed.commitment,
        sealed,
    )
