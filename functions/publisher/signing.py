"""Signing: a checkpoint by both of the ledger's checkpoint keys, a digest by the first."""

from collections.abc import Callable
from dataclasses import dataclass

from audit_ledger.chain.digest import Digest
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.cosignature import (
    MLDSA44_COSIGNATURE,
    encode_timestamped,
    mldsa44_message,
)
from audit_ledger.tlog.note import Note, Signature, VerifierKey, ed25519_verifier_key

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Signer:
    """The two checkpoint keys of one ledger, both under the origin's name.

    `ed25519_key`: 32 bytes, `mldsa44_key`: 1,312 bytes; the functions sign with their private
    halves, which never leave KMS.
    """

    origin: str
    ed25519_key: bytes
    ed25519_sign: Sign
    mldsa44_key: bytes
    mldsa44_sign: Sign

    def checkpoint(self, checkpoint: Checkpoint, time: int) -> bytes:
        """Sign a checkpoint as a note: Ed25519 (0x01) and a timestamped ML-DSA-44 (0x06)."""
        text = checkpoint.encode()
        message = mldsa44_message(
            self.origin, time, checkpoint.origin, 0, checkpoint.size, checkpoint.root
        )
        cosignature = encode_timestamped(time, self.mldsa44_sign(message))
        mldsa44 = VerifierKey(self.origin, MLDSA44_COSIGNATURE, self.mldsa44_key)
        return Note(
            text,
            (
                self._ed25519(text),
                Signature(self.origin, mldsa44.key_id, cosignature),
            ),
        ).encode()

    def digest(self, digest: Digest) -> bytes:
        """Sign a digest as a note: Ed25519 (0x01). What it wraps has both signatures."""
        text = digest.encode()
        return Note(text, (self._ed25519(text),)).encode()

    def _ed25519(self, text: str) -> Signature:
        key = ed25519_verifier_key(self.origin, self.ed25519_key)
        return Signature(self.origin, key.key_id, self.ed25519_sign(text.encode()))
