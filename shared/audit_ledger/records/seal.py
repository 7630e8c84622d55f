"""Sealed record: encrypted everywhere but inside ingest, query and follower.

    u8 version = 1 ‖ u16 ledger key version ‖ u32 generation ‖ 12 bytes nonce
    ‖ AES-256-GCM(subject key, nonce, blind ‖ zstd(record), associated data)

    subject key     = HKDF-SHA256(ledger key ‖ subject secret, no salt,
                                  info = "audit-ledger/subject-key/v1\\n" ‖ origin)
    associated data = origin ‖ LF ‖ event id

Integers are big-endian. Whoever lacks the ledger key or the subject secret sees noise; destroying
the subject secret therefore erases every record of that subject and year.
"""

from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from audit_ledger.errors import VerificationError
from audit_ledger.records.compression import compress_record, decompress_record
from audit_ledger.records.seal_header import (
    BLIND_BYTES,
    HEADER_BYTES,
    NONCE_BYTES,
    SealHeader,
    encode_header,
    read_header,
)


def subject_key(ledger_key: bytes, subject_secret: bytes, origin: str) -> bytes:
    """Derive the AES-256 key of one subject's generation in one ledger: 32 bytes."""
    info = b"audit-ledger/subject-key/v1\n" + origin.encode()
    return HKDF(SHA256(), 32, salt=None, info=info).derive(ledger_key + subject_secret)


def seal(
    record: bytes,
    blind: bytes,
    *,
    key: bytes,
    ledger_key_version: int,
    generation: int,
    origin: str,
    event_id: str,
) -> bytes:
    """Seal a record and its blind under a subject key."""
    nonce = urandom(NONCE_BYTES)
    header = encode_header(SealHeader(ledger_key_version, generation, nonce))
    plain = blind + compress_record(record)
    return header + AESGCM(key).encrypt(nonce, plain, _associated(origin, event_id))


def open_sealed(sealed: bytes, *, key: bytes, origin: str, event_id: str) -> tuple[bytes, bytes]:
    """Open a sealed record: its bytes and its blind.

    VerificationError when the key is not the one it was sealed with, or a byte was changed.
    """
    header = read_header(sealed)
    try:
        plain = AESGCM(key).decrypt(
            header.nonce, sealed[HEADER_BYTES:], _associated(origin, event_id)
        )
    except InvalidTag:
        raise VerificationError("sealed record: does not open (erased, altered or moved)") from None
    return decompress_record(plain[BLIND_BYTES:]), plain[:BLIND_BYTES]


def _associated(origin: str, event_id: str) -> bytes:
    return f"{origin}\n{event_id}".encode()
