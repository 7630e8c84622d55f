r"""Lines of a file that is read in pieces of any size, and its `.entries` file.

`<file>.entries` has a line for each line of `<file>` except its header, in the same order:

    <entry> <SHA-256 of the line with its line end, hex>⏎

A line ends with `\n`, which belongs to it. Memory contains at most one piece of a file.
"""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from audit_ledger.errors import FormatError

ENTRIES_SUFFIX: Final = ".entries"

_MAX_LINE: Final = 19 + 1 + 64
_ENTRY: Final = re.compile(rb"(0|[1-9][0-9]{0,18}) ([0-9a-f]{64})\n")


def entries_line(seq: int, line: bytes) -> bytes:
    """Return the line of the `.entries` file for a line of entry `seq`."""
    return f"{seq} {sha256(line).hexdigest()}\n".encode()


def read_entries(name: str, pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Return entry and SHA-256 (32 bytes) of each line; raise FormatError with the line number."""
    for number, line in enumerate(split_lines(name, pieces, _MAX_LINE), start=1):
        form = _ENTRY.fullmatch(line)
        if form is None:
            raise FormatError(f"{name}: line {number} is not `<entry> <SHA-256>`")
        yield int(form[1]), bytes.fromhex(form[2].decode())


def split_lines(name: str, pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Return the lines, including an unterminated last one.

    Raise FormatError with the file's `name` if a line exceeds `limit` bytes.
    """
    number, rest = 1, b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in (*lines, rest):
            if len(line) > limit:
                raise FormatError(f"{name}: line {number} has more than {limit} bytes")
            number += 1
        number -= 1  # the rest continues in the next piece
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def line_digests(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Return the SHA-256 of each line, including an unterminated last one."""
    hashed, is_begun = sha256(), False
    for piece in pieces:
        start = 0
        while (end := piece.find(b"\n", start) + 1) > 0:
            hashed.update(memoryview(piece)[start:end])
            yield hashed.digest()
            hashed, is_begun, start = sha256(), False, end
        hashed.update(memoryview(piece)[start:])
        is_begun = is_begun or start < len(piece)
    if is_begun:
        yield hashed.digest()


def differs_in_line_ends_only(pieces: Iterable[bytes], expected_sha256: str) -> bool:
    r"""Return whether a file equals the exported one except for its line ends, `\n` or `\r\n`.

    A transfer may change them. `expected_sha256`: of the file as exported, in hex.
    """
    with_lf, with_crlf = sha256(), sha256()
    for piece in _with_lf(pieces):
        with_lf.update(piece)
        with_crlf.update(piece.replace(b"\n", b"\r\n"))
    return expected_sha256 in (with_lf.hexdigest(), with_crlf.hexdigest())


def _with_lf(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""Replace `\r\n` by `\n`, also across two pieces."""
    carried = b""
    for piece in pieces:
        whole = carried + piece
        carried = whole[-1:] if whole.endswith(b"\r") else b""
        yield whole[: len(whole) - len(carried)].replace(b"\r\n", b"\n")
    yield carried
