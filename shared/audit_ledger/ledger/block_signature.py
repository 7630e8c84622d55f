"""Signatures of blocks: the sequencer's own key signs each, and nobody else may use that key."""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit_ledger.errors import VerificationError
from audit_ledger.ledger.block import Block

VerifyBlock = Callable[[Block], None]
"""Raises VerificationError, which names the block, unless the sequencer's key signed it."""


def block_verifier(public_key: bytes) -> VerifyBlock:
    """Return the check of block signatures by this key: Ed25519, 32 bytes."""
    key = Ed25519PublicKey.from_public_bytes(public_key)

    def verify_block(block: Block) -> None:
        try:
            key.verify(block.signature, block.signed_message())
        except InvalidSignature:
            message = f"block {block.first_seq}: not signed by the sequencer's key"
            raise VerificationError(message) from None

    return verify_block
