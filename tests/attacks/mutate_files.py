"""Tampering with published files, by anyone who can write the bucket."""

from collections.abc import Callable
from dataclasses import replace

from audit_ledger.ledger.entry import EventEntry, parse_entry
from audit_ledger.tlog.entry_bundle import pack_entry_bundle, parse_entry_bundle
from audit_ledger.tlog.rfc6962 import leaf_hash
from tests.attacks.case import Tamper
from tests.attacks.ledger import AttackedLedger


def remove(*paths: str) -> Tamper:
    return lambda ledger: ledger.remove(*paths)


def rewrite(path: str, change: Callable[[bytes], bytes]) -> Tamper:
    return lambda ledger: ledger.write(path, change(ledger.files.get(path, b"")))


def flip(path: str, offset: int) -> Tamper:
    """Change one bit."""
    return rewrite(path, lambda data: data[:offset] + bytes([data[offset] ^ 1]) + data[offset:][1:])


def replace_base64(path: str, offset: int) -> Tamper:
    """Change one character of base64 to another one."""

    def change(data: bytes) -> bytes:
        other = b"B" if data[offset : offset + 1] == b"A" else b"A"
        return data[:offset] + other + data[offset + 1 :]

    return rewrite(path, change)


def cut(path: str, end: int) -> Tamper:
    return rewrite(path, lambda data: data[:end])


def add(path: str, more: bytes = b"planted") -> Tamper:
    return rewrite(path, lambda data: data + more)


def copy(source: str, *paths: str) -> Tamper:
    """Replace files by another one."""

    def tamper(ledger: AttackedLedger) -> None:
        for path in paths:
            ledger.write(path, ledger.files[source])

    return tamper


def swap(first: str, second: str) -> Tamper:
    return all_of(copy(first, second), copy(second, first))


def move(path: str, to: str) -> Tamper:
    return all_of(copy(path, to), remove(path))


def all_of(*tampers: Tamper) -> Tamper:
    def tamper(ledger: AttackedLedger) -> None:
        for each in tampers:
            each(ledger)

    return tamper


def in_entry(index: int, within: int) -> Callable[[bytes], int]:
    """Return the offset of a byte of an entry in its bundle."""

    def offset(bundle: bytes) -> int:
        entries = parse_entry_bundle(bundle)[: index % 256]
        return sum(2 + len(entry) for entry in entries) + 2 + within

    return offset


def flip_in_entry(path: str, index: int, within: int = 100) -> Tamper:
    return lambda ledger: flip(path, in_entry(index, within)(ledger.files[path]))(ledger)


def cut_in_entry(path: str, index: int, within: int) -> Tamper:
    return lambda ledger: cut(path, in_entry(index, within)(ledger.files[path]))(ledger)


def rearrange(path: str, change: Callable[[list[bytes]], list[bytes]]) -> Tamper:
    """Put other entries into a bundle, correctly encoded."""
    return rewrite(path, lambda data: pack_entry_bundle(change(parse_entry_bundle(data))))


def of_another_record(data: bytes) -> bytes:
    """Return the entry with another commitment."""
    entry = parse_entry(data)
    assert isinstance(entry, EventEntry)
    return replace(entry, commitment=bytes(32)).to_bytes()


def replace_entry(bundle: str, tile: str, place: int) -> Tamper:
    """Replace a commitment, in its bundle and its tile."""

    def change(ledger: AttackedLedger) -> None:
        entries = parse_entry_bundle(ledger.files[bundle])
        entries[place] = of_another_record(entries[place])
        ledger.write(bundle, pack_entry_bundle(entries))
        at, hashes = place * 32, ledger.files[tile]
        ledger.write(tile, hashes[:at] + leaf_hash(entries[place]) + hashes[at + 32 :])

    return change
