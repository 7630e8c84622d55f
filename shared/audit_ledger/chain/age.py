"""Which of two published files is newer: by size, then by the time that was signed."""

from audit_ledger.chain.digest import decode_digest
from audit_ledger.errors import FormatError
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.cosignature import MLDSA44_COSIGNATURE, decode_timestamped
from audit_ledger.tlog.note import parse_note

Age = tuple[int, int]
"""Size (entries) and time (whole seconds since 1970)."""

MLDSA44_VALUE_BYTES = 8 + 2420  # timestamp and signature


def checkpoint_age(data: bytes) -> Age | None:
    """Age of a checkpoint with an ML-DSA cosignature; None when it is none, and may be replaced."""
    try:
        note = parse_note(data)
        size = parse_checkpoint(note.text).size
        times = [
            decode_timestamped(signature.value, MLDSA44_COSIGNATURE)[0]
            for signature in note.signatures
            if len(signature.value) == MLDSA44_VALUE_BYTES
        ]
    except FormatError:
        return None
    return size, max(times, default=0)


def digest_age(data: bytes) -> Age | None:
    """Age of a digest; None when it is none, and may be replaced."""
    try:
        digest = decode_digest(parse_note(data).text)
    except FormatError:
        return None
    return digest.size_after, digest.period_to
