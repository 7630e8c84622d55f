"""Convert public keys from KMS's form to that of notes and policies."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from audit_ledger.errors import FormatError


def raw_public_key(der: bytes) -> bytes:
    """Return the raw key in a SubjectPublicKeyInfo: 32 bytes (Ed25519) or 1,312 (ML-DSA-44)."""
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise FormatError("public key: not a SubjectPublicKeyInfo of a known kind") from None
    if not isinstance(key, Ed25519PublicKey | MLDSA44PublicKey):
        raise FormatError("public key: neither Ed25519 nor ML-DSA-44")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
