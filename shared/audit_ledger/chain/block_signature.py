"""Who made a block: the sequencer's own key signs it, and nobody else may use that key."""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit_ledger.errors import VerificationError

VerifyBlock = Callable[[bytes, bytes], None]
"""Takes signed message and signature; VerificationError unless the sequencer's key made it."""


def block_verifier(public_key: bytes) -> VerifyBlock:
    """Give the check of block signatures by this key: Ed25519, 32 bytes."""
    key = Ed25519PublicKey.from_public_bytes(public_key)

    def verify_block(message: bytes, signature: bytes) -> None:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            raise VerificationError("a block is not signed by the sequencer's key") from None

    return verify_block
