"""Keys for tests, made from fixed seeds, and notes signed with them through cryptography alone."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit_ledger.tlog.note import VerifierKey


def root(number: int) -> bytes:
    """Some root hash."""
    return sha256(b"root %d" % number).digest()


def checkpoint_text(origin: str = "example.com/log", size: int = 42) -> str:
    """A checkpoint's text, written here by hand."""
    return f"{origin}\n{size}\n{b64encode(root(size)).decode()}\n"


@dataclass(frozen=True)
class Signer:
    """Signs as one name and signature type; the wire formats are spelled out once more here."""

    name: str
    algorithm: int
    seed: bytes

    @property
    def public_key(self) -> bytes:
        return self._private_key().public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        encoded = b64encode(bytes([self.algorithm]) + self.public_key).decode()
        return f"{self.name}+{self._key_id().hex()}+{encoded}"

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(self.name, self.algorithm, self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The bare signature."""
        return self._private_key().sign(message)

    def line(self, text: str, time: int = 1_700_000_000) -> str:
        """The signature line of this key below a note's text."""
        return self.line_of(self.value(text, time))

    def line_of(self, value: bytes) -> str:
        """A line that claims this key with any bytes as its signature."""
        return f"— {self.name} {b64encode(self._key_id() + value).decode()}\n"

    def value(self, text: str, time: int) -> bytes:
        """What stands behind the key id."""
        if self.algorithm == 0x01:
            return self.sign(text.encode())
        stamp = time.to_bytes(8, "big")
        if self.algorithm == 0x04:
            return stamp + self.sign(b"cosignature/v1\ntime %d\n" % time + text.encode())
        origin, size = text.split("\n")[:2]
        message = (
            b"subtree/v1\n\0"
            + bytes([len(self.name.encode())])
            + self.name.encode()
            + stamp
            + bytes([len(origin.encode())])
            + origin.encode()
            + bytes(8)
            + int(size).to_bytes(8, "big")
            + root(int(size))
        )
        return stamp + self.sign(message)

    def _private_key(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        seed = sha256(self.seed).digest()
        if self.algorithm == 0x06:
            return MLDSA44PrivateKey.from_seed_bytes(seed)
        return Ed25519PrivateKey.from_private_bytes(seed)

    def _key_id(self) -> bytes:
        hashed = f"{self.name}\n".encode() + bytes([self.algorithm]) + self.public_key
        return sha256(hashed).digest()[:4]


LOG = Signer("example.com/log", 0x01, b"log")
LOG_MLDSA = Signer("example.com/log", 0x06, b"log")
WITNESS_1 = Signer("witness.example/w1", 0x04, b"w1")
WITNESS_2 = Signer("witness.example/w2", 0x06, b"w2")
WITNESS_3 = Signer("witness.example/w3", 0x04, b"w3")
STRANGER = Signer("example.net/stranger", 0x01, b"stranger")


def signed(text: str, *signers: Signer, time: int = 1_700_000_000) -> bytes:
    """A note with a line of each signer, in order."""
    return (text + "\n" + "".join(signer.line(text, time) for signer in signers)).encode()
