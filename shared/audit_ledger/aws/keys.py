"""KMS: signing keys that never leave it, and the wrapping key of a ledger's own keys."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit_ledger.aws.ledgers import WrappedKeys
from audit_ledger.records.keyed_hash import KeyedHash

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import SigningAlgorithmSpecType

ED25519: "SigningAlgorithmSpecType" = "ED25519_SHA_512"
MLDSA44: "SigningAlgorithmSpecType" = "ML_DSA_SHAKE_256"


@dataclass(frozen=True)
class SigningKey:
    """One key in KMS, named by alias, id or ARN, that signs messages of at most 4,096 bytes."""

    client: "KMSClient"
    key_id: str
    algorithm: "SigningAlgorithmSpecType"

    def sign(self, message: bytes) -> bytes:
        """Give the signature over the message itself: 64 bytes (Ed25519) or 2,420 (ML-DSA-44)."""
        answer = self.client.sign(
            KeyId=self.key_id,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm=self.algorithm,
        )
        return answer["Signature"]


def signing_key(
    client: "KMSClient", alias: str, algorithm: "SigningAlgorithmSpecType"
) -> tuple[SigningKey, bytes]:
    """Give the key that an alias names now, by its ARN, and its SubjectPublicKeyInfo (DER).

    Signing by the ARN keeps signature and public key together when the alias is moved.
    """
    answer = client.get_public_key(KeyId=alias)
    return SigningKey(client, answer["KeyId"], algorithm), answer["PublicKey"]


def public_key_der(client: "KMSClient", key_id: str) -> bytes:
    """Give a key's SubjectPublicKeyInfo, DER."""
    return client.get_public_key(KeyId=key_id)["PublicKey"]


@dataclass(frozen=True, repr=False)
class LedgerKeys:
    """A ledger's keys in the clear: in memory of ingest, query and follower, for minutes."""

    index_key: KeyedHash
    ledger_key: bytes
    ledger_key_version: int


class WrappingKey:
    """The KMS key that wraps one ledger's index key and ledger keys."""

    def __init__(self, client: "KMSClient", key_id: str, origin: str) -> None:
        self._client = client
        self._key_id = key_id
        self._origin = origin

    def first_keys(self) -> WrappedKeys:
        """Make the keys of a new ledger; they are born wrapped."""
        return WrappedKeys(self._new("index"), {1: self._new("ledger")})

    def unwrap(self, wrapped: WrappedKeys) -> LedgerKeys:
        """Give the index key and the newest ledger key."""
        version = wrapped.current_version
        return LedgerKeys(
            KeyedHash(self._unwrap(wrapped.index_key, "index")),
            self._unwrap(wrapped.ledger_keys[version], "ledger"),
            version,
        )

    def _new(self, purpose: str) -> bytes:
        answer = self._client.generate_data_key_without_plaintext(
            KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=self._context(purpose)
        )
        return answer["CiphertextBlob"]

    def _unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        answer = self._client.decrypt(
            KeyId=self._key_id, CiphertextBlob=wrapped, EncryptionContext=self._context(purpose)
        )
        return answer["Plaintext"]

    def _context(self, purpose: str) -> dict[str, str]:
        return {"origin": self._origin, "purpose": purpose}
