"""The sequencer's private key from moto's KMS, for writers in processes without moto."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto.kms.models import kms_backends

from infra.local.aws.emulator import ACCOUNT
from tests.world import ALIAS, REGION, World


def sequencer_key(world: World) -> Ed25519PrivateKey:
    """Return the private key, which AWS never exports."""
    key_id = world.kms.describe_key(KeyId=f"{ALIAS}/sequencer")["KeyMetadata"]["KeyId"]
    pure_key: Any = kms_backends[ACCOUNT][REGION].keys[key_id].private_key
    key = pure_key.private_key
    assert isinstance(key, Ed25519PrivateKey)
    return key
