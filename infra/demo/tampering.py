"""Tampering: one byte of one entry in a copy, as anyone could who can write the files."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from audit_ledger.errors import FormatError
from audit_ledger.tlog.entry_bundle import parse_entry_bundle
from audit_ledger.tlog.tiles import TILE_WIDTH, EntryBundle, parse_tile_path

LENGTH_BYTES = 2  # before each entry of a bundle
TIME_KEY = b'"time":"'
TIME_LENGTH = len("2026-11-22T05:59:00Z")


@dataclass(frozen=True)
class Tampered:
    """What was changed: the time of an entry, by one bit. `path`: below the ledger's folder."""

    path: str
    entry: int
    before: str
    after: str


def flip_a_byte(published: Path, copy: Path) -> Tampered:
    """Copy a published ledger and change the last digit of the time of an entry in its middle.

    Raises FormatError where there is no entry to change.
    """
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(published, copy)
    bundle = _middle_bundle(copy)
    file = copy / bundle.path
    data = bytearray(file.read_bytes())
    entries = parse_entry_bundle(bytes(data))
    number = len(entries) // 2
    entry = sum(LENGTH_BYTES + len(e) for e in entries[:number]) + LENGTH_BYTES
    time = data.index(TIME_KEY, entry) + len(TIME_KEY)
    before = bytes(data[time : time + TIME_LENGTH])
    data[time + TIME_LENGTH - len("0Z")] ^= 1  # another digit, whichever it is
    after = bytes(data[time : time + TIME_LENGTH])
    file.write_bytes(data)
    return Tampered(
        bundle.path, bundle.index * TILE_WIDTH + number, before.decode(), after.decode()
    )


def _middle_bundle(folder: Path) -> EntryBundle:
    """Return the bundle in the ledger's middle; of one that grew, what it grew to."""
    files = (file for file in (folder / "tile" / "entries").rglob("*") if file.is_file())
    places = [parse_tile_path(file.relative_to(folder).as_posix()) for file in files]
    widest: dict[int, EntryBundle] = {}
    for place in sorted((p for p in places if isinstance(p, EntryBundle)), key=lambda b: b.width):
        widest[place.index] = place
    if not widest:
        raise FormatError(f"{folder}: no entries to tamper with")
    return widest[sorted(widest)[len(widest) // 2]]
