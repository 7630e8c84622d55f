"""KMS features that moto 5.2.5 lacks, patched from outside.

Each line names what to delete when moto supports it:

- `ECC_NIST_EDWARDS25519` and `ML_DSA_44` keys, which CreateKey refuses: `SIGNERS`, `PureKey`,
  `_patch_key_specs`.
- `MessageType` and the limit of 4,096 bytes, which Sign ignores: `_sign`.
- disabled keys and keys pending deletion, which still work: `_require_enabled`,
  `_patch_key_state`.
- GetPublicKey without `KeySpec`, with a bare id as `KeyId`, and of symmetric keys:
  `_get_public_key`.
- CreateKey that spends 100 ms on an RSA key for a symmetric one and leaves `KeyUsage` null:
  `NoKeyPair`, `_patch_create_key`.

With all of them, delete this module and the calls of `patch_moto_kms`. Other key specs, and Verify,
which the ledger does not use, are not supported.
Rules: AWS KMS API reference (Sign, GetPublicKey); developer guide, key states.
"""
# ruff: noqa: ARG002  (the signatures are moto's)

import base64
import json
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from moto.core.exceptions import JsonRESTError
from moto.kms import models, utils
from moto.kms.models import Key, KmsBackend
from moto.kms.responses import KmsResponse

from infra.local.aws.patching import replace

ED25519_SPEC = "ECC_NIST_EDWARDS25519"
SYMMETRIC_SPEC = "SYMMETRIC_DEFAULT"
RAW_MESSAGE_BYTES = 4096

PureSigner = ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey

# By key spec: generator of a key pair, signing algorithms.
SIGNERS: dict[str, tuple[Callable[[], PureSigner], list[str]]] = {
    ED25519_SPEC: (ed25519.Ed25519PrivateKey.generate, ["ED25519_SHA_512"]),
    "ML_DSA_44": (mldsa.MLDSA44PrivateKey.generate, ["ML_DSA_SHAKE_256"]),
}


class PureKey(utils.AbstractPrivateKey):
    """A key pair that signs messages, not digests: Ed25519 (RFC 8032) or ML-DSA (FIPS 204)."""

    def __init__(self, spec: str) -> None:
        generate, _ = SIGNERS[spec]
        self.private_key = generate()

    def sign(self, message: bytes, signing_algorithm: str) -> bytes:
        return self.private_key.sign(message)

    def verify(self, message: bytes, signature: bytes, signing_algorithm: str) -> bool:
        raise NotImplementedError("the ledger verifies outside of KMS")

    def public_key(self) -> bytes:
        return self.private_key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )


class NoKeyPair(utils.AbstractPrivateKey):
    """The absent key pair of a symmetric key, which `_sign` refuses before its use."""

    def sign(self, message: bytes, signing_algorithm: str) -> bytes:
        raise NotImplementedError

    def verify(self, message: bytes, signature: bytes, signing_algorithm: str) -> bool:
        raise NotImplementedError

    def public_key(self) -> bytes:
        raise _error("UnsupportedOperationException", "a symmetric key has no public key")


@cache
def patch_moto_kms() -> None:
    """Patch moto's KMS for the rest of this process; calling it again does nothing."""
    _patch_key_specs()
    _patch_create_key()
    _patch_key_state()
    replace(KmsResponse, "sign", _sign)
    replace(KmsResponse, "get_public_key", _get_public_key)


def _error(code: str, message: str) -> JsonRESTError:
    return JsonRESTError(code, message)


def _patch_key_specs() -> None:
    def generate(key_spec: str) -> utils.AbstractPrivateKey:
        return PureKey(key_spec) if key_spec in SIGNERS else NoKeyPair()

    def signing_algorithms(key: Key) -> list[str] | None:
        return SIGNERS[key.key_spec][1] if key.key_spec in SIGNERS else None

    replace(utils.KeySpec, "key_specs", lambda: sorted([SYMMETRIC_SPEC, *SIGNERS]))
    replace(models, "generate_private_key", generate)
    replace(Key, "signing_algorithms", property(signing_algorithms))


