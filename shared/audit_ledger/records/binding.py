"""Binding: proof, also after an erasure, that the parts of an entry are those that ingest sent.

    binding tag = first 16 bytes of HMAC-SHA256(binding key, "audit-ledger/binding/v1\\n"
                  ‖ each of origin, commitment, and header with ciphertext,
                    after its length, a u32be)
    binding key = HKDF-SHA256(ledger key, no salt, info = "audit-ledger/binding-key/v1")

A commitment proves that a row belongs to its entry, not who made both. A forged entry with an
unknown pseudonym looks like one of an erased subject, whose record nobody can open. The tag is made
with the ledger's own key, which no queue, sequencer or table has, so readers can distinguish the
two before they look up a secret.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.pseudonyms import frame
from audit_ledger.records.sealed_record import BINDING_BYTES


def binding_key(ledger_key: bytes) -> KeyedHash:
    """Derive the key of the tags that are made under one ledger key."""
    info = b"audit-ledger/binding-key/v1"
    return KeyedHash(HKDF(SHA256(), 32, salt=None, info=info).derive(ledger_key))


def binding_tag(key: KeyedHash, *, origin: str, commitment: bytes, sealed: bytes) -> bytes:
    """Return the tag: 16 bytes. `sealed`: header and ciphertext."""
    parts = (origin.encode(), commitment, sealed)
    return key.digest(frame(b"audit-ledger/binding/v1", *parts))[:BINDING_BYTES]
