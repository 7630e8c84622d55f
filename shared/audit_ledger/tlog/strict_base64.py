"""Standard, padded base64 (RFC 4648, Section 4), accepted only in canonical form."""

from base64 import b64encode
from binascii import Error, a2b_base64

from audit_ledger.tlog.errors import FormatError


def encode(data: bytes) -> str:
    """Return the standard, padded form."""
    return b64encode(data).decode("ascii")


def decode(text: str, *, size: int | None = None, what: str = "base64") -> bytes:
    """Read the standard, padded form of `size` bytes (None: of any number), and no other.

    Raises FormatError for other alphabets, missing padding, set trailing bits, or another size.
    """
    try:
        data = a2b_base64(text.encode("ascii"), strict_mode=True)
    except (Error, UnicodeEncodeError):
        raise FormatError(f"{what}: not standard padded base64") from None
    if encode(data) != text:
        raise FormatError(f"{what}: base64 has set bits behind its last byte")
    if size is not None and len(data) != size:
        raise FormatError(f"{what}: {len(data)} bytes, expected {size}")
    return data