def _patch_create_key() -> None:
    moto_create = KmsBackend.create_key

    @wraps(moto_create)
    def create_key(
        backend: KmsBackend,
        policy: str | None,
        key_usage: str | None,
        key_spec: str | None,
        *args: Any,
        **kwargs: Any,
    ) -> Key:
        spec, usage = key_spec or SYMMETRIC_SPEC, key_usage or "ENCRYPT_DECRYPT"
        if usage != ("SIGN_VERIFY" if spec in SIGNERS else "ENCRYPT_DECRYPT"):
            raise _error("ValidationException", f"KeyUsage {usage} does not go with {spec}")
        return moto_create(backend, policy, usage, spec, *args, **kwargs)

    replace(KmsBackend, "create_key", create_key)


def _require_enabled(key: Key) -> None:
    """Refuse a key whose state forbids cryptographic operations (developer guide, key states)."""
    if key.key_state == "Disabled":
        raise _error("DisabledException", f"{key.arn} is disabled.")
    if key.key_state == "PendingDeletion":
        raise _error("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def _patch_key_state() -> None:
    moto_encrypt, moto_decrypt = KmsBackend.encrypt, KmsBackend.decrypt

    # GenerateDataKey* and ReEncrypt go through these two.
    @wraps(moto_encrypt)
    def encrypt(backend: KmsBackend, key_id: str, *args: Any, **kwargs: Any) -> tuple[bytes, str]:
        key = backend.keys.get(backend.any_id_to_key_id(key_id))
        if key is not None:  # moto answers for a missing one
            _require_enabled(key)
            if key.key_usage != "ENCRYPT_DECRYPT":
                raise _error("InvalidKeyUsageException", f"{key.arn} key usage is {key.key_usage}")
        return moto_encrypt(backend, key_id, *args, **kwargs)

    @wraps(moto_decrypt)
    def decrypt(backend: KmsBackend, *args: Any, **kwargs: Any) -> tuple[bytes, str]:
        plaintext, arn = moto_decrypt(backend, *args, **kwargs)
        _require_enabled(backend.describe_key(arn))
        return plaintext, arn

    replace(KmsBackend, "encrypt", encrypt)
    replace(KmsBackend, "decrypt", decrypt)


def _sign(response: KmsResponse) -> str:
    """Answer Sign; https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html

    Raises ValidationException, DisabledException, KMSInvalidStateException,
    InvalidKeyUsageException or NotFoundException, as KMS does.
    """
    key_id = response._get_param("KeyId")
    message: bytes = response._get_param("Message")
    message_type: str = response._get_param("MessageType") or "RAW"
    algorithm: str = response._get_param("SigningAlgorithm")
    response._validate_key_id(key_id)
    key = response.kms_backend.describe_key(key_id)
    _require_enabled(key)
    if key.key_usage != "SIGN_VERIFY":
        raise _error("InvalidKeyUsageException", f"{key.arn} key usage is {key.key_usage}")
    if algorithm not in key.signing_algorithms:
        raise _error("InvalidKeyUsageException", f"{algorithm} does not go with {key.key_spec}")
    if not 1 <= len(message) <= RAW_MESSAGE_BYTES:
        raise _error(
            "ValidationException",
            f"Message has {len(message)} bytes, expected 1 to {RAW_MESSAGE_BYTES}",
        )
    if message_type != "RAW":
        raise _error("ValidationException", f"{algorithm} does not sign {message_type} messages")
    signature = base64.b64encode(key.private_key.sign(message, algorithm)).decode()
    return json.dumps({"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm})


def _get_public_key(response: KmsResponse) -> str:
    """Answer GetPublicKey; PublicKey is a DER SubjectPublicKeyInfo (RFC 5280)."""
    key_id = response._get_param("KeyId")
    response._validate_key_id(key_id)
    key = response.kms_backend.describe_key(key_id)
    _require_enabled(key)
    signs = key.key_usage == "SIGN_VERIFY"
    return json.dumps(
        {
            "KeyId": key.arn,
            "PublicKey": base64.b64encode(key.private_key.public_key()).decode(),
            "CustomerMasterKeySpec": key.key_spec,
            "KeySpec": key.key_spec,
            "KeyUsage": key.key_usage,
            "SigningAlgorithms": key.signing_algorithms if signs else None,
            "EncryptionAlgorithms": None if signs else key.encryption_algorithms,
        }
    )
