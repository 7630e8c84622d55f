"""Entry bundles hold entries exactly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.tlog.entry_bundle import pack_entry_bundle, parse_entry_bundle


def test_wire_format() -> None:
    """Each entry has its length as a big-endian u16 before it."""
    assert pack_entry_bundle([b"one", b"", b"x" * 256]) == (
        b"\x00\x03one" + b"\x00\x00" + b"\x01\x00" + b"x" * 256
    )


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=256))
def test_every_bundle_is_read_back(entries: list[bytes]) -> None:
    """Entries come out as they went in, also one by one."""
    bundle = pack_entry_bundle(iter(entries))
    assert bundle == b"".join(pack_entry_bundle([entry]) for entry in entries)
    assert parse_entry_bundle(bundle) == entries
    assert parse_entry_bundle(bundle, len(entries)) == entries


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_bytes_are_read_only_as_the_encoder_writes_them(data: bytes) -> None:
    """What is read at all encodes to the same bytes."""
    try:
        entries = parse_entry_bundle(data)
    except FormatError:
        return
    assert pack_entry_bundle(entries) == data


def test_longest_entry() -> None:
    """65,535 bytes fit and one more does not."""
    longest = bytes(65_535)
    assert parse_entry_bundle(pack_entry_bundle([longest])) == [longest]
    with pytest.raises(FormatError, match="65535"):
        pack_entry_bundle([bytes(65_536)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"\x00", "within the length at byte 0", id="first length cut"),
        pytest.param(b"\x00\x01a\x00", "within the length at byte 3", id="later length cut"),
        pytest.param(b"\x00\x01", "ends at byte 2, within entry 0", id="first entry cut"),
        pytest.param(b"\x00\x01a\x00\x02b", "ends at byte 6, within entry 1", id="later entry cut"),
    ],
)
def test_truncated_bundle(data: bytes, message: str) -> None:
    """A bundle that ends anywhere but behind an entry is refused, and the place is named."""
    with pytest.raises(FormatError, match=message):
        parse_entry_bundle(data)


@pytest.mark.parametrize("width", [1, 3])
def test_bundle_of_another_width(width: int) -> None:
    """A bundle whose path states another number of entries is refused."""
    with pytest.raises(FormatError, match=f"2 entries, expected {width}"):
        parse_entry_bundle(b"\x00\x01a\x00\x01b", width)
