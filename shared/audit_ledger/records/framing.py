"""Unambiguous bytes for keyed hashes: every part is preceded by its length."""


def frame(label: str, *parts: bytes) -> bytes:
    """Give `label` ‖ LF ‖ (u32be length ‖ bytes) of each part: no two lists give the same bytes."""
    framed = [label.encode(), b"\n"]
    for part in parts:
        framed.append(len(part).to_bytes(4, "big"))
        framed.append(part)
    return b"".join(framed)
