"""C2SP tlog-cosignature: a cosigner's timestamped signature on a checkpoint.

The signature on the note's line, after the key id, is for both types

    u64be timestamp ‖ signature          of 64 bytes (type 0x04) or 2,420 bytes (type 0x06)

Type 0x04 signs with Ed25519

    cosignature/v1⏎
    time 1679315147⏎
    <the checkpoint's note text, to its last newline>

and type 0x06 signs with ML-DSA-44 (FIPS 204, no context) the structure

    "subtree/v1\\n\\0" ‖ u8 length ‖ cosigner name ‖ u64be timestamp ‖ u8 length ‖ log origin
        ‖ u64be start ‖ u64be end ‖ 32-byte root hash

where a checkpoint has start 0 and its size as end. Timestamps are whole seconds since 1970.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.errors import FormatError, VerificationError
from audit_ledger.tlog.note import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    Note,
    VerifierKey,
    verify_ed25519,
)
from audit_ledger.tlog.rfc6962 import HASH_SIZE, MAX_SIZE

MAX_TIMESTAMP = 2**63 - 1

_SIGNATURE_BYTES = {ED25519_COSIGNATURE: 64, MLDSA44_COSIGNATURE: 2420}
_LABEL = b"subtree/v1\n\x00"


def ed25519_message(timestamp: int, checkpoint_text: str) -> bytes:
    """Return the message that a cosigner of type 0x04 signs, with all extension lines."""
    _check_timestamp(timestamp)
    parse_checkpoint(checkpoint_text)
    return f"cosignature/v1\ntime {timestamp}\n{checkpoint_text}".encode()


def mldsa44_message(
    cosigner_name: str, timestamp: int, origin: str, start: int, end: int, root: bytes
) -> bytes:
    """Return the message that a cosigner of type 0x06 signs for the subtree [start, end).

    Name and origin: 1 to 255 bytes of UTF-8. A subtree that does not start at 0 has timestamp 0.
    """
    _check_timestamp(timestamp)
    if not 0 <= start <= end <= MAX_SIZE or start == end != 0:
        raise FormatError(f"cosignature: no subtree from {start} to {end}")
    if start != 0 and timestamp != 0:
        raise FormatError("cosignature: a subtree that does not start at 0 has timestamp 0")
    if len(root) != HASH_SIZE:
        raise FormatError(f"cosignature: {len(root)} bytes of root, expected {HASH_SIZE}")
    return b"".join(
        (
            _LABEL,
            _opaque(cosigner_name, "cosigner name"),
            timestamp.to_bytes(8, "big"),
            _opaque(origin, "origin"),
            start.to_bytes(8, "big"),
            end.to_bytes(8, "big"),
            root,
        )
    )


def pack_timestamped_signature(timestamp: int, signature: bytes) -> bytes:
    """Return u64be timestamp ‖ signature, which follow the key id."""
    _check_timestamp(timestamp)
    if len(signature) not in _SIGNATURE_BYTES.values():
        raise FormatError(f"cosignature: {len(signature)} bytes of signature fit no type")
    return timestamp.to_bytes(8, "big") + signature


def parse_timestamped_signature(value: bytes, algorithm: int) -> tuple[int, bytes]:
    """Return timestamp and signature of a cosignature of type 0x04 or 0x06; raises FormatError."""
    size = _SIGNATURE_BYTES.get(algorithm)
    if size is None:
        raise FormatError(f"cosignature: type 0x{algorithm:02x} is no cosignature")
    if len(value) != 8 + size:
        raise FormatError(f"cosignature: {len(value)} bytes, type 0x{algorithm:02x} has {8 + size}")
    timestamp = int.from_bytes(value[:8], "big")
    _check_timestamp(timestamp)
    return timestamp, value[8:]


def verify_cosignature(key: VerifierKey, note: Note) -> int:
    """Verify that a key (type 0x04 or 0x06) cosigned the checkpoint; return the newest time of it.

    If the key cosigned more than once, each cosignature must be valid. Time 0 of type 0x06 states
    no time. Raises FormatError if checkpoint or cosignature are malformed, and VerificationError
    if the cosignature is missing or bad.
    """
    signatures = note.signatures_by(key)
    if not signatures:
        raise VerificationError(
            f"cosignature: none by {key.name} with key {key.key_id:08x} on the checkpoint"
        )
    return max(_verify_one(key, note, signature.value) for signature in signatures)


def _verify_one(key: VerifierKey, note: Note, value: bytes) -> int:
    timestamp, signature = parse_timestamped_signature(value, key.algorithm)
    what = f"cosignature by {key.name}"
    if key.algorithm == ED25519_COSIGNATURE:
        verify_ed25519(key.key, signature, ed25519_message(timestamp, note.text), what=what)
        return timestamp
    checkpoint = parse_checkpoint(note.text)
    message = mldsa44_message(
        key.name, timestamp, checkpoint.origin, 0, checkpoint.size, checkpoint.root
    )
    try:
        MLDSA44PublicKey.from_public_bytes(key.key).verify(signature, message)
    except InvalidSignature:
        raise VerificationError(f"{what}: the ML-DSA-44 signature does not verify") from None
    return timestamp


def _check_timestamp(timestamp: int) -> None:
    if not 0 <= timestamp <= MAX_TIMESTAMP:
        raise FormatError(f"cosignature: timestamp {timestamp}, expected 0 to 2^63 - 1")


def _opaque(text: str, what: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= 255:
        raise FormatError(f"cosignature: {len(data)} bytes of {what}, expected 1 to 255")
    return bytes([len(data)]) + data
