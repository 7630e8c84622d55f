"""Entries: the exact bytes, and nothing but them."""

import hashlib
import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.ledger.entry import (
    ControlEntry,
    EventEntry,
    created,
    link_events,
    parse_entry,
)

ZEROS = b64encode(bytes(32)).decode()
EVENT = f'{{"seq":41,"time":"2026-11-22T05:59:00Z","prev":"{ZEROS}","event":"{ZEROS}"}}'
CONTROL = (
    f'{{"seq":0,"time":"2026-11-22T05:59:00Z","prev":"{ZEROS}","control":'
    '{"type":"ledger.created","format":"audit-ledger/v1","origin":"audit.example.org/x"}}'
)
NOON = 1_795_327_140  # 2026-11-22T05:59:00Z, by date(1)


def test_an_event_entry_is_written_as_documented() -> None:
    """Keys, order, white space and base64, exactly."""
    assert EventEntry(41, NOON, bytes(32), bytes(32)).to_bytes() == EVENT.encode()
    assert parse_entry(EVENT.encode()) == EventEntry(41, NOON, bytes(32), bytes(32))


def test_the_first_entry_states_the_creation_of_the_ledger() -> None:
    """Its format and origin, after 32 zero bytes."""
    entry = created("audit.example.org/x", NOON)
    assert entry.to_bytes() == CONTROL.encode()
    assert parse_entry(CONTROL.encode()) == entry


@pytest.mark.parametrize(
    "text",
    {
        "white space": EVENT.replace(",", ", "),
        "other order": json.dumps(dict(sorted(json.loads(EVENT).items())), separators=(",", ":")),
        "a key more": EVENT[:-1] + ',"x":1}',
        "a key twice": EVENT.replace('"seq":41', '"seq":41,"seq":41'),
        "no event": EVENT.replace(f',"event":"{ZEROS}"', ""),
        "event and control": CONTROL[:-1] + f',"event":"{ZEROS}"}}',
        "event null": EVENT.replace(f'"event":"{ZEROS}"', '"event":null'),
        "negative seq": EVENT.replace("41", "-1"),
        "seq with leading zero": EVENT.replace("41", "041"),
        "seq a float": EVENT.replace("41", "41.0"),
        "seq a string": EVENT.replace("41", '"41"'),
        "seq with exponent": EVENT.replace("41", "4e1"),
        "time with zone": EVENT.replace("00Z", "00+00:00"),
        "time with milliseconds": EVENT.replace("00Z", "00.000Z"),
        "time that is none": EVENT.replace("05:59", "25:59"),
        "a leap second": EVENT.replace("05:59:00", "23:59:60"),
        "time before 1970": EVENT.replace("2026", "1969"),
        "short prev": EVENT.replace(f'"prev":"{ZEROS}"', '"prev":"AAAA"'),
        "unpadded prev": EVENT.replace(f'"prev":"{ZEROS}"', f'"prev":"{ZEROS[:-1]}"'),
        "url-safe event": EVENT.replace(f'"event":"{ZEROS}"', f'"event":"{"_" * 43}="'),
        "trailing bits": EVENT.replace(f'"event":"{ZEROS}"', f'"event":"{"A" * 42}B="'),
        "escaped text": EVENT.replace("2026", "\\u0032026"),
        "text behind": EVENT + "\n",
        "text before": " " + EVENT,
        "a list": "[]",
        "nothing": "",
        "deep nesting": "[" * 100_000,
        "control without type": CONTROL.replace('"type":"ledger.created",', ""),
        "control of lists": CONTROL.replace('"ledger.created"', '["ledger.created"]'),
    }.items(),
    ids=lambda case: case[0],
)
def test_any_other_spelling_is_refused(text: tuple[str, str]) -> None:
    """Hashed bytes are never serialised again: one entry has one encoding."""
    with pytest.raises(FormatError):
        parse_entry(text[1].encode())


def test_invalid_utf8_is_refused() -> None:
    """As no entry."""
    with pytest.raises(FormatError):
        parse_entry(CONTROL.encode().replace(b"audit.example", b"audit\xff.example"))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_or_encode_to_themselves(data: bytes) -> None:
    """Only FormatError is raised."""
    try:
        entry = parse_entry(data)
    except FormatError:
        return
    assert entry.to_bytes() == data


@given(
    st.integers(0, 2**40), st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)
)
def test_linking_many_events_equals_encoding_each(seq: int, commitments: list[bytes]) -> None:
    """The fast path writes the bytes of the plain one; links are SHA-256(0x00 ‖ entry)."""
    entries, leaves = link_events(seq, NOON, bytes(32), commitments)
    prev = bytes(32)
    for number, (entry, leaf, commitment) in enumerate(
        zip(entries, leaves, commitments, strict=True), seq
    ):
        assert entry == EventEntry(number, NOON, prev, commitment).to_bytes()
        prev = hashlib.sha256(b"\0" + entry).digest()
        assert leaf == prev


def test_a_control_entry_too_long_for_a_bundle_is_refused() -> None:
    """The length before an entry in a bundle is a u16."""
    with pytest.raises(FormatError, match="at most 65535"):
        ControlEntry(0, NOON, bytes(32), {"type": "x" * 65_536}).to_bytes()
