"""The emulated KMS signs, limits and refuses as the KMS API reference states."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto import mock_aws
from mypy_boto3_kms import KMSClient

from infra.local.aws.moto_kms import patch_moto_kms

MESSAGE = b"audit-ledger/block/v1\n"


@pytest.fixture
def kms() -> Iterator[KMSClient]:
    patch_moto_kms()
    with mock_aws():
        yield boto3.client("kms", region_name="eu-central-1")


def signing_key(kms: KMSClient, spec: str) -> str:
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")  # type: ignore[arg-type]
    return key["KeyMetadata"]["KeyId"]


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_an_ed25519_signature_verifies_under_the_public_key_of_kms(kms: KMSClient) -> None:
    """RFC 8032 verification by cryptography, with only GetPublicKey's response."""
    key_id = signing_key(kms, "ECC_NIST_EDWARDS25519")
    response = kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")
    public_key = load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    assert isinstance(public_key, ed25519.Ed25519PublicKey)
    assert len(response["Signature"]) == 64
    public_key.verify(response["Signature"], MESSAGE)


def test_an_ml_dsa_signature_verifies_and_has_the_length_of_fips_204(kms: KMSClient) -> None:
    """FIPS 204 table 2 states the length; the empty context is that of KMS."""
    key_id = signing_key(kms, "ML_DSA_44")
    response = kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm="ML_DSA_SHAKE_256")
    public_key = load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    assert isinstance(public_key, mldsa.MLDSA44PublicKey)
    assert len(response["Signature"]) == 2420
    public_key.verify(response["Signature"], MESSAGE)


def test_two_keys_are_two_keys(kms: KMSClient) -> None:
    first, second = (signing_key(kms, "ECC_NIST_EDWARDS25519") for _ in range(2))
    assert (
        kms.get_public_key(KeyId=first)["PublicKey"]
        != kms.get_public_key(KeyId=second)["PublicKey"]
    )


def test_an_alias_names_the_key_and_the_response_its_arn(kms: KMSClient) -> None:
    key_id = signing_key(kms, "ECC_NIST_EDWARDS25519")
    kms.create_alias(AliasName="alias/audit-ledger-dev/st-elsewhere/x", TargetKeyId=key_id)
    response = kms.get_public_key(KeyId="alias/audit-ledger-dev/st-elsewhere/x")
    assert response["KeyId"] == f"arn:aws:kms:eu-central-1:123456789012:key/{key_id}"
    assert response["KeySpec"] == "ECC_NIST_EDWARDS25519"
    assert response["SigningAlgorithms"] == ["ED25519_SHA_512"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Message": b""}, "ValidationException"),
        ({"Message": b"m" * 4097}, "ValidationException"),
        ({"Message": b"d" * 64, "MessageType": "DIGEST"}, "ValidationException"),
        ({"SigningAlgorithm": "ML_DSA_SHAKE_256"}, "InvalidKeyUsageException"),
    ],
)
def test_refuses_what_kms_does_not_sign(kms: KMSClient, changes: Any, code: str) -> None:
    key_id = signing_key(kms, "ECC_NIST_EDWARDS25519")
    allowed: Any = {"Message": b"m" * 4096, "SigningAlgorithm": "ED25519_SHA_512"}
    kms.sign(KeyId=key_id, **allowed)
    with pytest.raises(ClientError) as refused:
        kms.sign(KeyId=key_id, **allowed | changes)
    assert code_of(refused) == code


def test_a_disabled_key_neither_signs_nor_shows_its_public_key(kms: KMSClient) -> None:
    key_id = signing_key(kms, "ECC_NIST_EDWARDS25519")
    kms.disable_key(KeyId=key_id)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")
    with pytest.raises(kms.exceptions.DisabledException):
        kms.get_public_key(KeyId=key_id)
    kms.enable_key(KeyId=key_id)
    kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")


def test_a_key_pending_deletion_does_not_sign(kms: KMSClient) -> None:
    key_id = signing_key(kms, "ECC_NIST_EDWARDS25519")
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")


def test_a_disabled_wrapping_key_wraps_and_unwraps_nothing(kms: KMSClient) -> None:
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    wrapped = kms.generate_data_key_without_plaintext(KeyId=key_id, KeySpec="AES_256")
    assert len(kms.decrypt(CiphertextBlob=wrapped["CiphertextBlob"])["Plaintext"]) == 32
    kms.disable_key(KeyId=key_id)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.decrypt(CiphertextBlob=wrapped["CiphertextBlob"])
    with pytest.raises(kms.exceptions.DisabledException):
        kms.generate_data_key_without_plaintext(KeyId=key_id, KeySpec="AES_256")


def test_a_wrapping_key_does_not_sign_and_a_signing_key_does_not_wrap(kms: KMSClient) -> None:
    wrapping = kms.create_key()["KeyMetadata"]["KeyId"]
    signing = signing_key(kms, "ECC_NIST_EDWARDS25519")
    with pytest.raises(kms.exceptions.InvalidKeyUsageException):
        kms.sign(KeyId=wrapping, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")
    with pytest.raises(kms.exceptions.UnsupportedOperationException):
        kms.get_public_key(KeyId=wrapping)
    with pytest.raises(kms.exceptions.InvalidKeyUsageException):
        kms.generate_data_key_without_plaintext(KeyId=signing, KeySpec="AES_256")


def test_a_signing_key_needs_its_key_usage(kms: KMSClient) -> None:
    with pytest.raises(ClientError) as refused:
        kms.create_key(KeySpec="ECC_NIST_EDWARDS25519")
    assert code_of(refused) == "ValidationException"


def test_an_unknown_key_is_not_found(kms: KMSClient) -> None:
    for missing in ("alias/none", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(kms.exceptions.NotFoundException):
            kms.sign(KeyId=missing, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")


def test_refuses_other_key_specs(kms: KMSClient) -> None:
    with pytest.raises(ClientError) as refused:
        signing_key(kms, "ECC_NIST_P256")
    assert code_of(refused) == "ValidationException"


def test_patching_twice_changes_nothing(kms: KMSClient) -> None:
    patch_moto_kms()
    key_id = signing_key(kms, "ML_DSA_44")
    kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm="ML_DSA_SHAKE_256")
