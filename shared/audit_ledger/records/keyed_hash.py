"""HMAC-SHA256 (RFC 2104) for many messages under one key, with a precomputed key schedule.

For a short message, a one-shot HMAC spends most of its time on set-up.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC


class KeyedHash:
    """HMAC-SHA256 with one key, which is not readable."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = HMAC(key, SHA256())

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes of HMAC-SHA256 over a message."""
        keyed = self._keyed.copy()
        keyed.update(message)
        return keyed.finalize()
