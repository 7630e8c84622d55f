"""The body of a request on this machine's HTTP server, by its length or in chunks (RFC 9112)."""

import re
from email.message import Message
from io import BufferedIOBase

from audit_ledger.errors import LedgerError

MAX_BODY_BYTES = 10 * 1024 * 1024
"""API Gateway quotas: payload size of an HTTP API."""

_LENGTH = re.compile(r"[0-9]{1,12}")  # of a Content-Length that anybody means
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MAX_LINE_BYTES = 8192
_MAX_TRAILERS = 100


class UnreadableBodyError(LedgerError):
    """The body's framing is not that of RFC 9112, sections 6 and 7.1."""


def read_body(stream: BufferedIOBase, headers: Message) -> bytes | None:
    """Read a whole body; None if it is over MAX_BODY_BYTES, of which the rest is read and dropped.

    Raise UnreadableBodyError if its length is unknown, or if it ends early.
    """
    coding = headers.get("transfer-encoding")
    length = headers.get("content-length")
    if coding is not None:
        if length is not None or coding.strip().lower() != "chunked":
            raise UnreadableBodyError("a Transfer-Encoding that is not chunked alone")
        return _chunks(stream)
    if length is None:
        return b""
    if not _LENGTH.fullmatch(length):
        raise UnreadableBodyError("a Content-Length that is no number")
    return _exactly(stream, int(length), MAX_BODY_BYTES)


def _chunks(stream: BufferedIOBase) -> bytes | None:
    """Read chunks up to the last one, and the trailers behind it."""
    pieces: list[bytes] = []
    left, fits = MAX_BODY_BYTES, True
    while True:
        line = _CHUNK.fullmatch(stream.readline(_MAX_LINE_BYTES))
        if line is None:
            raise UnreadableBodyError("a chunk without a size")
        size = int(line[1], 16)
        if size == 0:
            break
        piece = _exactly(stream, size, left)
        if stream.readline(3).strip():
            raise UnreadableBodyError("a chunk longer than its size")
        if piece is None:
            fits, left = False, 0
        else:
            pieces.append(piece)
            left -= size
    for _ in range(_MAX_TRAILERS):
        if not stream.readline(_MAX_LINE_BYTES).strip():
            return b"".join(pieces) if fits else None
    raise UnreadableBodyError("too many trailers")


def _exactly(stream: BufferedIOBase, size: int, most: int) -> bytes | None:
    """Read `size` bytes; None if they are more than `most`: the client then reads the answer."""
    body = stream.read(min(size, most))
    left = size - len(body)
    if left and size <= most:
        raise UnreadableBodyError("a body shorter than its length")
    while left > 0:
        piece = stream.read(min(left, 1 << 20))
        if not piece:
            raise UnreadableBodyError("a body shorter than its length")
        left -= len(piece)
    return body if size <= most else None
