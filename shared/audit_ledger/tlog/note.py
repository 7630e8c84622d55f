"""C2SP signed-note: text signed by one or more keys, and the keys that verify it (vkeys).

    This is an example message.⏎
    ⏎
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=⏎

    — <key name> base64(u32be key id ‖ signature)⏎                    a signature line
    <key name>+hex(u32be key id)+base64(type ‖ public key)            a verifier key
    key id = SHA-256(key name ‖ 0x0A ‖ type ‖ public key)[:4]

The text ends in the newline before the last empty line. Every value is valid: the constructors
raise FormatError for values that could not be written, or would be read back as others.
"""  # noqa: E501 - wire formats are shown as they are

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit_ledger.tlog import strict_base64
from audit_ledger.tlog.errors import FormatError, VerificationError
from audit_ledger.tlog.text_file import check_unchanged_text

# Signature types (section "Signature types") and the sizes of their public keys in bytes.
ED25519 = 0x01
ED25519_COSIGNATURE = 0x04
MLDSA44_COSIGNATURE = 0x06
_PUBLIC_KEY_BYTES = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}

MAX_SIGNATURES = 100  # the specification asks for at least 16; others' verifiers stop at 100
MAX_NOTE_BYTES = 1_048_576

_KEY_ID_BYTES = 4
_LINE_START = "— "


@dataclass(frozen=True)
class Signature:
    """A signature line: key name, key id (u32), and the signature's bytes after the key id."""

    name: str
    key_id: int
    value: bytes

    def __post_init__(self) -> None:
        """Raise FormatError for values that no line can contain."""
        _check_name(self.name, "signature")
        if not 0 <= self.key_id < 2**32:
            raise FormatError(f"signature: key id {self.key_id} is not a u32")
        if not self.value:
            raise FormatError("signature: no bytes behind the key id")

    @property
    def text(self) -> str:
        """The line, with its newline."""
        value = self.key_id.to_bytes(_KEY_ID_BYTES, "big") + self.value
        return f"{_LINE_START}{self.name} {strict_base64.encode(value)}\n"


@dataclass(frozen=True)
class VerifierKey:
    """A public key and the name and signature type (0x01, 0x04 or 0x06) it is known under."""

    name: str
    algorithm: int
    key: bytes

    def __post_init__(self) -> None:
        """Raise FormatError for an unknown type or a key of another size."""
        _check_name(self.name, "verifier key")
        expected = _PUBLIC_KEY_BYTES.get(self.algorithm)
        if expected is None:
            raise FormatError(f"verifier key: signature type 0x{self.algorithm:02x} is not known")
        if len(self.key) != expected:
            raise FormatError(
                f"verifier key: {len(self.key)} bytes of public key, type "
                f"0x{self.algorithm:02x} has {expected}"
            )

    @cached_property
    def key_id(self) -> int:
        """The u32 before each of its signatures, of SHA-256(name ‖ 0x0A ‖ type ‖ public key)."""
        type_and_key = bytes([self.algorithm]) + self.key
        hashed = sha256(self.name.encode() + b"\n" + type_and_key).digest()
        return int.from_bytes(hashed[:_KEY_ID_BYTES], "big")

    @property
    def text(self) -> str:
        """The vkey."""
        encoded = strict_base64.encode(bytes([self.algorithm]) + self.key)
        return f"{self.name}+{self.key_id:08x}+{encoded}"


