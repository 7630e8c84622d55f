"""The sequencer's key, taken out of moto's KMS: writers in other processes have no moto."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto.kms.models import kms_backends

from infra.local.aws.emulator import ACCOUNT
from tests.world import ALIAS, REGION, World


def sequencer_key(world: World) -> Ed25519PrivateKey:
    """Return the private half; in AWS nobody could."""
    key_id = world.kms.describe_key(KeyId=f"{ALIAS}/sequencer")["KeyMetadata"]["KeyId"]
    taught: Any = kms_backends[ACCOUNT][REGION].keys[key_id].private_key
    key = taught.private_key
    assert isinstance(key, Ed25519PrivateKey)
    return key
