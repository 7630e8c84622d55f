"""C2SP tlog-tiles, log entries: a bundle is a sequence of entries, each after its length.

u16be length ‖ entry ‖ u16be length ‖ entry ‖ …
"""

from collections.abc import Iterable
from struct import Struct
from struct import error as StructError  # noqa: N812 - the standard library names it in lower case

from audit_ledger.tlog.errors import FormatError

MAX_ENTRIES = 256  # tlog-tiles: as many as the tile above has hashes
MAX_ENTRY_BYTES = 0xFFFF

_LENGTH = Struct(">H")


def pack_entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries (at most 65,535 bytes each) as one bundle."""
    pack = _LENGTH.pack
    try:
        return b"".join([pack(len(entry)) + entry for entry in entries])
    except StructError:
        raise FormatError(f"entry bundle: an entry over {MAX_ENTRY_BYTES} bytes") from None


def parse_entry_bundle(data: bytes, width: int | None = None) -> list[bytes]:
    """Return the entries of a bundle, of exactly `width` entries, or up to 256 if that is None.

    Raises FormatError if the last length or entry is truncated, or for another number of entries.
    """
    unpack = _LENGTH.unpack_from
    entries: list[bytes] = []
    append = entries.append
    at = 0
    end = len(data)
    try:
        for _ in range(MAX_ENTRIES):
            if at >= end:
                break
            (length,) = unpack(data, at)
            start = at + 2
            at = start + length
            append(data[start:at])
    except StructError:
        raise FormatError(f"entry bundle: ends within the length at byte {at}") from None
    if at < end:
        raise FormatError(f"entry bundle: more than {MAX_ENTRIES} entries")
    if at != end:
        raise FormatError(f"entry bundle: ends at byte {end}, within entry {len(entries) - 1}")
    if width is not None and len(entries) != width:
        raise FormatError(f"entry bundle: {len(entries)} entries, expected {width}")
    return entries
