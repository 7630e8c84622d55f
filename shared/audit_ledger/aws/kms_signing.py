"""Signing keys in KMS, which never leave it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        """Return the signature over the message itself: 64 bytes (Ed25519) or 2,420 (ML-DSA-44)."""
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
    """Return the current key of an alias, by its ARN, and its SubjectPublicKeyInfo (DER).

    Signing by the ARN keeps signature and public key together when the alias is moved.
    """
    answer = client.get_public_key(KeyId=alias)
    return SigningKey(client, answer["KeyId"], algorithm), answer["PublicKey"]


def public_key_der(client: "KMSClient", key_id: str) -> bytes:
    """Return a key's SubjectPublicKeyInfo, DER."""
    return client.get_public_key(KeyId=key_id)["PublicKey"]
