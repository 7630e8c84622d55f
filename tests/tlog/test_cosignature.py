"""Cosignatures of both types: the message to the byte, and which of them hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.cosignature import (
    ed25519_message,
    mldsa44_message,
    pack_timestamped_signature,
    parse_timestamped_signature,
    verify_cosignature,
)
from audit_ledger.tlog.note import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    parse_note,
    parse_verifier_key,
)
from tests.tlog.keys import (
    LOG,
    LOG_MLDSA,
    WITNESS_1,
    WITNESS_2,
    Signer,
    checkpoint_text,
    signed,
)

TEXT = checkpoint_text()
EXTENDED = TEXT + "an extension\n"
NOW = 1_700_000_000
LARGEST = 2**63 - 1
BOTH_TYPES = pytest.mark.parametrize("signer", [WITNESS_1, WITNESS_2], ids=["0x04", "0x06"])


def test_ed25519_message_of_the_specifications_example() -> None:
    """A header line, a time line and the checkpoint's text."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert ed25519_message(1679315147, text) == (
        b"cosignature/v1\n"
        b"time 1679315147\n"
        b"example.com/behind-the-sofa\n"
        b"20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_mldsa44_message_is_the_cosigned_message_structure() -> None:
    """Each field of the structure, in its order and width."""
    message = mldsa44_message("w\u00fc", 0x0102030405, "log", 0, 0x0A0B, b"\xee" * 32)
    assert (
        message
        == bytes.fromhex(
            "73756274726565 2f7631 0a 00"  # label: subtree/v1, newline, zero
            "03 77c3bc"  # cosigner name, u8 length
            "0000000102030405"  # timestamp
            "03 6c6f67"  # log origin, u8 length
            "0000000000000000"  # start
            "0000000000000a0b"  # end
        )
        + b"\xee" * 32
    )
    subtree = mldsa44_message("w", 0, "log", 256, 512, bytes(32))
    assert subtree[12:] == b"\x01w" + bytes(8) + b"\x03log" + bytes.fromhex(
        "00000000000001000000000000000200"
    ) + bytes(32)


@BOTH_TYPES
def test_timestamped_signature_is_read_back(signer: Signer) -> None:
    """u64be timestamp, then the signature."""
    signature = b"\x07" * (64 if signer.algorithm == 4 else 2420)
    value = pack_timestamped_signature(0x0102030405060708, signature)
    assert value == bytes(range(1, 9)) + signature
    assert parse_timestamped_signature(value, signer.algorithm) == (0x0102030405060708, signature)


@BOTH_TYPES
@pytest.mark.parametrize("time", [0, 1, NOW, LARGEST])
@pytest.mark.parametrize("text", [TEXT, EXTENDED, checkpoint_text(size=0)])
def test_good_cosignature_gives_its_time(signer: Signer, time: int, text: str) -> None:
    """Of any time, on any checkpoint; the log's signature beside it is not looked at."""
    note = parse_note(signed(text, LOG, signer, time=time))
    assert verify_cosignature(parse_verifier_key(signer.vkey), note) == time


@BOTH_TYPES
def test_newest_of_several_cosignatures_counts(signer: Signer) -> None:
    """If each of them is valid."""
    lines = "".join(signer.line(TEXT, time) for time in (NOW - 5, NOW, NOW - 9))
    assert verify_cosignature(signer.key, parse_note(f"{TEXT}\n{lines}".encode())) == NOW
    bad = signer.value(TEXT, NOW)[:-1] + b"\0"
    note = parse_note(f"{TEXT}\n{lines}{signer.line_of(bad)}".encode())
    with pytest.raises(VerificationError, match="does not verify"):
        verify_cosignature(signer.key, note)


@BOTH_TYPES
@pytest.mark.parametrize(
    "of",
    [checkpoint_text(size=43), checkpoint_text("example.com/other")],
    ids=["another size and root", "another origin"],
)
def test_cosignature_of_another_checkpoint_is_bad(signer: Signer, of: str) -> None:
    """It is valid for one origin, size and root."""
    note = parse_note(f"{TEXT}\n{signer.line(of)}".encode())
    with pytest.raises(VerificationError, match="does not verify"):
        verify_cosignature(signer.key, note)


