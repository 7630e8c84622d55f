"""Numbers and base64, read in their one canonical form by all formats."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.tlog import strict_base64, strict_decimal


@pytest.mark.parametrize("text", ["0", "1", "10", "9223372036854775807", "9" * 19])
def test_numbers_of_up_to_19_digits_are_read(text: str) -> None:
    """The largest is below 2^64; each format has its own limit."""
    assert strict_decimal.parse(text, what="n") == int(text)


@pytest.mark.parametrize("text", [
    "", "01", "00", "-1", "-0", "+1", " 1", "1 ", "1\n", "1_0", "1.0", "0x1", "1e1", "١", "²",
    "9" * 20, "9" * 5000,
])  # fmt: skip
def test_other_spellings_of_numbers_are_refused(text: str) -> None:
    """Signs, spaces, other bases and digits, leading zeros, and more digits."""
    with pytest.raises(FormatError, match=r"^n is not a decimal number without leading zeros"):
        strict_decimal.parse(text, what="n")


@given(st.binary(max_size=70))
def test_all_bytes_are_read_back_from_base64(data: bytes) -> None:
    """In the standard, padded form."""
    text = b64encode(data).decode()
    assert strict_base64.encode(data) == text
    assert strict_base64.decode(text, size=len(data)) == data


@pytest.mark.parametrize("text", [
    pytest.param("AAAAAAA", id="padding missing"),
    pytest.param("AAAAAA=", id="half of the padding"),
    pytest.param("AAAAAAA==", id="too much padding"),
    pytest.param("AAAAAAAA====", id="a group of padding"),
    pytest.param("AAAA=AAA", id="padding in the middle"),
    pytest.param("AAAAAAA=AAAA", id="bytes after the padding"),
    pytest.param("AAAAAAB=", id="set bits after the last byte"),
    pytest.param("AAAAAB==", id="set bits after the last byte, two pads"),
    pytest.param("AAAAAA_=", id="URL alphabet"),
    pytest.param(" AAAAAAA=", id="space before"),
    pytest.param("AAAAAAA= ", id="space after"),
    pytest.param("AAAA AAA=", id="space within"),
    pytest.param("AAAAAAA=\n", id="newline after"),
    pytest.param("AAAAAA*=", id="no base64"),
    pytest.param("AAAAAAé=", id="not ASCII"),
])  # fmt: skip
def test_other_forms_of_base64_are_refused(text: str) -> None:
    """One value has one form."""
    with pytest.raises(FormatError, match=r"^x: (not standard padded base64|base64 has set bits)"):
        strict_base64.decode(text, what="x")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_base64_of_another_size_is_refused(size: int) -> None:
    """With both sizes in the message."""
    with pytest.raises(FormatError, match=f"x: {size} bytes, expected 32"):
        strict_base64.decode(b64encode(bytes(size)).decode(), size=32, what="x")