@dataclass(frozen=True)
class Note:
    """Text, with its final newline, and 1 to 100 signatures, verified or not."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        """Raise FormatError for values that would not be read back unchanged."""
        if not self.text.endswith("\n"):
            raise FormatError("note: the text does not end in a newline")
        if any(character < " " and character != "\n" for character in set(self.text)):
            raise FormatError("note: a control character other than newline")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise FormatError(
                f"note: {len(self.signatures)} signatures, expected 1 to {MAX_SIGNATURES}"
            )

    def to_bytes(self) -> bytes:
        """Return the signed note: text, empty line, signature lines."""
        lines = "".join(signature.text for signature in self.signatures)
        try:
            data = f"{self.text}\n{lines}".encode()
        except UnicodeEncodeError:
            raise FormatError("note: not UTF-8") from None
        if len(data) > MAX_NOTE_BYTES:
            raise FormatError(f"note: {len(data)} bytes, at most {MAX_NOTE_BYTES}")
        return data

    def signatures_by(self, key: VerifierKey) -> tuple[Signature, ...]:
        """Return the signatures that claim this key: name and key id both match."""
        return tuple(
            signature
            for signature in self.signatures
            if signature.name == key.name and signature.key_id == key.key_id
        )


def parse_note(data: bytes) -> Note:
    """Read a signed note (at most 1 MiB, 100 signatures) without verifying; raises FormatError."""
    if len(data) > MAX_NOTE_BYTES:
        raise FormatError(f"note: {len(data)} bytes, at most {MAX_NOTE_BYTES}")
    check_unchanged_text(data, "note")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise FormatError("note: not UTF-8") from None
    text, empty_line, lines = whole.rpartition("\n\n")
    if not empty_line:
        raise FormatError("note: no empty line between text and signatures")
    if not lines.endswith("\n"):
        raise FormatError("note: does not end in a signature line with its newline")
    signature_lines = lines[:-1].split("\n", MAX_SIGNATURES)
    note = Note(text + "\n", tuple(_parse_signature(line) for line in signature_lines))
    if note.to_bytes() != data:
        raise FormatError("note: not in canonical form")
    return note


def _parse_signature(line: str) -> Signature:
    if not line.startswith(_LINE_START):
        raise FormatError("signature: the line does not start with an em dash and a space")
    name, space, encoded = line[len(_LINE_START) :].partition(" ")
    if not space:
        raise FormatError("signature: the line is not <key name> <base64>")
    value = strict_base64.decode(encoded, what="signature")
    if len(value) <= _KEY_ID_BYTES:
        raise FormatError(f"signature: {len(value)} bytes, expected a key id and more")
    return Signature(name, int.from_bytes(value[:_KEY_ID_BYTES], "big"), value[_KEY_ID_BYTES:])


def parse_verifier_key(vkey: str) -> VerifierKey:
    """Read a vkey of type 0x01, 0x04 or 0x06; FormatError for another type or a wrong id."""
    parts = vkey.split("+", 2)  # base64 may contain plus signs, name and id may not
    if len(parts) != 3:
        raise FormatError("verifier key: not <key name>+<key id>+<base64>")
    name, _, encoded = parts
    type_and_key = strict_base64.decode(encoded, what="verifier key")
    if not type_and_key:
        raise FormatError("verifier key: no signature type")
    key = VerifierKey(name, type_and_key[0], type_and_key[1:])
    if key.text != vkey:
        raise FormatError("verifier key: the key id is not that of name, type and public key")
    return key


def ed25519_verifier_key(name: str, public_key: bytes) -> VerifierKey:
    """Return the key of type 0x01 for a 32-byte Ed25519 public key (RFC 8032)."""
    return VerifierKey(name, ED25519, public_key)


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes, *, what: str) -> None:
    """Verify one Ed25519 signature (64 bytes) under a 32-byte key; raises VerificationError."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        raise VerificationError(f"{what}: the Ed25519 signature does not verify") from None


def verify_note(key: VerifierKey, note: Note) -> None:
    """Check that the note carries a signature of this key (type 0x01), and that each is valid.

    Signatures of other keys are ignored. Raises VerificationError.
    """
    if key.algorithm != ED25519:
        raise VerificationError(
            f"note: {key.name} is a key of type 0x{key.algorithm:02x}, which signs no plain notes"
        )
    signatures = note.signatures_by(key)
    if not signatures:
        raise VerificationError(f"note: not signed by {key.name} with key {key.key_id:08x}")
    message = note.text.encode()
    for signature in signatures:
        verify_ed25519(key.key, signature.value, message, what=f"note, key {key.name}")


def open_note(data: bytes, keys: Sequence[VerifierKey]) -> tuple[Note, tuple[VerifierKey, ...]]:
    """Read a note and return it with those of the known keys (type 0x01) that signed it.

    Raises FormatError if it is no note, and VerificationError if a known key's signature is bad or
    none of them signed. Nothing in a note can be trusted before.
    """
    note = parse_note(data)
    signers = tuple(key for key in keys if note.signatures_by(key))
    if not signers:
        raise VerificationError("note: not signed by any known key")
    for key in signers:
        verify_note(key, note)
    return note, signers


def _check_name(name: str, what: str) -> None:
    if not name:
        raise FormatError(f"{what}: the key name is empty")
    if any(character.isspace() or character == "+" or character < " " for character in name):
        raise FormatError(f"{what}: the key name has a space, a plus or a control character")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise FormatError(f"{what}: the key name is not UTF-8") from None