@BOTH_TYPES
def test_cosignature_with_another_time_is_bad(signer: Signer) -> None:
    """The time before the signature is the time that was signed."""
    value = (NOW + 1).to_bytes(8, "big") + signer.value(TEXT, NOW)[8:]
    note = parse_note(f"{TEXT}\n{signer.line_of(value)}".encode())
    with pytest.raises(VerificationError, match="does not verify"):
        verify_cosignature(signer.key, note)


def test_extension_lines_are_cosigned_by_ed25519_alone() -> None:
    """Type 0x04 signs the whole text, type 0x06 origin, size and root."""
    moved = parse_note(f"{EXTENDED}\n{WITNESS_1.line(TEXT)}{WITNESS_2.line(TEXT, NOW)}".encode())
    with pytest.raises(VerificationError, match="does not verify"):
        verify_cosignature(WITNESS_1.key, moved)
    assert verify_cosignature(WITNESS_2.key, moved) == NOW


def test_mldsa44_cosignature_under_another_name_is_bad() -> None:
    """Type 0x06 signs the cosigner's name."""
    renamed = Signer("witness.example/other", WITNESS_2.algorithm, WITNESS_2.seed)
    line = renamed.line_of(WITNESS_2.value(TEXT, NOW))
    with pytest.raises(VerificationError, match="does not verify"):
        verify_cosignature(renamed.key, parse_note(f"{TEXT}\n{line}".encode()))


@BOTH_TYPES
def test_missing_cosignature(signer: Signer) -> None:
    """A note without this key's cosignature is not cosigned, no matter who else signed."""
    other = WITNESS_2 if signer is WITNESS_1 else WITNESS_1
    with pytest.raises(VerificationError, match="none by witness"):
        verify_cosignature(signer.key, parse_note(signed(TEXT, LOG, other)))


def test_key_for_plain_notes_cosigns_nothing() -> None:
    """Type 0x01 has no timestamp."""
    with pytest.raises(FormatError, match="0x01 is no cosignature"):
        verify_cosignature(LOG.key, parse_note(signed(TEXT, LOG)))


@BOTH_TYPES
@pytest.mark.parametrize("change", [-1, 1], ids=["a byte short", "a byte long"])
def test_cosignature_of_another_length(signer: Signer, change: int) -> None:
    """Timestamp and signature have one length for each type."""
    value = (signer.value(TEXT, NOW) + b"\0")[: 8 + change + len(signer.value(TEXT, NOW)) - 8]
    with pytest.raises(FormatError, match=f"{len(value)} bytes, type 0x0"):
        verify_cosignature(signer.key, parse_note(f"{TEXT}\n{signer.line_of(value)}".encode()))


@BOTH_TYPES
def test_time_of_2_to_the_63_is_refused(signer: Signer) -> None:
    """Timestamps go to 2^63 - 1."""
    value = b"\x80" + bytes(7) + signer.value(TEXT, NOW)[8:]
    with pytest.raises(FormatError, match="timestamp 9223372036854775808"):
        verify_cosignature(signer.key, parse_note(f"{TEXT}\n{signer.line_of(value)}".encode()))


@BOTH_TYPES
def test_note_that_is_no_checkpoint_is_not_cosigned(signer: Signer) -> None:
    """A cosignature is a statement about a checkpoint."""
    size = 64 if signer.algorithm == ED25519_COSIGNATURE else 2420
    line = signer.line_of(bytes(8 + size))
    with pytest.raises(FormatError, match="checkpoint: "):
        verify_cosignature(signer.key, parse_note(f"No checkpoint.\n\n{line}".encode()))


