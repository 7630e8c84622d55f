"""The fast path accepts exactly the bundles in which the check of each entry finds nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.ledger.entry import EventEntry, link_events, parse_entry
from audit_ledger.tlog.entry_bundle import pack_entry_bundle, parse_entry_bundle
from audit_ledger.tlog.rfc6962 import leaf_hash
from audit_ledger.verify.bundle_fast_path import check_event_bundle

FIRST = 997_250
TIME = 1_795_327_140
PREV = bytes(range(32))


def events(count: int, first: int = FIRST) -> list[bytes]:
    """Entries with times that differ, each with another commitment."""
    entries: list[bytes] = []
    prev = PREV
    for seq in range(first, first + count):
        commitment = bytes([seq % 256] * 32)
        entries.append(EventEntry(seq, TIME + seq // 7, prev, commitment).to_bytes())
        prev = leaf_hash(entries[-1])
    return entries


def is_right(data: bytes, first: int, count: int) -> bool:
    """The exact way: decode each entry, then compare seq, prev and time one by one."""
    try:
        decoded = [parse_entry(entry) for entry in parse_entry_bundle(data, count)]
    except FormatError:
        return False
    entries = parse_entry_bundle(data, count)
    if not all(isinstance(entry, EventEntry) for entry in decoded):
        return False
    return all(entry.seq == seq for seq, entry in enumerate(decoded, first)) and all(
        after.prev == leaf_hash(data) and after.time >= before.time
        for before, data, after in zip(decoded, entries, decoded[1:], strict=False)
    )


@pytest.mark.parametrize("count", [1, 2, 88, 255, 256])
def test_valid_events_take_the_fast_path(count: int) -> None:
    """With their leaf hashes, and the values to compare with the entry before."""
    entries = events(count)
    checked = check_event_bundle(pack_entry_bundle(entries), FIRST, count)
    assert checked is not None
    assert checked.leaves == [leaf_hash(entry) for entry in entries]
    first, last = parse_entry(entries[0]), parse_entry(entries[-1])
    assert checked.first_prev == first.prev
    assert checked.first_time in entries[0]
    assert checked.last_time in entries[-1]
    assert last.seq == FIRST + count - 1


def test_entries_of_the_sequencer_take_the_fast_path() -> None:
    """The bytes of `link_events`, at every number of digits."""
    for first in (1, 10, 999_000, 123_456_789_000):
        entries, leaves = link_events(first, TIME, PREV, [bytes(32)] * 9)
        checked = check_event_bundle(pack_entry_bundle(entries), first, 9)
        assert checked is not None
        assert checked.leaves == leaves


def test_seq_is_compared_in_every_digit() -> None:
    """At every position of 256 numbers among the thousands; any other number is refused."""
    for first in [1, 7, 250, 744, 745, 999, 9000, *range(1000, 2001, 77), 1_999_800, 10**15 - 300]:
        count = min(256, 10 ** len(str(first)) - first)
        entries, _ = link_events(first, TIME, PREV, [bytes(32)] * count)
        assert check_event_bundle(pack_entry_bundle(entries), first, count) is not None
        for other in (first + 1, first - 1, first + 10, first + 1000, first + 256):
            assert check_event_bundle(pack_entry_bundle(entries), other, count) is None


def test_alternating_times_do_not_take_the_fast_path() -> None:
    """A, B, A: all of them times, the first and the last the same."""
    entries, prev = [], PREV
    for seq, time in enumerate((TIME, TIME + 1, TIME), FIRST):
        entries.append(EventEntry(seq, time, prev, PREV).to_bytes())
        prev = leaf_hash(entries[-1])
    assert check_event_bundle(pack_entry_bundle(entries), FIRST, 3) is None


def test_a_bundle_in_which_seq_gains_a_digit_takes_the_exact_path() -> None:
    """Its entries are not of the same length."""
    entries, _ = link_events(95, TIME, PREV, [bytes(32)] * 10)
    assert check_event_bundle(pack_entry_bundle(entries), 95, 10) is None


ENTRIES = events(3)
BUNDLE = pack_entry_bundle(ENTRIES)


def test_a_changed_byte_takes_the_fast_path_only_if_it_is_valid() -> None:
    """Every byte, with each bit flipped, and characters that base64 decoders confuse."""
    taken = 0
    for offset, was in enumerate(BUNDLE):
        for byte in {was ^ (1 << bit) for bit in range(8)} | set(b"=A/+-_ 0") - {was}:
            data = BUNDLE[:offset] + bytes([byte]) + BUNDLE[offset + 1 :]
            is_taken = check_event_bundle(data, FIRST, 3) is not None
            assert is_taken == is_right(data, FIRST, 3)
            taken += is_taken
    assert taken, "the last entry's commitment may be any, and the first entry's prev"


@pytest.mark.parametrize(
    "time",
    [
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T23:60:00Z",
        "2026-11-22T23:59:60Z",
        "1969-12-31T23:59:59Z",
        "2026-11-22 05:59:00Z",
        "2026-11-22T05:59:00+",
        "٢٠٢٦-11-22T0Z",
    ],
)
def test_an_invalid_time_does_not_take_the_fast_path(time: str) -> None:
    """In a bundle of one entry, so that only its form can be wrong."""
    (entry,) = events(1)
    at = entry.index(b'"time":"') + len(b'"time":"')
    data = pack_entry_bundle([entry[:at] + time.encode()[:20] + entry[at + 20 :]])
    assert check_event_bundle(data, FIRST, 1) is None
    assert not is_right(data, FIRST, 1)


def test_decreasing_times_do_not_take_the_fast_path() -> None:
    """By one second, and with correct links."""
    first = EventEntry(FIRST, TIME, PREV, PREV).to_bytes()
    second = EventEntry(FIRST + 1, TIME - 1, leaf_hash(first), PREV).to_bytes()
    assert check_event_bundle(pack_entry_bundle([first, second]), FIRST, 2) is None


@given(st.binary(max_size=400))
def test_the_fast_path_raises_no_error(data: bytes) -> None:
    """Of any bytes it returns a result or None."""
    assert check_event_bundle(data, FIRST, 2) is None


@given(st.data())
def test_a_spliced_bundle_does_not_take_the_fast_path(data: st.DataObject) -> None:
    """Pieces of the right length from elsewhere."""
    size = len(BUNDLE)
    start = data.draw(st.integers(0, size - 1))
    length = data.draw(st.integers(1, size - start))
    source = data.draw(st.integers(0, size - length))
    spliced = BUNDLE[:start] + BUNDLE[source : source + length] + BUNDLE[start + length :]
    assert (check_event_bundle(spliced, FIRST, 3) is not None) == is_right(spliced, FIRST, 3)
