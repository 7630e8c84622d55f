"""Signed notes: what is read, what is refused, and whose signatures count."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Note,
    Signature,
    VerifierKey,
    ed25519_verifier_key,
    key_id,
    open_note,
    parse_note,
    parse_verifier_key,
    verify_ed25519,
)
from tests.tlog import vectors
from tests.tlog.keys import LOG, LOG_MLDSA, STRANGER, WITNESS_1, Signer, signed

TEXT = "A note.\n"
ROTATED = Signer(LOG.name, LOG.algorithm, b"the key after it")

REJECTED = (
    json.loads((vectors.VECTORS / "signed-note.json").read_bytes())["rejected"]
    if vectors.VECTORS.is_dir()
    else {}
)


def test_specifications_example(shared_dir: Path) -> None:
    """The note and vkey that signed-note gives as its example verify, and read back."""
    vector = json.loads((shared_dir / "vectors/signed-note.json").read_bytes())
    key = parse_verifier_key(vector["vkey"])
    note, signers = open_note(vector["note"].encode(), [key])
    assert note.text == "This is an example message.\n"
    assert signers == (key,)
    assert key.encode() == vector["vkey"]
    assert note.encode() == vector["note"].encode()
    assert len(REJECTED) == 9


@pytest.mark.parametrize("change", REJECTED)
def test_changed_example_is_rejected(shared_dir: Path, change: str) -> None:
    """Each change to the specification's example makes it a note that nobody signed, or none."""
    vector = json.loads((shared_dir / "vectors/signed-note.json").read_bytes())
    with pytest.raises((FormatError, VerificationError)):
        open_note(vector["rejected"][change].encode(), [parse_verifier_key(vector["vkey"])])


LINE = LOG.line(TEXT)
ENCODED = LINE.split(" ")[2].strip()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "no empty line", id="empty"),
        pytest.param(LINE.encode(), "no empty line", id="signature alone"),
        pytest.param(f"\n{LINE}".encode(), "no empty line", id="empty line but no text"),
        pytest.param(
            f"A note.{LINE}".encode(), "no empty line", id="text and signature on one line"
        ),
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
        pytest.param(
            f"{TEXT}\n— {ENCODED}\n".encode(), "not <key name> <base64>", id="no key name"
        ),
        pytest.param(f"{TEXT}\n—  {ENCODED}\n".encode(), "key name is empty", id="empty key name"),
        pytest.param(
            f"{TEXT}\n— a+b {ENCODED}\n".encode(), "a space, a plus", id="plus in the key name"
        ),
        pytest.param(
            f"{TEXT}\n— a\u00a0b {ENCODED}\n".encode(),
            "a space, a plus",
            id="no-break space in the key name",
        ),
        pytest.param(
            f"{TEXT}\n— a\u2003b {ENCODED}\n".encode(),
            "a space, a plus",
            id="em space in the key name",
        ),
        pytest.param(
            f"{TEXT}\n— a\u0085b {ENCODED}\n".encode(),
            "a space, a plus",
            id="next line in the key name",
        ),
        pytest.param(
            f"{TEXT}\n— a\u2028b {ENCODED}\n".encode(),
            "a space, a plus",
            id="line separator in the key name",
        ),
        pytest.param(
            f"{TEXT}\n— a\u3000b {ENCODED}\n".encode(),
            "a space, a plus",
            id="ideographic space in the key name",
        ),
        pytest.param(
            f"{TEXT}\n— a  {ENCODED}\n".encode(),
            "not standard padded base64",
            id="two spaces before the signature",
        ),
        pytest.param(
            f"{TEXT}\n— a {ENCODED} \n".encode(),
            "not standard padded base64",
            id="space behind the signature",
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
            f"{TEXT}\n— a AAAAAAA\n".encode(), "not standard padded base64", id="padding missing"
        ),
        pytest.param(
            f"{TEXT}\n— a AAAAAAB=\n".encode(),
            "set bits behind its last byte",
            id="padding with set bits",
        ),
        pytest.param(
            f"{TEXT}\n— a AAAAAA_=\n".encode(), "not standard padded base64", id="URL alphabet"
        ),
        pytest.param(
            f"{TEXT}\n— a AAAA=AAA\n".encode(),
            "not standard padded base64",
            id="padding in the middle",
        ),
        pytest.param(
            f"{TEXT}\n— a AAAAAAA=AAAA\n".encode(),
            "not standard padded base64",
            id="bytes behind the padding",
        ),
        pytest.param(f"{TEXT}\n— a AAAAAAAA====\n".encode(), "base64", id="too much padding"),
        pytest.param(f"A\tnote.\n\n{LINE}".encode(), "control character", id="tab"),
        pytest.param(f"A note.\r\n\n{LINE}".encode(), "control character", id="carriage return"),
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
    ],
)
def test_malformed_note(data: bytes, message: str) -> None:
    """Each rule of the format has a message of its own."""
    with pytest.raises(FormatError, match=message):
        parse_note(data)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\n", id="empty line"),
        pytest.param("\n\n", id="two empty lines"),
        pytest.param("A\n\nB\n\n", id="paragraphs"),
        pytest.param("A\n\n\n", id="empty lines at the end"),
        pytest.param("— a AAAAAAA=\n", id="looks like a signature"),
        pytest.param(f"A\n\n{LINE}", id="is a note itself"),
        pytest.param("ü\x7f\u0085\u2028\n", id="unusual characters"),
    ],
)
def test_unusual_text_is_read_back(text: str) -> None:
    """The last empty line parts text and signatures, whatever the text looks like."""
    note = parse_note(signed(text, LOG))
    assert note.text == text
    assert open_note(note.encode(), [LOG.key]) == (note, (LOG.key,))


