"""Seal records: only ingest, query and follower process them unencrypted.

    u8 version = 1 ‖ u16 ledger key version ‖ u32 generation
    ‖ 16 bytes salt ‖ AES-256-GCM(single-use key, record blind ‖ zstd(record), associated data)
    ‖ 16 bytes binding tag

    subject key     = HKDF-SHA256(ledger key ‖ subject secret, no salt,
                                  info = "audit-ledger/subject-key/v1\\n" ‖ origin)
    single-use key  = derived from subject key and salt, see `single_use`
    associated data = origin ‖ LF ‖ row commitment
    binding tag     = see `binding`

Integers are big-endian. Opening needs the ledger key and the subject secret; destroying the
secret therefore erases every record of that subject and year. An opened record is always compared
with the commitment of its entry.
"""

from hmac import compare_digest
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from audit_ledger.errors import VerificationError
from audit_ledger.records.binding import binding_tag
from audit_ledger.records.commitment import (
    BLIND_BYTES,
    entry_commitment,
    record_commitment,
    row_commitment,
)
from audit_ledger.records.compression import compress_record, decompress_record
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.sealed_record import (
    BINDING_BYTES,
    HEADER_BYTES,
    SealedRecord,
    SealHeader,
    parse_header,
)
from audit_ledger.records.single_use import decrypt_once, encrypt_once


class OtherKeyError(VerificationError):
    """The record is sealed under another key, or altered."""


def subject_key(ledger_key: bytes, subject_secret: bytes, origin: str) -> bytes:
    """Derive the key of one subject's generation in one ledger: 32 bytes."""
    info = b"audit-ledger/subject-key/v1\n" + origin.encode()
    return HKDF(SHA256(), 32, salt=None, info=info).derive(ledger_key + subject_secret)


def seal(
    record: bytes,
    row: IndexRow,
    *,
    key: bytes,
    binding: KeyedHash,
    header: SealHeader,
    origin: str,
) -> SealedRecord:
    """Commit to a record and its index row, and seal it under a subject key."""
    row_bytes = row.to_bytes()
    random = urandom(2 * BLIND_BYTES)
    row_blind, blind = random[:BLIND_BYTES], random[BLIND_BYTES:]
    row_part, record_part = row_commitment(row_blind, row_bytes), record_commitment(blind, record)
    commitment = entry_commitment(row_part, record_part)
    plain = blind + compress_record(record)
    sealed = header.to_bytes() + encrypt_once(key, plain, _associated(origin, row_part))
    tag = binding_tag(binding, origin=origin, commitment=commitment, sealed=sealed)
    return SealedRecord(row, row_bytes, row_blind, record_part, commitment, sealed + tag)


def require_bound(stored: SealedRecord, *, binding: KeyedHash, origin: str) -> None:
    """Raise VerificationError unless commitment, row and sealed record are those of one `seal`."""
    sealed, tag = stored.sealed[:-BINDING_BYTES], stored.sealed[-BINDING_BYTES:]
    expected = binding_tag(binding, origin=origin, commitment=stored.commitment, sealed=sealed)
    row = row_commitment(stored.row_blind, stored.row_bytes)
    committed = entry_commitment(row, stored.record_commitment)
    if not (compare_digest(tag, expected) and committed == stored.commitment):
        raise VerificationError("entry, index row and sealed record do not belong together")


def open_sealed(stored: SealedRecord, *, key: bytes, origin: str) -> tuple[bytes, bytes]:
    """Open a record that is bound to its entry; return its bytes and its blind.

    Raise OtherKeyError if it was sealed with another key, or if a byte was changed; raise
    VerificationError if the entry commits to something else.
    """
    parse_header(stored.sealed)
    ciphertext = stored.sealed[HEADER_BYTES:-BINDING_BYTES]
    row = row_commitment(stored.row_blind, stored.row_bytes)
    try:
        plain = decrypt_once(key, ciphertext, _associated(origin, row))
    except InvalidTag:
        raise OtherKeyError("sealed record: does not open (erased, altered or moved)") from None
    blind, record = plain[:BLIND_BYTES], decompress_record(plain[BLIND_BYTES:])
    if entry_commitment(row, record_commitment(blind, record)) != stored.commitment:
        raise VerificationError("sealed record: its entry commits to another")
    return record, blind


def _associated(origin: str, row_commitment: bytes) -> bytes:
    return origin.encode() + b"\n" + row_commitment
