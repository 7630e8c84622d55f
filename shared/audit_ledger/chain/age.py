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
    """Age of a checkpoint by the ledger's own ML-DSA cosignature (a witness signs later, at a time
    of its own); None when it is no checkpoint, and may be replaced."""
    try:
        note = parse_note(data)
        checkpoint = parse_checkpoint(note.text)
        size = checkpoint.size
        times = [
            decode_timestamped(signature.value, MLDSA44_COSIGNATURE)[0]
            for signature in note.signatures
            if signature.name == checkpoint.origin and len(signature.value) == MLDSA44_VALUE_BYTES
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
