"""Blocks: body, signature's message, archive form."""

import dataclasses
import hashlib
import struct
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.ledger.block import (
    Block,
    BlockItem,
    Body,
    body_time,
    parse_block,
    parse_body,
)

ITEMS = (
    BlockItem(b"entry-0"),
    BlockItem(b"entry-1", b"row", b"b" * 32, b"c" * 32, b"sealed", conflict=True),
)
BODY = Body(ITEMS, (b"f" * 32, b"g" * 32), 1_795_327_140)
BLOCK = Block("audit.example.org/x", 7, 2, b"h" * 32, b"s" * 64, BODY.to_bytes())


def section(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


ENTRIES = section(b"\0\x07entry-0\0\x07entry-1")
SEALED = section(b"\0\0\0\0" + b"\0\0\0\x06sealed")
ROWS = section(b"\0\0\0" + b"\x01\0\x43" + b"b" * 32 + b"c" * 32 + b"row")
FRONTIER = section(b"f" * 32 + b"g" * 32)
TIME = struct.pack(">Q", 1_795_327_140)
WRITTEN = ENTRIES + SEALED + ROWS + FRONTIER + TIME


def test_a_body_is_laid_out_as_documented() -> None:
    """Four counted sections and the time, written here by hand."""
    assert BODY.to_bytes() == WRITTEN
    assert parse_body(WRITTEN) == BODY


def test_the_signed_message_names_origin_size_head_and_body() -> None:
    """Line by line, as in docs/design.md."""
    body_hash = b64encode(hashlib.sha256(WRITTEN).digest()).decode()
    head = b64encode(b"h" * 32).decode()
    assert BLOCK.signed_message().decode() == (
        f"audit-ledger/block/v1\naudit.example.org/x\n9\n{head}\n{body_hash}\n"
    )


def test_the_time_of_a_body_is_read_without_the_rest() -> None:
    """The last eight bytes of a body."""
    assert body_time(WRITTEN) == BODY.time == 1_795_327_140
    assert body_time(b"?" * 100 + TIME) == BODY.time
    assert body_time(TIME) == BODY.time
    for short in (b"", TIME[:-1]):
        with pytest.raises(FormatError, match="ends before its time"):
            body_time(short)


@given(st.integers(0, 2**64 - 1))
def test_the_time_read_alone_is_the_time_of_the_whole(time: int) -> None:
    """Whatever it is."""
    assert body_time(dataclasses.replace(BODY, time=time).to_bytes()) == time


@pytest.mark.parametrize(
    "data",
    {
        "empty": b"",
        "one byte short": WRITTEN[:-1],
        "one byte more": WRITTEN + b"\0",
        "no entries": section(b"") + section(b"") + section(b"") + FRONTIER + TIME,
        "an entry cut short": section(b"\0\x08entry-0") + SEALED + ROWS + FRONTIER + TIME,
        "an entry's length cut": section(b"\0") + SEALED + ROWS + FRONTIER + TIME,
        "fewer records": ENTRIES + section(b"\0\0\0\0") + ROWS + FRONTIER + TIME,
        "fewer rows": ENTRIES + SEALED + section(b"\0\0\0") + FRONTIER + TIME,
        "conflict neither 0 nor 1": ENTRIES
        + SEALED
        + section(b"\0\0\0" + b"\x02\0\x43" + b"b" * 64 + b"row")
        + FRONTIER
        + TIME,
        "a row without what is beside it": ENTRIES
        + SEALED
        + section(b"\0\0\0" + b"\x01\0\x40" + b"b" * 64)
        + FRONTIER
        + TIME,
        "frontier of 33 bytes": ENTRIES + SEALED + ROWS + section(b"f" * 33) + TIME,
        "a section longer than the body": struct.pack(">I", 10_000) + WRITTEN[4:],
        "257 entries": section(b"\0\x01e" * 257)
        + section(b"\0\0\0\0" * 257)
        + section(b"\0\0\0" * 257)
        + FRONTIER
        + TIME,
        "over 300 KB": ENTRIES
        + section(b"\0\0\0\0" + struct.pack(">I", 310_000) + bytes(310_000))
        + ROWS
        + FRONTIER
        + TIME,
    }.items(),
    ids=lambda case: case[0],
)
def test_any_other_body_is_refused(data: tuple[str, bytes]) -> None:
    """One fault each."""
    with pytest.raises(FormatError):
        parse_body(data[1])


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_or_encode_to_themselves(data: bytes) -> None:
    """Only FormatError is raised."""
    try:
        body = parse_body(data)
    except FormatError:
        return
    assert body.to_bytes() == data


def test_an_archived_block_is_read_back() -> None:
    """Five lines, an empty line, the body."""
    data = BLOCK.to_bytes()
    assert data.split(b"\n")[:3] == [b"audit-ledger/block/v1", b"audit.example.org/x", b"7 2"]
    assert parse_block(data) == BLOCK


@pytest.mark.parametrize(
    "change",
    {
        "other magic": (b"block/v1", b"block/v2"),
        "number with a sign": (b"\n7 2\n", b"\n+7 2\n"),
        "three numbers": (b"\n7 2\n", b"\n7 2 3\n"),
        "no empty line": (b"\n\n", b"\n"),
        "short signature": (b64encode(b"s" * 64), b64encode(b"s" * 63)),
        "not base64": (b64encode(b"h" * 32), b"?" * 44),
    }.items(),
    ids=lambda case: case[0],
)
def test_any_other_archived_block_is_refused(change: tuple[str, tuple[bytes, bytes]]) -> None:
    """One fault each."""
    data = dataclasses.replace(BLOCK, body=b"body").to_bytes().replace(*change[1], 1)
    with pytest.raises(FormatError):
        parse_block(data)
