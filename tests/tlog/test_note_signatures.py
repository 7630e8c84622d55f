"""Signed notes: whose signatures count."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.note import (
    Signature,
    open_note,
    parse_note,
    parse_verifier_key,
    verify_note,
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
    assert key.text == vector["vkey"]
    assert note.to_bytes() == vector["note"].encode()
    assert len(REJECTED) == 9


@pytest.mark.parametrize("change", REJECTED)
def test_changed_example_is_rejected(shared_dir: Path, change: str) -> None:
    """Each change to the specification's example makes it a note that nobody signed, or none."""
    vector = json.loads((shared_dir / "vectors/signed-note.json").read_bytes())
    with pytest.raises((FormatError, VerificationError)):
        open_note(vector["rejected"][change].encode(), [parse_verifier_key(vector["vkey"])])


LINE = LOG.line(TEXT)


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


def test_signatures_of_unknown_keys_are_ignored() -> None:
    """Also where they share the name or the id, but not both, with a known key."""
    same_name = Signature(LOG.name, STRANGER.key.key_id, b"whatever").text
    same_id = Signature(STRANGER.name, LOG.key.key_id, b"whatever").text
    data = (f"{TEXT}\n" + STRANGER.line(TEXT) + same_name + same_id + LINE).encode()
    note, signers = open_note(data, [ROTATED.key, LOG.key])
    assert signers == (LOG.key,)
    assert note.signatures_by(LOG.key) == (note.signatures[3],)


def test_known_keys_bad_signature_rejects_the_note() -> None:
    """Though another known key's signature, or another by the same key, is good."""
    bad = LOG.line_of(bytes(64))
    for lines in (bad, bad + ROTATED.line(TEXT), bad + LINE, LINE + bad, LINE + LOG.line_of(b"x")):
        for keys in ([LOG.key, ROTATED.key], [ROTATED.key, LOG.key]):
            with pytest.raises(VerificationError, match="does not verify"):
                open_note(f"{TEXT}\n{lines}".encode(), keys)


def test_note_signed_by_both_keys_of_a_rotation() -> None:
    """All known signers are returned, in the order of the keys."""
    data = signed(TEXT, LOG, ROTATED)
    assert open_note(data, [ROTATED.key, LOG.key])[1] == (ROTATED.key, LOG.key)


def test_note_that_no_known_key_signed() -> None:
    """A note is rejected without a known key's signature, and without known keys."""
    data = signed(TEXT, STRANGER)
    for keys in ([LOG.key], []):
        with pytest.raises(VerificationError, match="not signed by any known key"):
            open_note(data, keys)
    with pytest.raises(VerificationError, match=r"not signed by example\.com/log"):
        verify_note(LOG.key, parse_note(data))


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
