"""HMAC-SHA256 (RFC 2104) under a key that many messages are hashed with: its schedule is made once.

A one-shot HMAC spends more on finding the algorithm and on the key than on a short message.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC


class KeyedHash:
    """HMAC-SHA256 with one key, which it never shows."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = HMAC(key, SHA256())

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes of HMAC-SHA256 over a message."""
        keyed = self._keyed.copy()
        keyed.update(message)
        return keyed.finalize()