NAMES = st.text(min_size=1, max_size=12).filter(
    lambda name: (
        not any(c.isspace() or c == "+" or c < " " or "\ud800" <= c <= "\udfff" for c in name)
    )
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
    """A note that can be made reads back as it was."""
    note = Note(text, tuple(signatures))
    assert parse_note(note.encode()) == note


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 255))
def test_a_changed_byte_never_goes_unseen(at: int, value: int) -> None:
    """Any byte of a signed note set to any other value makes it unsigned or no note."""
    data = bytearray(signed(TEXT, LOG))
    at %= len(data)
    if data[at] == value:
        return
    data[at] = value
    with pytest.raises((FormatError, VerificationError)):
        open_note(bytes(data), [LOG.key])


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
        Note("x" + text, parse_note(data).signatures).encode()


@pytest.mark.parametrize(
    ("name", "number", "value", "message"),
    [
        ("", 1, b"x", "empty"),
        ("a b", 1, b"x", "a space"),
        ("a\nb", 1, b"x", "a space"),
        ("a\x01b", 1, b"x", "control character"),
        ("a+b", 1, b"x", "a plus"),
        ("a\ud800", 1, b"x", "not UTF-8"),
        ("a", -1, b"x", "not a u32"),
        ("a", 2**32, b"x", "not a u32"),
        ("a", 1, b"", "no bytes"),
    ],
)
def test_signature_that_no_line_can_say(name: str, number: int, value: bytes, message: str) -> None:
    """A signature that would not read back cannot be made."""
    with pytest.raises(FormatError, match=message):
        Signature(name, number, value)


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n"])
def test_text_that_no_note_can_have(text: str) -> None:
    """A text that would not read back cannot be made a note."""
    with pytest.raises(FormatError):
        Note(text, (Signature("a", 1, b"x"),))


def test_text_that_is_not_unicode_is_not_written() -> None:
    """A lone surrogate has no UTF-8."""
    with pytest.raises(FormatError, match="not UTF-8"):
        Note("\ud800\n", (Signature("a", 1, b"x"),)).encode()


def test_signatures_of_unknown_keys_are_ignored() -> None:
    """Also where they share the name or the id, but not both, with a known key."""
    same_name = Signature(LOG.name, STRANGER.key.key_id, b"whatever").encode()
    same_id = Signature(STRANGER.name, LOG.key.key_id, b"whatever").encode()
    data = (f"{TEXT}\n" + STRANGER.line(TEXT) + same_name + same_id + LINE).encode()
    note, signers = open_note(data, [ROTATED.key, LOG.key])
    assert signers == (LOG.key,)
    assert note.signatures_by(LOG.key) == (note.signatures[3],)


def test_known_keys_bad_signature_rejects_the_note() -> None:
    """Though another known key's signature, or another by the same key, is good."""
    bad = LOG.line_of(bytes(64))
    for lines in (bad, bad + ROTATED.line(TEXT), bad + LINE, LINE + bad, LINE + LOG.line_of(b"x")):
        with pytest.raises(VerificationError, match="does not verify"):
            open_note(f"{TEXT}\n{lines}".encode(), [LOG.key, ROTATED.key])


def test_note_signed_by_both_keys_of_a_rotation() -> None:
    """All known signers are told, in the order of the keys."""
    data = signed(TEXT, LOG, ROTATED)
    assert open_note(data, [ROTATED.key, LOG.key])[1] == (ROTATED.key, LOG.key)


def test_note_that_no_known_key_signed() -> None:
    """A note is rejected without a known key's signature, and without known keys."""
    data = signed(TEXT, STRANGER)
    for keys in ([LOG.key], []):
        with pytest.raises(VerificationError, match="not signed by any known key"):
            open_note(data, keys)
    with pytest.raises(VerificationError, match=r"not signed by example\.com/log"):
        verify_ed25519(LOG.key, parse_note(data))


