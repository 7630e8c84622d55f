"""Unambiguous bytes for keyed hashes: every part is preceded by its length."""


def frame(label: bytes, *parts: bytes) -> bytes:
    """Give `label` ‖ LF ‖ (u32be length ‖ bytes) of each part: no two lists give the same bytes."""
    pieces = [label, b"\n"]
    for part in parts:
        pieces += (len(part).to_bytes(4, "big"), part)
    return b"".join(pieces)
