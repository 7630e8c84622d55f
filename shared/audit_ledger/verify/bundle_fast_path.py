"""The fast path for an entry bundle: 256 events checked as one piece of bytes.

Almost every bundle of a ledger contains only events whose `seq` have the same number of digits.
All its entries are then equally long, and every byte of it is known beforehand except the times
and the commitments:

    00 99 {"seq":700123,"time":"2026-11-22T05:59:00Z","prev":"<44>","event":"<44>"}
    00 99 {"seq":700124,…

So the bundle is cut into columns, and each column is compared as one piece: what is fixed, `seq`
with its positions, `prev` with the computed hashes, times and commitments with their format. A
bundle that does not pass is not necessarily wrong: `entry_checks.py` then checks each entry by
itself and names its fault.
"""

import re
from base64 import b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct

from audit_ledger.errors import FormatError
from audit_ledger.instants import parse_instant
from audit_ledger.tlog.rfc6962 import leaf_hashes

_HASH_CHARACTERS = len(b64encode(bytes(32)))
_TIME_CHARACTERS = len("2026-11-22T05:59:00Z")
_BETWEEN = (b'{"seq":', b',"time":"', b'","prev":"', b'","event":"', b'"}')
_FIXED_BYTES = len(b"".join(_BETWEEN)) + _TIME_CHARACTERS + 2 * _HASH_CHARACTERS
_LENGTH_BYTES = 2

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_LAST_OF_HASH = _ALPHABET[::4]  # before the padding: four bits of data and two bits unset

_ROUND = [b"%03d" % number for number in range(1000)] * 2
_LAST_DIGITS = [b"".join([text[at : at + 1] for text in _ROUND]) for at in range(3)]

_DAY = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMES_OF_DAY = re.compile(rb"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)+")


@dataclass(frozen=True)
class EventBundle:
    """The result for a bundle that contains only well-formed, linked events.

    `leaves`: leaf hashes in order; `first_prev`: what its first entry links to; times as written.
    """

    leaves: list[bytes]
    first_prev: bytes
    first_time: bytes
    last_time: bytes


@dataclass(frozen=True)
class _Shape:
    columns: Struct
    """Cuts a bundle into time, prev and commitment of each entry."""
    entries: Struct
    """Cuts a bundle into entries."""
    fixed: tuple[tuple[int, bytes], ...]
    """Offset and value of each constant byte of an entry, the value once for each entry."""
    seq_at: int
    """Where in each entry the digits of its seq begin."""


def check_event_bundle(data: bytes, first: int, count: int) -> EventBundle | None:
    """Check a bundle of `count` entries from index `first`; None if it does not pass.

    A bundle passes if all entries are events, written exactly as `EventEntry.to_bytes` writes
    them, `seq` counts from `first`, each `prev` but the first is the leaf hash of the entry before,
    and times never decrease.
    """
    digits = len(str(first))
    length = _FIXED_BYTES + digits
    if len(data) != count * (_LENGTH_BYTES + length) or len(str(first + count - 1)) != digits:
        return None
    shape = _shape(digits, count)
    stride = _LENGTH_BYTES + length
    if any(data[at::stride] != column for at, column in shape.fixed):
        return None
    seq_columns = enumerate(_seq_columns(first, count), shape.seq_at)
    if any(data[at::stride] != column for at, column in seq_columns):
        return None
    columns = shape.columns.unpack(data)
    times, prevs, commitments = columns[0::3], columns[1::3], columns[2::3]
    if not _are_hashes(commitments) or not _are_hashes(prevs[:1]) or not _are_in_order(times):
        return None
    first_prev = a2b_base64(prevs[0])
    leaves = leaf_hashes(shape.entries.unpack(data))
    if b"".join(prevs) != _write_hashes([first_prev, *leaves[:-1]]):
        return None
    return EventBundle(leaves, first_prev, times[0], times[-1])


@lru_cache(maxsize=64)
def _shape(digits: int, count: int) -> _Shape:
    length = _FIXED_BYTES + digits
    seq, time, prev, event, end = _BETWEEN
    start = length.to_bytes(_LENGTH_BYTES, "big") + seq
    one = (
        f"{len(start) + digits + len(time)}x{_TIME_CHARACTERS}s{len(prev)}x{_HASH_CHARACTERS}s"
        f"{len(event)}x{_HASH_CHARACTERS}s{len(end)}x"
    )
    fixed: list[tuple[int, bytes]] = []
    at = 0
    for text, gap in (
        (start, digits),
        (time, _TIME_CHARACTERS),
        (prev, _HASH_CHARACTERS),
        (event, _HASH_CHARACTERS),
        (end, 0),
    ):
        fixed += [(at + place, bytes([byte]) * count) for place, byte in enumerate(text)]
        at += len(text) + gap
    return _Shape(
        columns=Struct(one * count),
        entries=Struct(f"{_LENGTH_BYTES}x{length}s" * count),
        fixed=tuple(fixed),
        seq_at=len(start),
    )


def _seq_columns(first: int, count: int) -> Iterator[bytes]:
    """Return the numbers from `first` on, equally many digits each, digit by digit: all first
    digits, all second ones, …

    The last three digits cycle. Those before them change once in a thousand numbers, so at most
    once in a bundle.
    """
    thousands, place = divmod(first, 1000)
    before = min(count, 1000 - place)
    if thousands:
        for digit, next_digit in zip(str(thousands), str(thousands + 1), strict=False):
            yield digit.encode() * before + next_digit.encode() * (count - before)
    for column in _LAST_DIGITS[-len(str(first)) :]:
        yield column[place : place + count]


def _write_hashes(hashes: list[bytes]) -> bytes:
    """Return the base64 of all hashes, concatenated, with one call.

    32 bytes and one zero byte are 44 characters without padding; the last one is an A in the place
    of the padding that 32 bytes alone would have.
    """
    text = bytearray(b2a_base64(b"\0".join(hashes) + b"\0", newline=False))
    text[_HASH_CHARACTERS - 1 :: _HASH_CHARACTERS] = b"=" * len(hashes)
    return bytes(text)


def _are_hashes(texts: tuple[bytes, ...]) -> bool:
    """Return whether each text, of 44 characters, is the strict, padded base64 of 32 bytes."""
    text = b"".join(texts)
    return (
        text.translate(None, _ALPHABET) == b"=" * len(texts)
        and text[_HASH_CHARACTERS - 1 :: _HASH_CHARACTERS] == b"=" * len(texts)
        and not text[_HASH_CHARACTERS - 2 :: _HASH_CHARACTERS].translate(None, _LAST_OF_HASH)
    )


def _are_in_order(times: tuple[bytes, ...]) -> bool:
    """Return whether all are well-formed times that never decrease.

    In this notation the order of the bytes is the order of the times.
    """
    distinct = [times[0]]
    if times.count(times[0]) != len(times):
        distinct = list(dict.fromkeys(times))
        if list(times) != sorted(times):
            return False
    if not all(map(_is_day, {time[:10] for time in distinct})):
        return False
    return _TIMES_OF_DAY.fullmatch(b"".join([time[10:] for time in distinct])) is not None


@lru_cache(maxsize=1024)
def _is_day(day: bytes) -> bool:
    if not _DAY.fullmatch(day):
        return False
    try:
        parse_instant(f"{day.decode()}T00:00:00Z")
    except FormatError:
        return False
    return True
