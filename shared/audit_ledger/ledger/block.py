"""Block: the entries and sealed records committed together, as one signed DynamoDB item.

Its body, all integers big-endian:

    u32 length ‖ entries          each u16 length ‖ bytes: the encoding of a tlog-tiles entry bundle
    u32 length ‖ sealed records   each u32 length ‖ bytes; empty for a control entry
    u32 length ‖ index rows       each u8 conflict (0 or 1) ‖ u16 length ‖ bytes; likewise empty,
                                  else 32 bytes row blind ‖ 32 bytes record commitment ‖ index row
    u32 length ‖ frontier         32 bytes a hash, largest subtree first: RFC 6962 compact range
    u64 time                      the sequencer's clock, whole seconds since 1970

The sequencer's key signs

    audit-ledger/block/v1\\n <origin>\\n <size after>\\n <b64 head>\\n <b64 SHA-256(body)>\\n

(each line ended by a line feed, without the spaces), so who can write the table but may not use
that key can add nothing that the publisher would accept.
"""

import re
import struct
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.records.commitment import BLIND_BYTES, COMMITMENT_BYTES, RowDisclosure
from audit_ledger.tlog import strict_base64

MAX_ENTRIES = 256
MAX_BODY_BYTES = 300 * 1024  # the limit of a DynamoDB item is 400 KB

_NUMBERS = re.compile(r"(0|[1-9][0-9]{0,18}) ([1-9][0-9]{0,2})")

_U8U16 = struct.Struct(">BH")
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_BESIDE_ROW = BLIND_BYTES + COMMITMENT_BYTES


class BlockItem(msgspec.Struct, frozen=True, gc=False):
    """One entry with its row and its sealed record; a control entry has neither."""

    entry: bytes
    row_bytes: bytes = b""
    row_blind: bytes = b""
    record_commitment: bytes = b""
    sealed: bytes = b""
    conflict: bool = False

    @property
    def disclosed_row(self) -> RowDisclosure:
        """The row with what compares it with the entry."""
        return RowDisclosure(self.row_bytes, self.row_blind, self.record_commitment)


@dataclass(frozen=True)
class Body:
    """What a block commits. `frontier`: 32-byte hashes of the compact range after this block."""

    items: tuple[BlockItem, ...]
    frontier: tuple[bytes, ...]
    time: int

    @property
    def entry_bytes(self) -> list[bytes]:
        """The bytes of its entries, in order."""
        return [item.entry for item in self.items]

    def to_bytes(self) -> bytes:
        """Return the bytes that are hashed, signed and stored. FormatError: too large or empty."""
        u16, u32, u8u16 = _U16.pack, _U32.pack, _U8U16.pack
        entries: list[bytes] = []
        sealed: list[bytes] = []
        rows: list[bytes] = []
        for item in self.items:
            entries += (u16(len(item.entry)), item.entry)
            sealed += (u32(len(item.sealed)), item.sealed)
            row = item.row_blind + item.record_commitment + item.row_bytes
            rows += (u8u16(item.conflict, len(row)), row)
        pieces: list[bytes] = []
        for section in (entries, sealed, rows, self.frontier):
            pieces.append(u32(sum(map(len, section))))
            pieces += section
        pieces.append(_U64.pack(self.time))
        data = b"".join(pieces)  # once: copying half a body several times was most of the work
        if not 1 <= len(self.items) <= MAX_ENTRIES:
            raise FormatError(f"block: {len(self.items)} entries, expected 1 to {MAX_ENTRIES}")
        if len(data) > MAX_BODY_BYTES:
            raise FormatError(f"block: body of {len(data)} bytes, at most {MAX_BODY_BYTES}")
        return data


@dataclass(frozen=True)
class Block:
    """A block as stored. `head`: leaf hash of its last entry; `signature`: 64 bytes, Ed25519."""

    origin: str
    first_seq: int
    count: int
    head: bytes
    signature: bytes
    body: bytes

    @property
    def size_after(self) -> int:
        """Number of entries of the ledger once this block is in it."""
        return self.first_seq + self.count

    def to_bytes(self) -> bytes:
        """Write a block as one file, for the archive: five lines of text, an empty line, the body.

        audit-ledger/block/v1
        <origin>
        <first seq> <count>
        <b64 head>
        <b64 signature>
        """
        return (
            f"audit-ledger/block/v1\n{self.origin}\n{self.first_seq} {self.count}\n"
            f"{strict_base64.encode(self.head)}\n{strict_base64.encode(self.signature)}\n\n"
        ).encode() + self.body

    def signed_message(self) -> bytes:
        """Return the bytes that `signature` is over."""
        return signed_message(self.origin, self.size_after, self.head, self.body)


def signed_message(origin: str, size_after: int, head: bytes, body: bytes) -> bytes:
    """Return the bytes that the sequencer's key signs for a block."""
    return (
        f"audit-ledger/block/v1\n{origin}\n{size_after}\n{strict_base64.encode(head)}\n"
        f"{strict_base64.encode(sha256(body).digest())}\n"
    ).encode()


