"""Content-Encoding of requests (RFC 9110, Section 8.4): gzip (RFC 1952), within bounds.

What comes out is never more than is taken of a body that is not compressed; unpacking stops there,
so that no more memory is used however much the input would give.
"""

import re
import zlib
from types import MappingProxyType
from typing import Final

from audit_ledger.events import RejectedEventError

MAX_UNPACKED_BYTES: Final = 6 * 1024 * 1024
"""What Lambda takes of a request, compressed or not."""
MAX_MEMBERS: Final = 16
"""Of one gzip file; senders make one."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_PLACE: Final = "Content-Encoding"
_NAMES: Final = ("gzip", "x-gzip")
_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class UnsupportedCodingError(RejectedEventError):
    """A body in a coding that is not understood; the response lists those that are."""

    headers = MappingProxyType({"Accept-Encoding": "gzip, identity"})


def undo_codings(body: bytes, content_encoding: str, *, is_whole: bool) -> bytes:
    """Undo the codings of a body.

    `is_whole`: it was handed over byte for byte, not as text. RejectedEventError: 415 for a coding
    other than gzip, once, 400 where it is no gzip file or has something behind it, 413 where more
    than MAX_UNPACKED_BYTES would come out.
    """
    codings = [each.strip().lower() for each in content_encoding.split(",")]
    codings = [each for each in codings if each not in ("", "identity")]
    if not codings:
        return body
    if len(codings) > 1 or codings[0] not in _NAMES:
        raise UnsupportedCodingError(415, "not-supported", _PLACE, "gzip, once, or none")
    if not is_whole:
        expected = "a Content-Type like application/fhir+json with gzip: others arrive as text"
        raise UnsupportedCodingError(415, "not-supported", _PLACE, expected)
    return _gunzip(body)


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether Accept-Encoding (RFC 9110, 12.5.3) accepts gzip: by name, else by `*`."""
    weights: dict[str, float] = {}
    for element in accept_encoding.lower().split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        weight = next((each for each in parameters if each.startswith("q=")), "q=1")[2:]
        weights[name] = float(weight) if _WEIGHT.fullmatch(weight) else 0.0
    named = [weights[name] for name in _NAMES if name in weights]
    return max(named, default=weights.get("*", 0.0)) > 0


def _gunzip(body: bytes) -> bytes:
    unpacked = bytearray()
    rest = body
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        room = MAX_UNPACKED_BYTES + 1 - len(unpacked)
        try:
            unpacked += member.decompress(rest, room)
        except zlib.error:
            raise RejectedEventError(
                400, "structure", "the body", "a gzip file, as declared"
            ) from None
        if len(unpacked) > MAX_UNPACKED_BYTES:
            expected = f"at most {MAX_UNPACKED_BYTES:,} bytes once unpacked"
            raise RejectedEventError(413, "too-long", "the body", expected)
        if not member.eof:
            raise RejectedEventError(400, "structure", "the body", "a whole gzip file")
        rest = member.unused_data
        if not rest:
            return bytes(unpacked)
    raise RejectedEventError(
        400, "structure", "the body", f"a gzip file of at most {MAX_MEMBERS} members"
    )
