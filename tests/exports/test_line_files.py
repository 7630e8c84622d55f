"""Lines in pieces: wherever a file is cut, its lines are the same."""

from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.exports.line_files import entries_line, line_digests, read_entries, split_lines


@example([b"a", b""])
@example([b"a", b"", b"b\nc", b""])
@given(st.lists(st.binary(max_size=6) | st.sampled_from([b"\n", b"a\n", b"\r\n"])))
def test_lines_do_not_depend_on_the_pieces(pieces: list[bytes]) -> None:
    """Compared with Python's own split of the whole."""
    whole = b"".join(pieces)
    lines = [line + b"\n" for line in whole.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    lines = [line for line in lines if line]
    assert list(split_lines("x", pieces, 1000)) == lines
    assert list(line_digests(pieces)) == [sha256(line).digest() for line in lines]


@pytest.mark.parametrize("pieces", [[b"ab\n", b"abcd\n"], [b"ab\nab", b"cd"], [b"ab\nabcd\nx"]])
def test_rejects_a_line_longer_than_the_limit(pieces: list[bytes]) -> None:
    """A hostile file uses no more memory than one line; the error names the line."""
    with pytest.raises(FormatError, match="x: line 2 has more than 3 bytes"):
        list(split_lines("x", pieces, 3))


def test_entries_lines_read_back() -> None:
    """Entry and hash of each line, including its end."""
    data = entries_line(0, b"a\n") + entries_line(41, b"b\r\n")
    assert data.decode().splitlines() == [
        f"0 {sha256(b'a' + bytes([10])).hexdigest()}",
        f"41 {sha256(b'b' + bytes([13, 10])).hexdigest()}",
    ]
    assert list(read_entries("x", [data])) == [
        (0, sha256(b"a\n").digest()),
        (41, sha256(b"b\r\n").digest()),
    ]


HASH = b"ab" * 32


@pytest.mark.parametrize(
    "line",
    [
        b"1 " + HASH,
        b"01 " + HASH + b"\n",
        b"-1 " + HASH + b"\n",
        b"1  " + HASH + b"\n",
        b"1 " + HASH.upper() + b"\n",
        b"1 " + HASH[:-1] + b"\n",
        b"1 " + HASH + b"\r\n",
        b"\n",
        b"1 " + "é".encode() * 32 + b"\n",
    ],
)
def test_rejects_malformed_entries_lines(line: bytes) -> None:
    """The message names the line and does not quote it."""
    good = entries_line(0, b"a\n")
    with pytest.raises(FormatError, match=r"^x: line 2 ") as caught:
        list(read_entries("x", [good + line]))
    assert "ab" not in str(caught.value)
