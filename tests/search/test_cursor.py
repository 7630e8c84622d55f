"""A cursor is valid for one search only; nobody can make or change one without the key."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.search.criteria import Search
from audit_ledger.search.cursor import Cursor, parse_cursor, search_binding
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.parameters import parse_search

SECRET = b"k" * 32
KEY = KeyedHash(SECRET)
CURSOR = Cursor(size=1234, time_ms=1_795_305_600_123, seq=77)
ORIGIN, SCOPE = "audit.example.org/st-elsewhere", "system"


def search(*pairs: tuple[str, str]) -> Search:
    """Parse a search of a patient."""
    return parse_search([("patient", "1"), *pairs], is_strict=True)


BINDING = search_binding(search(), origin=ORIGIN, scope=SCOPE)
TEXT = CURSOR.to_text(KEY, BINDING)


def refusal(text: str, *, key: KeyedHash = KEY, binding: bytes = BINDING) -> RejectedSearchError:
    """Parse a cursor that must be refused; return the error."""
    with pytest.raises(RejectedSearchError) as refused:
        parse_cursor(key, text, binding)
    assert (refused.value.status, refused.value.parameter) == (400, "_cursor")
    assert not text or text not in str(refused.value)
    return refused.value


def test_the_bytes_of_a_cursor_are_as_documented() -> None:
    """Written by the layout, with another implementation of HMAC."""
    body = (
        bytes([1])
        + (1234).to_bytes(8, "big")
        + (1_795_305_600_123).to_bytes(8, "big", signed=True)
        + (77).to_bytes(8, "big")
        + BINDING
    )
    mac = hmac.new(SECRET, b"audit-ledger/search-cursor/v1\n" + body, sha256).digest()
    assert urlsafe_b64encode(body + mac).decode().rstrip("=") == TEXT
    assert "=" not in TEXT


@given(st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1))
def test_a_cursor_round_trips(size: int, time_ms: int, seq: int) -> None:
    """Any size, any time, any entry."""
    cursor = Cursor(size, time_ms, seq)
    assert parse_cursor(KEY, cursor.to_text(KEY, BINDING), BINDING) == cursor


def test_every_changed_bit_is_refused() -> None:
    """Each bit of each byte."""
    data = urlsafe_b64decode(TEXT + "=" * (-len(TEXT) % 4))
    assert len(data) == 89
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            text = urlsafe_b64encode(bytes(changed)).decode().rstrip("=")
            assert refusal(text).code == "value"


def test_every_other_spelling_is_refused() -> None:
    """Cut, longer, padded, with white space, other alphabets, or with set bits behind the end."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for at in range(len(TEXT)):
        assert refusal(TEXT[:at]).code == "value"
    loose_end = TEXT[:-1] + letters[letters.index(TEXT[-1]) + 1]
    for text in (
        TEXT + "=", TEXT + "A", " " + TEXT, TEXT + "\n", TEXT[:50] + "\n" + TEXT[50:], loose_end,
        TEXT + TEXT, TEXT[:-1] + "+", TEXT[:-1] + "\u00e9", "\ud800", "%",
    ):  # fmt: skip
        assert refusal(text).code == "value"


def test_an_authentic_body_of_another_version_or_length_is_refused() -> None:
    """The key may have signed it for another use."""
    for body in (bytes([2]) + urlsafe_b64decode(TEXT + "=")[1:-32], bytes([1])):
        mac = hmac.new(SECRET, b"audit-ledger/search-cursor/v1\n" + body, sha256).digest()
        assert refusal(urlsafe_b64encode(body + mac).decode().rstrip("=")).code == "value"


def test_another_key_is_refused() -> None:
    """As of another ledger."""
    assert refusal(TEXT, key=KeyedHash(b"j" * 32)).code == "value"


@pytest.mark.parametrize(
    "other",
    [
        search_binding(search(), origin="audit.example.org/other", scope=SCOPE),
        search_binding(search(), origin=ORIGIN, scope="patient/2"),
        search_binding(search(("date", "2026")), origin=ORIGIN, scope=SCOPE),
        search_binding(search(("_sort", "date")), origin=ORIGIN, scope=SCOPE),
        search_binding(search(("patient", "1")), origin=ORIGIN, scope=SCOPE),
        search_binding(search(), origin=ORIGIN[:-1], scope=ORIGIN[-1] + SCOPE),
    ],
)
def test_a_cursor_of_another_search_is_refused(other: bytes) -> None:
    """Another ledger, another scope, another search, another order."""
    assert refusal(TEXT, binding=other).code == "invalid"
    assert parse_cursor(KEY, TEXT, BINDING) == CURSOR


def test_count_and_format_may_change_on_the_next_page() -> None:
    """They and the cursor itself are not bound."""
    continued = search(("_count", "100"), ("_format", "json"), ("_cursor", TEXT))
    assert parse_cursor(KEY, TEXT, search_binding(continued, origin=ORIGIN, scope=SCOPE)) == CURSOR
