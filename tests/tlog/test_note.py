"""Signed notes: what is read and written, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.tlog.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Note,
    Signature,
    open_note,
    parse_note,
)
from tests.tlog.keys import LOG, STRANGER, signed

TEXT = "A note.\n"
LINE = LOG.line(TEXT)
ENCODED = LINE.split(" ")[2].strip()


@pytest.mark.parametrize(("data", "message"), [
    pytest.param(b"", "no empty line", id="empty"),
    pytest.param(LINE.encode(), "no empty line", id="signature alone"),
    pytest.param(f"\n{LINE}".encode(), "no empty line", id="empty line but no text"),
    pytest.param(f"A note.{LINE}".encode(), "no empty line", id="text and signature on one line"),
    pytest.param(f"{TEXT}\n".encode(), "does not end in a signature line", id="no signature"),
    pytest.param(
        f"{TEXT}\n{LINE}".encode()[:-1],
        "does not end in a signature line",
        id="last newline missing",
    ),
    pytest.param(
        f"{TEXT}\n{LINE}\n".encode(),
        "does not end in a signature line",
        id="empty line at the end",
    ),
    pytest.param(
        f"{TEXT}\n{LINE}more\n".encode(),
        "does not start with an em dash",
        id="a line behind the signatures",
    ),
    pytest.param(
        f"{TEXT}\n{LINE} \n".encode(),
        "does not start with an em dash",
        id="a blank line behind the signatures",
    ),
    pytest.param(
        f"{TEXT}\n{LINE}".replace("—", "-").encode(),
        "does not start with an em dash",
        id="hyphen",
    ),
    pytest.param(
        f"{TEXT}\n{LINE}".replace("—", "–").encode(),
        "does not start with an em dash",
        id="en dash",
    ),
    pytest.param(
        f"{TEXT}\n{LINE}".replace("— ", "—").encode(),
        "does not start with an em dash",
        id="no space behind the dash",
    ),
    pytest.param(
        f"{TEXT}\n{LINE}".replace("— ", "—\u00a0").encode(),
        "does not start with an em dash",
        id="no-break space behind the dash",
    ),
    pytest.param(
        f"{TEXT}\n{LINE}".replace("— ", " — ").encode(),
        "does not start with an em dash",
        id="space before the dash",
    ),
    pytest.param(f"{TEXT}\n— {ENCODED}\n".encode(), "not <key name> <base64>", id="no key name"),
    pytest.param(f"{TEXT}\n—  {ENCODED}\n".encode(), "key name is empty", id="empty key name"),
    pytest.param(
        f"{TEXT}\n— a+b {ENCODED}\n".encode(), "a space, a plus", id="plus in the key name"
    ),
    pytest.param(
        f"{TEXT}\n— a\u2003b {ENCODED}\n".encode(),
        "a space, a plus",
        id="em space in the key name",
    ),
    pytest.param(
        f"{TEXT}\n— a\u2028b {ENCODED}\n".encode(),
        "a space, a plus",
        id="line separator in the key name",
    ),
    pytest.param(
        f"{TEXT}\n— a  {ENCODED}\n".encode(),
        "not standard padded base64",
        id="two spaces before the signature",
    ),
    pytest.param(
        f"{TEXT}\n— a {ENCODED} b\n".encode(), "not standard padded base64", id="a fourth item"
    ),
    pytest.param(
        f"{TEXT}\n— a \n".encode(),
        "0 bytes, expected a key id and more",
        id="no signature bytes",
    ),
    pytest.param(
        f"{TEXT}\n— a AAAA\n".encode(),
        "3 bytes, expected a key id and more",
        id="key id cut short",
    ),
    pytest.param(
        f"{TEXT}\n— a AAAAAA==\n".encode(),
        "4 bytes, expected a key id and more",
        id="key id alone",
    ),
    pytest.param(
        f"{TEXT}\n— a AAAAAA_=\n".encode(), "not standard padded base64", id="URL alphabet"
    ),
    pytest.param(f"A\tnote.\n\n{LINE}".encode(), "control character", id="tab"),
    pytest.param(f"A note.\r\n\n{LINE}".encode(), "line 1: ends in CR LF", id="CR LF"),
    pytest.param(f"A n\rote.\n\n{LINE}".encode(), "control character", id="carriage return"),
    pytest.param(f"\ufeffA note.\n\n{LINE}".encode(), "byte order mark", id="byte order mark"),
    pytest.param(f"A\0note.\n\n{LINE}".encode(), "control character", id="zero byte"),
    pytest.param(
        f"A\x1fnote.\n\n{LINE}".encode(), "control character", id="last control character"
    ),
    pytest.param(
        f"{TEXT}\n— a\x01b {ENCODED}\n".encode(),
        "control character",
        id="control character in a name",
    ),
    pytest.param(b"A \xff note.\n\n" + LINE.encode(), "not UTF-8", id="not UTF-8"),
    pytest.param(b"A \xed\xa0\x80 note.\n\n" + LINE.encode(), "not UTF-8", id="surrogate"),
    pytest.param(b"A \xc0\xaf note.\n\n" + LINE.encode(), "not UTF-8", id="overlong UTF-8"),
])  # fmt: skip
def test_malformed_note(data: bytes, message: str) -> None:
    """Each rule of the format has a message of its own."""
    with pytest.raises(FormatError, match=message):
        parse_note(data)


@pytest.mark.parametrize("text", [
    pytest.param("\n", id="empty line"),
    pytest.param("\n\n", id="two empty lines"),
    pytest.param("A\n\nB\n\n", id="paragraphs"),
    pytest.param("A\n\n\n", id="empty lines at the end"),
    pytest.param("— a AAAAAAA=\n", id="looks like a signature"),
    pytest.param(f"A\n\n{LINE}", id="is a note itself"),
    pytest.param("ü\x7f\u0085\u2028\n", id="unusual characters"),
])  # fmt: skip
def test_unusual_text_is_read_back(text: str) -> None:
    """The last empty line separates text and signatures, whatever the text contains."""
    note = parse_note(signed(text, LOG))
    assert note.text == text
    assert open_note(note.to_bytes(), [LOG.key]) == (note, (LOG.key,))


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Z"], exclude_characters="+"),
    min_size=1,
    max_size=12,
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32)).map(
    lambda text: text + "\n"
)


@settings(deadline=None)
@given(
    TEXTS,
    st.lists(
        st.builds(Signature, NAMES, st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=70)),
        min_size=1,
        max_size=16,
    ),
)
def test_every_note_is_read_back(text: str, signatures: list[Signature]) -> None:
    """Any text, names, key ids and signatures."""
    note = Note(text, tuple(signatures))
    assert parse_note(note.to_bytes()) == note


def test_number_of_signatures() -> None:
    """As many signatures as documented are read, and one more is not."""
    assert MAX_SIGNATURES >= 16
    line = STRANGER.line(TEXT)
    most = f"{TEXT}\n{line * (MAX_SIGNATURES - 1)}{LINE}".encode()
    assert len(open_note(most, [LOG.key])[0].signatures) == MAX_SIGNATURES
    with pytest.raises(FormatError, match=f"{MAX_SIGNATURES + 1} signatures"):
        parse_note(f"{TEXT}\n{line * MAX_SIGNATURES}{LINE}".encode())
    with pytest.raises(FormatError, match="0 signatures"):
        Note(TEXT, ())


def test_size_of_a_note() -> None:
    """As many bytes as documented are read, and one more is not, whether read or written."""
    text = "x" * (MAX_NOTE_BYTES - len(f"\n\n{LINE}".encode())) + "\n"
    data = f"{text}\n{LINE}".encode()
    assert len(data) == MAX_NOTE_BYTES
    assert parse_note(data).text == text
    with pytest.raises(FormatError, match="at most"):
        parse_note(b"x" + data)
    with pytest.raises(FormatError, match="at most"):
        Note("x" + text, parse_note(data).signatures).to_bytes()


@pytest.mark.parametrize(("name", "number", "value", "message"), [
    ("", 1, b"x", "empty"),
    ("a b", 1, b"x", "a space"),
    ("a\nb", 1, b"x", "a space"),
    ("a\x01b", 1, b"x", "control character"),
    ("a+b", 1, b"x", "a plus"),
    ("a\ud800", 1, b"x", "not UTF-8"),
    ("a", -1, b"x", "not a u32"),
    ("a", 2**32, b"x", "not a u32"),
    ("a", 1, b"", "no bytes"),
])  # fmt: skip
def test_a_signature_that_no_line_can_contain_is_refused(
    name: str, number: int, value: bytes, message: str
) -> None:
    """It would not be read back."""
    with pytest.raises(FormatError, match=message):
        Signature(name, number, value)


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n"])
def test_a_text_that_no_note_can_contain_is_refused(text: str) -> None:
    """It would not be read back."""
    with pytest.raises(FormatError):
        Note(text, (Signature("a", 1, b"x"),))


def test_a_text_that_is_not_unicode_is_not_written() -> None:
    """A lone surrogate has no UTF-8."""
    with pytest.raises(FormatError, match="not UTF-8"):
        Note("\ud800\n", (Signature("a", 1, b"x"),)).to_bytes()