def encoded_size(entry_size: int, row_size: int, sealed_size: int) -> int:
    """Bytes that one item adds to a body."""
    beside = _U16.size + _U8U16.size + _BESIDE_ROW + _U32.size
    return beside + entry_size + row_size + sealed_size


def body_time(body: bytes) -> int:
    """Return the time of a body, whole seconds since 1970, without reading the rest of it."""
    if len(body) < _U64.size:
        raise FormatError("block body: ends before its time")
    return int(_U64.unpack_from(body, len(body) - _U64.size)[0])


def parse_body(data: bytes) -> Body:
    """Read the bytes of a body; FormatError for anything else.

    All lengths are of fixed width, and every byte is of one piece: no two spellings are one body.
    """
    if len(data) > MAX_BODY_BYTES:  # before a million empty entries are taken apart
        raise FormatError(f"block: body of {len(data)} bytes, at most {MAX_BODY_BYTES}")
    sections: list[bytes] = []
    position = 0
    for name in ("entries", "sealed records", "index rows", "frontier"):
        section, position = _take(data, position, _U32, name)
        sections.append(section)
    if len(data) != position + _U64.size:
        raise FormatError("block: body does not end with its time")
    entries = _split(sections[0], _U16, "entries")
    sealed = _split(sections[1], _U32, "sealed records")
    rows, conflicts = _split_rows(sections[2])
    if not len(entries) == len(sealed) == len(rows):
        raise FormatError("block: entries, sealed records and index rows differ in number")
    if not 1 <= len(entries) <= MAX_ENTRIES:
        raise FormatError(f"block: {len(entries)} entries, expected 1 to {MAX_ENTRIES}")
    if len(sections[3]) % 32:
        raise FormatError("block: frontier is not a sequence of hashes")
    return Body(
        tuple(map(_block_item, entries, rows, sealed, conflicts)),
        tuple(sections[3][i : i + 32] for i in range(0, len(sections[3]), 32)),
        _U64.unpack_from(data, position)[0],
    )


def _block_item(entry: bytes, row: bytes, sealed: bytes, conflict: bool) -> BlockItem:
    if 0 < len(row) <= _BESIDE_ROW:
        raise FormatError("block: an index row is shorter than what is beside it")
    blind, record_commitment = row[:BLIND_BYTES], row[BLIND_BYTES:_BESIDE_ROW]
    return BlockItem(entry, row[_BESIDE_ROW:], blind, record_commitment, sealed, conflict)


def _take(data: bytes, position: int, length: struct.Struct, what: str) -> tuple[bytes, int]:
    start = position + length.size
    if start > len(data):
        raise FormatError(f"block: {what} end before their length")
    end = start + length.unpack_from(data, position)[0]
    if end > len(data):
        raise FormatError(f"block: {what} are shorter than their stated length")
    return data[start:end], end


def _split(section: bytes, length: struct.Struct, what: str, gap: int = 0) -> list[bytes]:
    """Return the pieces of a section, each behind `gap` bytes and its length.

    Without a call a piece: a page of a search takes tens of thousands of them apart.
    """
    pieces = []
    position, end, width, read = 0, len(section), gap + length.size, length.unpack_from
    while position < end:
        start = position + width
        if start > end:
            raise FormatError(f"block: {what} end before their length")
        position = start + read(section, position + gap)[0]
        if position > end:
            raise FormatError(f"block: {what} are shorter than their stated length")
        pieces.append(section[start:position])
    return pieces


def _split_rows(section: bytes) -> tuple[list[bytes], list[bool]]:
    rows = _split(section, _U16, "index rows", gap=1)
    conflicts = []
    position = 0
    for row in rows:
        if section[position] > 1:
            raise FormatError("block: conflict is neither 0 nor 1")
        conflicts.append(section[position] == 1)
        position += _U8U16.size + len(row)
    return rows, conflicts


ARCHIVE_FOLDER = "blocks/"


def archived_name(first_seq: int) -> str:
    """Name of a block below its ledger's prefix in the archive: listed in the ledger's order."""
    return f"{ARCHIVE_FOLDER}{first_seq:020}"


def parse_block(data: bytes) -> Block:
    """Read an archived block; FormatError for anything else."""
    head, separator, body = data.partition(b"\n\n")
    try:
        magic, origin, numbers, last, signature = head.decode().split("\n", 5)
    except ValueError:
        raise FormatError("archived block: not the lines of a block") from None
    found = _NUMBERS.fullmatch(numbers)
    if found is None:
        raise FormatError("archived block: not first seq and count, without leading zeros")
    first_seq, count = int(found[1]), int(found[2])
    block = Block(
        origin,
        first_seq,
        count,
        strict_base64.decode(last, size=32, what="archived block: head"),
        strict_base64.decode(signature, size=64, what="archived block: signature"),
        body,
    )
    if magic != "audit-ledger/block/v1" or not separator or block.to_bytes() != data:
        raise FormatError("archived block: not in canonical form")
    return block