def test_signature_of_another_text_is_bad() -> None:
    """The signature covers the text with its last newline."""
    for other in ("B note.\n", "A note.\n\n", "A note. \n"):
        with pytest.raises(VerificationError, match="does not verify"):
            open_note(f"{TEXT}\n{LOG.line(other)}".encode(), [LOG.key])


@pytest.mark.parametrize("signer", [WITNESS_1, LOG_MLDSA], ids=["0x04", "0x06"])
def test_cosigners_key_signs_no_plain_note(signer: Signer) -> None:
    """A plain Ed25519 signature under a cosignature key does not count."""
    line = signer.line_of(signer.sign(TEXT.encode()))
    with pytest.raises(VerificationError, match="signs no plain notes"):
        open_note(f"{TEXT}\n{line}".encode(), [signer.key])


@pytest.mark.parametrize("signer", [LOG, WITNESS_1, LOG_MLDSA], ids=["0x01", "0x04", "0x06"])
def test_verifier_key_is_read_back(signer: Signer) -> None:
    """Vkeys of all three signature types."""
    key = parse_verifier_key(signer.vkey)
    assert key == VerifierKey(signer.name, signer.algorithm, signer.public_key)
    assert key.encode() == signer.vkey


def test_verifier_key_of_ed25519() -> None:
    """A bare public key and a name make a vkey of type 0x01, and its key id."""
    key = ed25519_verifier_key(LOG.name, LOG.public_key)
    assert key.encode() == LOG.vkey
    assert key.key_id == key_id(LOG.name, b"\x01" + LOG.public_key)
    assert f"{key.key_id:08x}" == LOG.vkey.split("+")[1]


def vkey(name: str, number: str, type_and_key: bytes) -> str:
    return f"{name}+{number}+{b64encode(type_and_key).decode()}"


NAME, ID, KEY = LOG.vkey.split("+", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "not <key name>", id="empty"),
        pytest.param(NAME, "not <key name>", id="name alone"),
        pytest.param(f"{NAME}+{ID}", "not <key name>", id="no key"),
        pytest.param(f"+{ID}+{KEY}", "key name is empty", id="empty name"),
        pytest.param(f"a b+{ID}+{KEY}", "a space", id="space in the name"),
        pytest.param(f"a\u2003b+{ID}+{KEY}", "a space", id="em space in the name"),
        pytest.param(f"a\nb+{ID}+{KEY}", "a space", id="newline in the name"),
        pytest.param(f"a\ud800+{ID}+{KEY}", "not UTF-8", id="name not Unicode"),
        pytest.param(f"{NAME}+{ID.upper()}+{KEY}", "key id", id="id in capitals"),
        pytest.param(f"{NAME}+{ID[1:]}+{KEY}", "key id", id="id too short"),
        pytest.param(f"{NAME}+0{ID}+{KEY}", "key id", id="id too long"),
        pytest.param(f"{NAME}++{KEY}", "key id", id="no id"),
        pytest.param(f"{NAME}+00000000+{KEY}", "key id", id="id of another key"),
        pytest.param(f"x{NAME}+{ID}+{KEY}", "key id", id="id of another name"),
        pytest.param(f"{NAME}+{ID}+", "no signature type", id="no type"),
        pytest.param(f"{NAME}+{ID}+{KEY} ", "not standard padded base64", id="space behind"),
        pytest.param(f"{NAME}+{ID}+{KEY}\n", "not standard padded base64", id="newline behind"),
        pytest.param(f"{NAME}+{ID}+{KEY[:-1]}", "not standard padded base64", id="not base64"),
        pytest.param(
            vkey(NAME, ID, b"\x01" + LOG.public_key[:-1]),
            "31 bytes of public key",
            id="Ed25519 key too short",
        ),
        pytest.param(
            vkey(NAME, ID, b"\x01" + LOG.public_key + b"\0"),
            "33 bytes of public key",
            id="Ed25519 key too long",
        ),
        pytest.param(
            vkey(NAME, ID, b"\x04" + bytes(1312)),
            "1312 bytes of public key",
            id="ML-DSA key as type 0x04",
        ),
        pytest.param(
            vkey(NAME, ID, b"\x06" + bytes(32)),
            "32 bytes of public key",
            id="Ed25519 key as type 0x06",
        ),
        pytest.param(vkey(NAME, ID, b"\x02" + bytes(91)), "type 0x02 is not known", id="ECDSA"),
        pytest.param(
            vkey(NAME, ID, b"\xff" + bytes(32)), "type 0xff is not known", id="unassigned type"
        ),
    ],
)
def test_malformed_verifier_key(text: str, message: str) -> None:
    """Each field of a vkey is checked."""
    with pytest.raises(FormatError, match=message):
        parse_verifier_key(text)
