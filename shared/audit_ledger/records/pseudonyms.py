"""Keyed hashes of identifiers: the only form in which identifiers reach an index.

All are HMAC-SHA256. Under the **index key** (one per ledger, wrapped by KMS, never rotated): event
ids, row keys of the subjects table, pseudonyms of staff. Under a **subject secret** (one per
subject and year): pseudonyms of patients and fingerprints, so that after an erasure
they match nobody. Each use has its own label, and lengths precede the parts (see `frame`).
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING

from audit_ledger.records.index_row import PSEUDONYM_BYTES

if TYPE_CHECKING:  # the sequencer, which has no key, starts without cryptography
    from audit_ledger.records.keyed_hash import KeyedHash

_U32 = Struct(">I").pack

LEDGER_SUBJECT = "ledger"  # the subject of events that name no patient


def frame(label: bytes, *parts: bytes) -> bytes:
    """Return `label` ‖ LF ‖ (u32be length ‖ bytes) of each part; the encoding is unambiguous."""
    framed = label + b"\n"
    for part in parts:
        framed += _U32(len(part)) + part
    return framed


def event_id(index_key: "KeyedHash", portal: str, sender_id: str, part: int) -> str:
    """Return the event id of a portal, sender's id and patient part: 64 hex digits."""
    message = frame(b"audit-ledger/event-id/v1", portal.encode(), sender_id.encode(), b"%d" % part)
    return index_key.digest(message).hex()


def subject_key_hash(index_key: "KeyedHash", canonical_identifier: str | None) -> str:
    """Return the row key of a subject, 64 hex digits; None is the subject `ledger`."""
    if canonical_identifier is None:
        message = frame(b"audit-ledger/subject/v1", b"special", LEDGER_SUBJECT.encode())
    else:
        message = frame(b"audit-ledger/subject/v1", b"patient", canonical_identifier.encode())
    return index_key.digest(message).hex()


def staff_pseudonym(index_key: "KeyedHash", canonical_identifier: str) -> bytes:
    """Return the pseudonym of an agent who is not a patient: 16 bytes."""
    message = frame(b"audit-ledger/agent/v1", canonical_identifier.encode())
    return index_key.digest(message)[:PSEUDONYM_BYTES]


def patient_pseudonym(subject_secret: "KeyedHash") -> bytes:
    """Return the pseudonym of a patient under one generation's secret: 16 bytes."""
    return subject_secret.digest(b"audit-ledger/patient/v1\n")[:PSEUDONYM_BYTES]


def fingerprint(subject_secret: "KeyedHash", resource: bytes) -> bytes:
    """Return the fingerprint of content, to compare contents of one sender id: 32 bytes."""
    return subject_secret.digest(frame(b"audit-ledger/content/v1", resource))


def caller_pseudonym(index_key: "KeyedHash", issuer: str, subject: str) -> str:
    """Return the pseudonym of a token's subject, 32 hex digits: the key of a rate limit."""
    message = frame(b"audit-ledger/caller/v1", issuer.encode(), subject.encode())
    return index_key.digest(message)[:PSEUDONYM_BYTES].hex()


def document_key(index_key: "KeyedHash", digest: bytes) -> str:
    """Return the key of a document, 64 hex digits, from its SHA-256 (32 bytes)."""
    return index_key.digest(frame(b"audit-ledger/document/v1", digest)).hex()


def detection_key(index_key: "KeyedHash", identifier: str) -> str:
    """Return the keyed hash of an identifier for a rule's state: 22 characters of base64url."""
    message = frame(b"audit-ledger/mark/v1", identifier.encode())
    return urlsafe_b64encode(index_key.digest(message)[:PSEUDONYM_BYTES]).decode().rstrip("=")


def conflict_key(event_id_hex: str, content_fingerprint: bytes) -> str:
    """Return the key of a conflicting event: hex SHA-256(id ‖ fingerprint)."""
    return sha256(bytes.fromhex(event_id_hex) + content_fingerprint).hexdigest()
