"""Sealed record: the form of a record from ingest to the block, and the header of its bytes.

The header identifies the keys that open the record. Reading it needs no key:

    u8 version = 1 ‖ u16 ledger key version ‖ u32 generation
"""

import struct

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.records.commitment import BLIND_BYTES, entry_commitment, row_commitment
from audit_ledger.records.index_row import IndexRow

VERSION = 1
BINDING_BYTES = 16
_SALT_AND_TAG_BYTES = 16 + 16  # see `single_use`

_HEADER = struct.Struct(">BHI")
HEADER_BYTES = _HEADER.size
MIN_BYTES = HEADER_BYTES + _SALT_AND_TAG_BYTES + BLIND_BYTES + BINDING_BYTES


class SealedRecord(msgspec.Struct, frozen=True, gc=False):
    """One sealed record with the row that finds it and the commitment that binds both.

    `row_bytes`: the encoding of `row`, which is committed to and stored; `row_blind`,
    `record_commitment` and `commitment`: 32 bytes each, see the module `commitment`; `conflict`:
    whether the ledger has other content under the same event id. Ingest marks the conflicts that
    it detects, for its response only; the sequencer decides.
    """

    row: IndexRow
    row_bytes: bytes
    row_blind: bytes
    record_commitment: bytes
    commitment: bytes
    sealed: bytes
    conflict: bool = False

    def require_committed(self) -> None:
        """Raise FormatError unless the commitment is to this row; no key is needed."""
        row = row_commitment(self.row_blind, self.row_bytes)
        if entry_commitment(row, self.record_commitment) != self.commitment:
            raise FormatError("sealed record: its commitment is to another index row")


class SealHeader(msgspec.Struct, frozen=True):
    """Which keys open a sealed record."""

    ledger_key_version: int
    generation: int

    def to_bytes(self) -> bytes:
        """Return the bytes before salt and ciphertext."""
        return _HEADER.pack(VERSION, self.ledger_key_version, self.generation)


def parse_header(sealed: bytes) -> SealHeader:
    """Return which keys open a sealed record; raise FormatError if it is none."""
    if len(sealed) < MIN_BYTES:
        raise FormatError(f"sealed record: {len(sealed)} bytes, expected at least {MIN_BYTES}")
    version, ledger_key_version, generation = _HEADER.unpack_from(sealed)
    if version != VERSION:
        raise FormatError(f"sealed record: version {version}, expected {VERSION}")
    return SealHeader(ledger_key_version, generation)
