"""The fast path accepts exactly the bundles in which the check of each entry finds nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.ledger.entry import EventEntry, link_events, parse_entry
from audit_ledger.tlog.entry_bundle import encode_entry_bundle, parse_entry_bundle
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
def test_events_that_are_right_are_taken(count: int) -> None:
    """With their leaf hashes, and what must be compared with the entry before."""
    entries = events(count)
    checked = check_event_bundle(encode_entry_bundle(entries), FIRST, count)
    assert checked is not None
    assert checked.leaves == [leaf_hash(entry) for entry in entries]
    first, last = parse_entry(entries[0]), parse_entry(entries[-1])
    assert checked.first_prev == first.prev
    assert checked.first_time in entries[0]
    assert checked.last_time in entries[-1]
    assert last.seq == FIRST + count - 1


def test_what_the_sequencer_chains_is_taken() -> None:
    """The bytes of `link_events`, at every number of digits."""
    for first in (1, 10, 999_000, 123_456_789_000):
        entries, leaves = link_events(first, TIME, PREV, [bytes(32)] * 9)
        checked = check_event_bundle(encode_entry_bundle(entries), first, 9)
        assert checked is not None
        assert checked.leaves == leaves


def test_seq_is_compared_in_every_digit() -> None:
    """At every place of 256 numbers among the thousands; a number off by anything is not taken."""
    for first in [1, 7, 250, 744, 745, 999, 9000, *range(1000, 2001, 77), 1_999_800, 10**15 - 300]:
        count = min(256, 10 ** len(str(first)) - first)
        entries, _ = link_events(first, TIME, PREV, [bytes(32)] * count)
        assert check_event_bundle(encode_entry_bundle(entries), first, count) is not None
        for other in (first + 1, first - 1, first + 10, first + 1000, first + 256):
            assert check_event_bundle(encode_entry_bundle(entries), other, count) is None


def test_times_that_come_and_go_are_not_taken() -> None:
    """A, B, A: each of them a time, the first and the last the same."""
    entries, prev = [], PREV
    for seq, time in enumerate((TIME, TIME + 1, TIME), FIRST):
        entries.append(EventEntry(seq, time, prev, PREV).to_bytes())
        prev = leaf_hash(entries[-1])
    assert check_event_bundle(encode_entry_bundle(entries), FIRST, 3) is None


def test_a_bundle_in_which_seq_gains_a_digit_is_left_to_the_exact_way() -> None:
    """Its entries are not equally long."""
    entries, _ = link_events(95, TIME, PREV, [bytes(32)] * 10)
    assert check_event_bundle(encode_entry_bundle(entries), 95, 10) is None


ENTRIES = events(3)
BUNDLE = encode_entry_bundle(ENTRIES)


def test_no_changed_byte_is_taken_unless_it_is_right() -> None:
    """Every byte of a bundle, changed in each of its bits and to what base64 may confuse."""
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
def test_no_time_that_is_none_is_taken(time: str) -> None:
    """Alone in a bundle, so that only its form can be wrong."""
    (entry,) = events(1)
    at = entry.index(b'"time":"') + len(b'"time":"')
    data = encode_entry_bundle([entry[:at] + time.encode()[:20] + entry[at + 20 :]])
    assert check_event_bundle(data, FIRST, 1) is None
    assert not is_right(data, FIRST, 1)


def test_times_that_go_back_are_not_taken() -> None:
    """Even by a second, and even if all links hold."""
    first = EventEntry(FIRST, TIME, PREV, PREV).to_bytes()
    second = EventEntry(FIRST + 1, TIME - 1, leaf_hash(first), PREV).to_bytes()
    assert check_event_bundle(encode_entry_bundle([first, second]), FIRST, 2) is None


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    """Whatever is published, the answer is yes or no."""
    assert check_event_bundle(data, FIRST, 2) is None


@given(st.data())
def test_no_spliced_bundle_is_taken(data: st.DataObject) -> None:
    """Pieces of the right length that belong elsewhere."""
    size = len(BUNDLE)
    start = data.draw(st.integers(0, size - 1))
    length = data.draw(st.integers(1, size - start))
    source = data.draw(st.integers(0, size - length))
    spliced = BUNDLE[:start] + BUNDLE[source : source + length] + BUNDLE[start + length :]
    assert (check_event_bundle(spliced, FIRST, 3) is not None) == is_right(spliced, FIRST, 3)
