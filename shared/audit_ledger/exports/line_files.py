r"""Lines of a file that comes in pieces of any size, and the `.entries` file that vouches for them.

`<file>.entries` has a line for each line of `<file>` but its header, in the same order:

    <entry> <SHA-256 of the line with its line end, hex>⏎

A line ends with `\n`, which belongs to it. At most a piece of a file is in memory.
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
    """Vouch for a line of entry `seq`."""
    return f"{seq} {sha256(line).hexdigest()}\n".encode()


def read_entries(name: str, pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Return entry and SHA-256 (32 bytes) of each line; FormatError names the line that is none."""
    for number, line in enumerate(split_lines(name, pieces, _MAX_LINE), start=1):
        form = _ENTRY.fullmatch(line)
        if form is None:
            raise FormatError(f"{name}: line {number} is not `<entry> <SHA-256>`")
        yield int(form[1]), bytes.fromhex(form[2].decode())


def split_lines(name: str, pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Return the lines; what is left at the end counts as one. FormatError: more than `limit`
    bytes.

    `name`: of the file, for the message.
    """
    number, rest = 1, b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in (*lines, rest):
            if len(line) > limit:
                raise FormatError(f"{name}: line {number} has more than {limit} bytes")
            number += 1
        number -= 1  # the rest goes on in the next piece
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def line_digests(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Return the SHA-256 of each line; what is left at the end counts as one."""
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
