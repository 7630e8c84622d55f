"""Content codings of HTTP (RFC 9110, Section 8.4): restore the published bytes from those sent.

Nothing is dropped: bytes after a coded stream are returned after its content, and bytes that are
no such stream unchanged, so that the verifier finds bytes that nobody signed.
"""

import zlib

from audit_ledger.errors import UnreachableError
from audit_ledger.verify.sources import MAX_OBJECT_BYTES

ACCEPTED_CODINGS = "gzip, identity"

_WINDOW_BITS = {
    "gzip": 16 + zlib.MAX_WBITS,  # RFC 1952
    "x-gzip": 16 + zlib.MAX_WBITS,  # the same (Section 8.4.1.3)
    "deflate": zlib.MAX_WBITS,  # RFC 1950 around RFC 1951 (Section 8.4.1.2)
}
_MAX_CODINGS = 4
_MAX_MEMBERS = 1024  # of a gzip file; 64 KB each, as parallel compressors write them, is 64 MB
_PIECE_BYTES = 1 << 16


def decode_content(data: bytes, content_encoding: str) -> bytes:
    """Undo the codings that a Content-Encoding names, the last one first.

    Returns at most one byte over MAX_OBJECT_BYTES. Raises UnreachableError for an unknown coding,
    whose content is unknown.
    """
    codings = [coding.strip(" \t").lower() for coding in content_encoding.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > _MAX_CODINGS:
        raise UnreachableError(f"{len(codings)} content codings, at most {_MAX_CODINGS}")
    for coding in reversed(codings):
        if coding not in _WINDOW_BITS:
            raise UnreachableError(f"content coding {coding[:40]!r}, which is not known here")
        data = _inflate(data, _WINDOW_BITS[coding], _MAX_MEMBERS if "gzip" in coding else 1)
    return data


def _inflate(data: bytes, window_bits: int, max_members: int) -> bytes:
    """Unpack the members that data begins with; bytes after them are appended unchanged."""
    view, out, at = memoryview(data), bytearray(), 0
    for _ in range(max_members):
        if at == len(data) and at:
            break
        member = _Member(view, at, window_bits)
        try:
            unpacked = member.unpack(MAX_OBJECT_BYTES + 1 - len(out))
        except zlib.error:
            break
        out += unpacked
        if len(out) > MAX_OBJECT_BYTES:
            return bytes(out)
        if not member.is_whole:
            del out[len(out) - len(unpacked) :]
            break
        at = member.end
    return bytes(out + view[at : at + MAX_OBJECT_BYTES + 1 - len(out)])


class _Member:
    """One compressed stream, unpacked in pieces: what follows it is copied once at most."""

    def __init__(self, view: memoryview, start: int, window_bits: int) -> None:
        self._view = view
        self._unpack = zlib.decompressobj(wbits=window_bits)
        self.end = start

    @property
    def is_whole(self) -> bool:
        """Whether it ended with a correct checksum."""
        return self._unpack.eof

    def unpack(self, limit: int) -> bytes:
        """Return its content, `limit` bytes at most; raises zlib.error."""
        out = bytearray()
        while not self._unpack.eof and len(out) < limit and self.end < len(self._view):
            piece = self._view[self.end : self.end + _PIECE_BYTES]
            out += self._unpack.decompress(piece, limit - len(out))
            left = self._unpack.unused_data if self._unpack.eof else self._unpack.unconsumed_tail
            self.end += len(piece) - len(left)
        return bytes(out)
