"""Header of a sealed record: which keys open it. Readable by everyone, and without cryptography.

u8 version = 1 ‖ u16 ledger key version ‖ u32 generation ‖ 12 bytes nonce
"""

import struct

import msgspec

from audit_ledger.errors import FormatError

VERSION = 1
BLIND_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16  # AES-GCM

_HEADER = struct.Struct(">BHI12s")
HEADER_BYTES = _HEADER.size
MIN_BYTES = HEADER_BYTES + BLIND_BYTES + TAG_BYTES


class SealHeader(msgspec.Struct, frozen=True):
    """Which keys open a sealed record."""

    ledger_key_version: int
    generation: int
    nonce: bytes


def encode_header(header: SealHeader) -> bytes:
    """Give the bytes before the ciphertext."""
    return _HEADER.pack(VERSION, header.ledger_key_version, header.generation, header.nonce)


def read_header(sealed: bytes) -> SealHeader:
    """Tell which keys open a sealed record; FormatError when it is none."""
    if len(sealed) < MIN_BYTES:
        raise FormatError(f"sealed record: {len(sealed)} bytes, expected at least {MIN_BYTES}")
    version, ledger_key_version, generation, nonce = _HEADER.unpack_from(sealed)
    if version != VERSION:
        raise FormatError(f"sealed record: version {version}, expected {VERSION}")
    return SealHeader(ledger_key_version, generation, nonce)
