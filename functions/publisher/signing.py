"""Signing: a checkpoint by both of the ledger's checkpoint keys, a digest by the first."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.ledger.digest import Digest
from audit_ledger.ledger.publish_checks import parse_state
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.ledger.signed_digest import SignedDigest
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.cosignature import (
    mldsa44_message,
    pack_timestamped_signature,
    verify_cosignature,
)
from audit_ledger.tlog.note import (
    MLDSA44_COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
    ed25519_verifier_key,
    verify_note,
)

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Signer:
    """The two checkpoint keys of one ledger, both under the origin's name.

    Every signature is verified before it is returned: VerificationError if it is not by the key
    that it names. `ed25519_key`: 32 bytes; `mldsa44_key`: 1,312 bytes; the functions sign with the
    private keys, which never leave KMS.
    """

    origin: str
    ed25519_key: bytes
    ed25519_sign: Sign
    mldsa44_key: bytes
    mldsa44_sign: Sign

    def checkpoint(self, checkpoint: Checkpoint, time: int) -> bytes:
        """Sign a checkpoint as a note: Ed25519 (0x01) and a timestamped ML-DSA-44 (0x06)."""
        text = checkpoint.text
        message = mldsa44_message(
            self.origin, time, checkpoint.origin, 0, checkpoint.size, checkpoint.root
        )
        cosignature = pack_timestamped_signature(time, self.mldsa44_sign(message))
        mldsa44 = self._mldsa44_key
        note = Note(
            text,
            (self._ed25519(text), Signature(self.origin, mldsa44.key_id, cosignature)),
        )
        verify_note(self._ed25519_key, note)
        verify_cosignature(mldsa44, note)
        return note.to_bytes()

    def digest(self, digest: Digest) -> SignedDigest:
        """Sign a digest as a note: Ed25519 (0x01). The checkpoint in it has both signatures."""
        text = digest.text
        note = Note(text, (self._ed25519(text),))
        verify_note(self._ed25519_key, note)
        return SignedDigest(note.to_bytes(), note, digest)

    def verify_state(self, state: PublishedState) -> SignedDigest:
        """Verify that these keys signed a published state. Return its digest, parsed.

        Raise FormatError or VerificationError if they did not. Otherwise a writer of the table
        could have a forged checkpoint put, or a forged digest named by the next one.
        """
        digest, checkpoint = parse_state(state, self.origin)
        try:
            verify_note(self._ed25519_key, digest.note)
            verify_note(self._ed25519_key, checkpoint)
            verify_cosignature(self._mldsa44_key, checkpoint)
        except (FormatError, VerificationError) as error:
            raise VerificationError(f"published state: {error}") from None
        return digest

    def _ed25519(self, text: str) -> Signature:
        return Signature(self.origin, self._ed25519_key.key_id, self.ed25519_sign(text.encode()))

    @cached_property
    def _ed25519_key(self) -> VerifierKey:
        return ed25519_verifier_key(self.origin, self.ed25519_key)

    @cached_property
    def _mldsa44_key(self) -> VerifierKey:
        return VerifierKey(self.origin, MLDSA44_COSIGNATURE, self.mldsa44_key)