@pytest.mark.parametrize("signature_bytes", [0, 63, 65, 2419, 2421])
def test_signature_of_no_type_is_not_encoded(signature_bytes: int) -> None:
    """Ed25519 has 64 bytes and ML-DSA-44 2,420."""
    with pytest.raises(FormatError, match=f"{signature_bytes} bytes of signature"):
        pack_timestamped_signature(NOW, bytes(signature_bytes))


@pytest.mark.parametrize("timestamp", [-1, 2**63])
def test_timestamp_out_of_range(timestamp: int) -> None:
    """Refused wherever it would be signed or written."""
    with pytest.raises(FormatError, match="timestamp"):
        ed25519_message(timestamp, TEXT)
    with pytest.raises(FormatError, match="timestamp"):
        mldsa44_message("w", timestamp, "log", 0, 1, bytes(32))
    with pytest.raises(FormatError, match="timestamp"):
        pack_timestamped_signature(timestamp, bytes(64))


@pytest.mark.parametrize(
    ("name", "timestamp", "origin", "start", "end", "root", "message"),
    [
        pytest.param("", 1, "log", 0, 1, bytes(32), "0 bytes of cosigner name", id="no name"),
        pytest.param("w" * 256, 1, "log", 0, 1, bytes(32), "256 bytes of cos", id="long name"),
        pytest.param("ü" * 128, 1, "log", 0, 1, bytes(32), "256 bytes of cos", id="octets count"),
        pytest.param("w", 1, "", 0, 1, bytes(32), "0 bytes of origin", id="no origin"),
        pytest.param("w", 1, "l" * 256, 0, 1, bytes(32), "256 bytes of origin", id="long origin"),
        pytest.param("w", 1, "log", 256, 512, bytes(32), "has timestamp 0", id="timed subtree"),
        pytest.param("w", 0, "log", -1, 1, bytes(32), "no subtree", id="negative start"),
        pytest.param("w", 0, "log", 2, 1, bytes(32), "no subtree", id="ends before it starts"),
        pytest.param("w", 0, "log", 1, 1, bytes(32), "no subtree", id="empty subtree"),
        pytest.param("w", 0, "log", 0, 2**63, bytes(32), "no subtree", id="end too large"),
        pytest.param("w", 1, "log", 0, 1, bytes(31), "31 bytes of root", id="short root"),
        pytest.param("w", 1, "log", 0, 1, bytes(33), "33 bytes of root", id="long root"),
    ],
)
def test_malformed_cosigned_message(
    name: str, timestamp: int, origin: str, start: int, end: int, root: bytes, message: str
) -> None:
    """Nothing is signed that the structure cannot say."""
    with pytest.raises(FormatError, match=message):
        mldsa44_message(name, timestamp, origin, start, end, root)


def test_longest_names() -> None:
    """255 bytes fit the u8 length."""
    message = mldsa44_message("w" * 255, 1, "l" * 255, 0, 0, bytes(32))
    assert len(message) == 12 + 256 + 8 + 256 + 8 + 8 + 32


def test_ed25519_message_of_no_checkpoint() -> None:
    """A cosigner signs checkpoints and nothing else."""
    with pytest.raises(FormatError, match="checkpoint: "):
        ed25519_message(NOW, "text\n")


@settings(deadline=None)
@given(st.integers(0, LARGEST), st.sampled_from([64, 2420]), st.binary(max_size=64))
def test_every_timestamped_signature_is_read_back(time: int, size: int, seed: bytes) -> None:
    """For any time and signature."""
    signature = (seed + bytes(size))[:size]
    algorithm = ED25519_COSIGNATURE if size == 64 else MLDSA44_COSIGNATURE
    assert parse_timestamped_signature(pack_timestamped_signature(time, signature), algorithm) == (
        time,
        signature,
    )


def test_log_cosigns_its_own_checkpoint() -> None:
    """Origin and cosigner name may be the same, as with the ledger's ML-DSA-44 key."""
    note = parse_note(signed(TEXT, LOG, LOG_MLDSA))
    assert verify_cosignature(LOG_MLDSA.key, note) == NOW
