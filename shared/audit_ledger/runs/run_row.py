"""Rows of runs: where an event is in time and in the ledger, and where its record is stored.

    row         = u64 own time, milliseconds since 1970, plus 2^63 ‖ u64 entry
    locator     = u64 first entry of the block ‖ 8 bytes of the SHA-256 of its records object
                  ‖ u32 offset ‖ u32 length
    located row = row ‖ locator

All integers are big-endian, so that rows sort as bytes: by the event's own time, which may be
before 1970, and then by entry. Runs hash rows; locators help to read and prove nothing.
"""

import struct

import msgspec

from audit_ledger.errors import FormatError

ROW_BYTES = 16
LOCATED_BYTES = 40
LOCATOR_HASH_BYTES = 8
_SIGN = 1 << 63

_ROW = struct.Struct(">QQ")
_LOCATED = struct.Struct(">QQQ8sII")


class Locator(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where the private bytes of an entry are: a range of a records object.

    `first_seq`: the first entry of the block; `name_hash`: the first 8 bytes of the SHA-256 of the
    object, which its name contains; `offset` and `length`: bytes.
    """

    first_seq: int
    name_hash: bytes
    offset: int
    length: int


class LocatedRow(msgspec.Struct, frozen=True, order=True, gc=False):
    """One row: the event's own time (milliseconds since 1970), its entry, and its record."""

    time_ms: int
    seq: int
    locator: Locator

    def to_bytes(self) -> bytes:
        """Return the located row's 40 bytes."""
        where = self.locator
        return _LOCATED.pack(
            self.time_ms + _SIGN,
            self.seq,
            where.first_seq,
            where.name_hash,
            where.offset,
            where.length,
        )


def parse_located_row(data: bytes) -> LocatedRow:
    """Read a located row; FormatError unless it has 40 bytes."""
    if len(data) != LOCATED_BYTES:
        raise FormatError(f"run: a row of {len(data)} bytes, expected {LOCATED_BYTES}")
    time, seq, *locator = _LOCATED.unpack(data)
    return LocatedRow(time - _SIGN, seq, Locator(*locator))


def row_bytes(time_ms: int, seq: int) -> bytes:
    """Return the 16 bytes of a row, which are hashed and by which rows sort."""
    return _ROW.pack(time_ms + _SIGN, seq)


def parse_row(data: bytes) -> tuple[int, int]:
    """Return own time (milliseconds) and entry of a row; FormatError unless it has 16 bytes."""
    if len(data) != ROW_BYTES:
        raise FormatError(f"run: a row of {len(data)} bytes, expected {ROW_BYTES}")
    time, seq = _ROW.unpack(data)
    return time - _SIGN, seq
