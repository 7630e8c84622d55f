"""Which of two published files is newer: by size, then by the time that was signed."""

from audit_ledger.errors import FormatError
from audit_ledger.ledger.signed_digest import parse_signed_digest
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.cosignature import parse_timestamped_signature
from audit_ledger.tlog.note import MLDSA44_COSIGNATURE, parse_note

Age = tuple[int, int]
"""Size (entries) and time (whole seconds since 1970)."""

MLDSA44_VALUE_BYTES = 8 + 2420  # timestamp and signature


def checkpoint_age(data: bytes) -> Age | None:
    """Return the age of a checkpoint; None if it is no checkpoint, and may be replaced.

    Its time is that of the ledger's own ML-DSA cosignature: a witness signs later.
    """
    try:
        size = parse_checkpoint(parse_note(data).text).size
        times = own_times(data)
    except FormatError:
        return None
    return size, max(times, default=0)


def own_times(checkpoint: bytes) -> list[int]:
    """Return the times of the ML-DSA cosignatures of a checkpoint that bear its origin's name.

    Whole seconds since 1970. The cosignatures are not verified. Raises FormatError.
    """
    note = parse_note(checkpoint)
    origin = parse_checkpoint(note.text).origin
    return [
        parse_timestamped_signature(signature.value, MLDSA44_COSIGNATURE)[0]
        for signature in note.signatures
        if signature.name == origin and len(signature.value) == MLDSA44_VALUE_BYTES
    ]


def digest_age(data: bytes) -> Age | None:
    """Return the age of a digest; None if it is no digest, and may be replaced."""
    try:
        digest = parse_signed_digest(data).digest
    except FormatError:
        return None
    return digest.size_after, digest.period_to
