"""Unambiguous bytes for keyed hashes: every part is preceded by its length."""


def frame(label: bytes, *parts: bytes) -> bytes:
    """Return `label` ‖ LF ‖ (u32be length ‖ bytes) of each part; no two lists give equal bytes."""
    pieces = [label, b"\n"]
    for part in parts:
        pieces += (len(part).to_bytes(4, "big"), part)
    return b"".join(pieces)
