"""Files and standard input, read as a whole or in a stream."""

import sys
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from audit_ledger.client.errors import InvalidInputError

NOT_JSON: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""The exceptions of decoding JSON that others wrote."""

_MAX_FILE_BYTES = 16 << 20


def read_file(path: Path, limit: int = _MAX_FILE_BYTES) -> bytes:
    """Read a file whole, if it is not over `limit` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from None
    if len(data) > limit:
        raise InvalidInputError(f"{path}: over {limit} bytes")
    return data


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from None


def standard_input() -> BinaryIO:
    """Return standard input; InvalidInputError where it is closed, which is no empty file."""
    if sys.stdin is None:
        raise InvalidInputError("standard input is closed")
    return sys.stdin.buffer
