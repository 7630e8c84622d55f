"""Entry: one public, hash-linked line of the ledger.

UTF-8 JSON, these keys in this order, no white space:

    {"seq":41,"time":"2026-11-22T05:59:00Z","prev":"<b64 of 32 bytes>","event":"<b64 commitment>"}
    {"seq":0,"time":"…","prev":"<b64 of 32 zero bytes>","control":{"type":"ledger.created",…}}

`prev` is the leaf hash (RFC 6962, Section 2.1) of the entry before: SHA-256(0x00 ‖ entry bytes).
Hash link and Merkle leaf are the same hash. Hashed bytes are never serialised again to be checked:
a decoded entry must encode to the same bytes.
"""

from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.instants import format_instant, parse_instant
from audit_ledger.tlog import strict_base64
from audit_ledger.tlog.rfc6962 import MAX_SIZE

FORMAT = "audit-ledger/v1"
NO_ENTRY = bytes(32)  # `prev` of entry 0
MAX_ENTRY_BYTES = 0xFFFF  # the length before an entry in a bundle is a u16


@dataclass(frozen=True)
class EventEntry:
    """The public line of one record. `time`: whole seconds since 1970; hashes: 32 bytes."""

    seq: int
    time: int
    prev: bytes
    commitment: bytes

    def to_bytes(self) -> bytes:
        """Return the bytes that are stored, hashed and published."""
        return _to_bytes(self, f'"event":"{strict_base64.encode(self.commitment)}"'.encode())


@dataclass(frozen=True)
class ControlEntry:
    """A public statement about the ledger itself; it never names a person.

    `control` contains strings and numbers under string keys, `type` among them, and is written in
    the order given.
    """

    seq: int
    time: int
    prev: bytes
    control: dict[str, Any]

    def to_bytes(self) -> bytes:
        """Return the bytes that are stored, hashed and published."""
        return _to_bytes(self, b'"control":' + msgspec.json.encode(self.control))


Entry = EventEntry | ControlEntry


class _Wire(msgspec.Struct, forbid_unknown_fields=True):
    seq: int
    time: str
    prev: str
    event: str | msgspec.UnsetType = msgspec.UNSET
    control: dict[str, str | int] | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(_Wire)


def created(origin: str, time: int) -> ControlEntry:
    """Entry 0 of every ledger: it was created, in this format, under this origin."""
    control = {"type": "ledger.created", "format": FORMAT, "origin": origin}
    return ControlEntry(0, time, NO_ENTRY, control)


def _to_bytes(entry: Entry, last_member: bytes) -> bytes:
    prev = strict_base64.encode(entry.prev)
    start = f'{{"seq":{entry.seq},"time":"{format_instant(entry.time)}","prev":"{prev}",'
    data = start.encode() + last_member + b"}"
    if len(data) > MAX_ENTRY_BYTES:
        raise FormatError(f"entry {entry.seq}: {len(data)} bytes, at most {MAX_ENTRY_BYTES}")
    return data


def parse_entry(data: bytes) -> Entry:
    """Read the bytes of an entry; raises FormatError for anything else."""
    try:
        wire = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("entry: not JSON with exactly the keys of an entry") from None
    if not 0 <= wire.seq < MAX_SIZE:
        raise FormatError("entry: seq is negative, or more than a ledger can hold")
    time = parse_instant(wire.time, what="entry: time")
    prev = strict_base64.decode(wire.prev, size=32, what="entry: prev")
    entry: Entry
    if isinstance(wire.event, str) and wire.control is msgspec.UNSET:
        commitment = strict_base64.decode(wire.event, size=32, what="entry: event")
        entry = EventEntry(wire.seq, time, prev, commitment)
    elif isinstance(wire.control, dict) and wire.event is msgspec.UNSET:
        if not isinstance(wire.control.get("type"), str):
            raise FormatError("entry: a control entry has no type")
        entry = ControlEntry(wire.seq, time, prev, wire.control)
    else:
        raise FormatError("entry: expected either event or control")
    if entry.to_bytes() != data:
        raise FormatError("entry: not in canonical form")
    return entry


def link_events(
    first_seq: int, time: int, prev: bytes, commitments: Sequence[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """Link commitments (32 bytes each) to the entry whose leaf hash is `prev`.

    Returns the entries' bytes and their leaf hashes, both in order. The bytes are those of
    `EventEntry.to_bytes`, without an object for each entry.
    """
    middle = f',"time":"{format_instant(time)}","prev":"'.encode()
    entries: list[bytes] = []
    leaves: list[bytes] = []
    for seq, commitment in enumerate(commitments, first_seq):
        prev64, event64 = b2a_base64(prev, newline=False), b2a_base64(commitment, newline=False)
        entry = b'{"seq":%d%b%b","event":"%b"}' % (seq, middle, prev64, event64)
        prev = sha256(b"\0" + entry).digest()  # the leaf hash, without a call for each
        entries.append(entry)
        leaves.append(prev)
    return entries, leaves
