"""Unambiguous bytes for keyed hashes: every part is preceded by its length."""

from struct import Struct

_U32 = Struct(">I").pack


def frame(label: bytes, *parts: bytes) -> bytes:
    """Return `label` ‖ LF ‖ (u32be length ‖ bytes) of each part; no two lists give equal bytes."""
    framed = label + b"\n"
    for part in parts:
        framed += _U32(len(part)) + part
    return framed
