"""Verifier keys (vkeys)."""

from base64 import b64encode
from hashlib import sha256

import pytest

from audit_ledger.errors import FormatError
from audit_ledger.tlog.note import (
    VerifierKey,
    ed25519_verifier_key,
    parse_verifier_key,
)
from tests.tlog.keys import LOG, LOG_MLDSA, WITNESS_1, Signer


@pytest.mark.parametrize("signer", [LOG, WITNESS_1, LOG_MLDSA], ids=["0x01", "0x04", "0x06"])
def test_verifier_key_is_read_back(signer: Signer) -> None:
    """Vkeys of all three signature types."""
    key = parse_verifier_key(signer.vkey)
    assert key == VerifierKey(signer.name, signer.algorithm, signer.public_key)
    assert key.text == signer.vkey


def test_verifier_key_of_ed25519() -> None:
    """A bare public key and a name make a vkey of type 0x01, and its key id."""
    key = ed25519_verifier_key(LOG.name, LOG.public_key)
    assert key.text == LOG.vkey
    hashed = sha256(LOG.name.encode() + b"\n\x01" + LOG.public_key).digest()
    assert key.key_id == int.from_bytes(hashed[:4], "big")
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
        pytest.param(f"a\nb+{ID}+{KEY}", "a space", id="newline in the name"),
        pytest.param(f"a\ud800+{ID}+{KEY}", "not UTF-8", id="name not Unicode"),
        pytest.param(f"{NAME}+{ID.upper()}+{KEY}", "key id", id="id in capitals"),
        pytest.param(f"{NAME}+{ID[1:]}+{KEY}", "key id", id="id too short"),
        pytest.param(f"{NAME}+0{ID}+{KEY}", "key id", id="id too long"),
        pytest.param(f"{NAME}++{KEY}", "key id", id="no id"),
        pytest.param(f"{NAME}+00000000+{KEY}", "key id", id="id of another key"),
        pytest.param(f"x{NAME}+{ID}+{KEY}", "key id", id="id of another name"),
        pytest.param(f"{NAME}+{ID}+", "no signature type", id="no type"),
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
