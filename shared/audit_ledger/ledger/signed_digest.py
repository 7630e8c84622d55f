"""Signed digest: a digest as it is published, a signed note."""

from dataclasses import dataclass
from hashlib import sha256

from audit_ledger.ledger.digest import Digest, parse_digest
from audit_ledger.tlog.note import Note, parse_note


@dataclass(frozen=True)
class SignedDigest:
    """A digest as it is published. `data`: its bytes, which are those of the signed `note`."""

    data: bytes
    note: Note
    digest: Digest

    @property
    def sha256(self) -> bytes:
        """The 32 bytes by which the next digest names this one."""
        return sha256(self.data).digest()


def parse_signed_digest(data: bytes) -> SignedDigest:
    """Read a digest's signed note without verifying its signatures; raises FormatError."""
    note = parse_note(data)
    return SignedDigest(data, note, parse_digest(note.text))
