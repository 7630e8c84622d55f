"""AES-256-GCM under keys that are used once: each derived from a random salt.

    16 bytes salt ‖ AES-256-GCM(single-use key, nonce of 12 zero bytes, plain, associated data)

    single-use key = HKDF-Expand-SHA256(key, info = "audit-ledger/single-use-key/v1\\n" ‖ salt)
                     (RFC 5869, Section 2.3; `key` is uniformly random)

A random nonce of 96 bits allows 2³² messages a key (NIST SP 800-38D, Section 8.3), which a busy
ledger seals in a year. Here two messages share a key only where two salts of 128 bits are equal:
for up to 2⁴⁸ messages of one `key` that is less likely than 2⁻³².
"""

from os import urandom

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

SALT_BYTES = 16
TAG_BYTES = 16  # AES-GCM
_NONCE = bytes(12)  # the key is used for no other message
_LABEL = b"audit-ledger/single-use-key/v1\n"


def encrypt_once(key: bytes, plain: bytes, associated: bytes) -> bytes:
    """Return salt and ciphertext. `key`: 32 uniformly random bytes."""
    salt = urandom(SALT_BYTES)
    return salt + _cipher(key, salt).encrypt(_NONCE, plain, associated)


def decrypt_once(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Return the plaintext; raise cryptography's InvalidTag if key, bytes or data differ."""
    return _cipher(key, sealed[:SALT_BYTES]).decrypt(_NONCE, sealed[SALT_BYTES:], associated)


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDFExpand(SHA256(), 32, info=_LABEL + salt).derive(key))
