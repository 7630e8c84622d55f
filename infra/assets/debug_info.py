"""Removes debug information from shared libraries: nine tenths of that of zstandard.

The System V ABI has two views of an ELF file: section headers, for linkers and debuggers, and
program headers, by which it is loaded. Content of no loaded segment (debug information, the symbol
table that is not the dynamic one, the section headers themselves) is behind the last segment and is
removed. That works for libraries of every machine on any machine; the `strip` of binutils knows
only its own.
"""

import struct
from pathlib import Path

_MAGIC = b"\x7fELF\x02\x01"  # 64 bits, little endian
_PROGRAM_HEADERS = struct.Struct("<Q")  # e_phoff, at 32
_COUNTS = struct.Struct("<HH")  # e_phentsize, e_phnum, at 54
_SEGMENT = struct.Struct("<II6Q")  # p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, …
_NO_SECTIONS = bytes(6)  # e_shentsize, e_shnum, e_shstrndx, at 58


def strip_debug_info(library: Path) -> None:
    """Truncate a shared library after its last segment; leave another kind of file unchanged."""
    data = library.read_bytes()
    if not data.startswith(_MAGIC):
        return
    (start,) = _PROGRAM_HEADERS.unpack_from(data, 32)
    size, count = _COUNTS.unpack_from(data, 54)
    end = start + size * count
    for number in range(count):
        _, _, offset, _, _, length, _, _ = _SEGMENT.unpack_from(data, start + number * size)
        end = max(end, offset + length)
    headers = data[:40] + bytes(8) + data[48:58] + _NO_SECTIONS  # e_shoff is 0 too
    library.write_bytes(headers + data[64:end])
