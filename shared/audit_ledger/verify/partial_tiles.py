"""Objects that differ from the request: full instead of partial, or truncated."""

from dataclasses import replace

from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.tlog.rfc6962 import HASH_SIZE
from audit_ledger.tlog.tiles import TILE_WIDTH, EntryBundle, Tile
from audit_ledger.verify.sources import ReadOutcome, Source, read_outcome

_LENGTH_BYTES = 2


def read_object(source: Source, of: EntryBundle | Tile) -> ReadOutcome | FormatError:
    """Read a tile or entry bundle, partial ones also from the full one that took their place.

    A log may delete a partial tile once the full one is there (C2SP tlog-tiles, Partial Tiles), so
    this happens to any reader of a growing log. FormatError is returned, not raised, if the object
    in its place is not a full one.
    """
    outcome = read_outcome(source, of.path)
    return read_full_instead(source, of) if outcome is None and not of.is_full else outcome


def require_object(source: Source, of: EntryBundle | Tile) -> bytes:
    """Read a tile or entry bundle as `read_object`; UnreachableError if that is not possible."""
    read = read_object(source, of)
    if not isinstance(read, bytes):
        raise UnreachableError(f"{of.path} cannot be read")
    return read


def read_full_instead(source: Source, of: EntryBundle | Tile) -> ReadOutcome | FormatError:
    """Read the full tile or bundle that replaced a partial one; return the requested part."""
    full = replace(of, width=TILE_WIDTH)
    outcome = read_outcome(source, full.path)
    if not isinstance(outcome, bytes):
        return outcome
    if wrong := wrong_length(outcome, full):
        return FormatError(f"{full.path}: {wrong}")
    return beginning(outcome, of)


def wrong_length(data: bytes, of: EntryBundle | Tile) -> str:
    """Return the fault in the length of a tile or bundle; empty if there is none."""
    if isinstance(of, Tile):
        expected = HASH_SIZE * of.width
        return "" if len(data) == expected else f"{len(data)} bytes, expected {expected}"
    entries, rest_bytes = start_of_bundle(data, of.width)
    if rest_bytes or len(entries) < of.width:
        return f"{len(data)} bytes, not those of {of.width} entries"
    return ""


def beginning(data: bytes, of: EntryBundle | Tile) -> bytes:
    """Cut a wider tile or bundle to the requested width."""
    if isinstance(of, Tile):
        return data[: HASH_SIZE * of.width]
    _, rest_bytes = start_of_bundle(data, of.width)
    return data[: len(data) - rest_bytes]


def start_of_bundle(data: bytes, width: int) -> tuple[list[bytes], int]:
    """Return the whole entries that a bundle begins with, `width` at most, and the bytes left."""
    entries: list[bytes] = []
    at = 0
    while len(entries) < width and at + _LENGTH_BYTES <= len(data):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(data[at:start], "big")
        if end > len(data):
            break
        entries.append(data[start:end])
        at = end
    return entries, len(data) - at
