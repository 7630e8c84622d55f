"""KMS: key specs, and that nobody but the role that a key is for can use it."""

from typing import Any

import pytest

from tests.infra.assembly import LEDGERS, Assembly
from tests.infra.policies import Request, decision, role

P = "audit-ledger-prod"
ADMINISTRATOR = role("Admin")
SIGNERS = {
    "sequencer": ("sequencer", "ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
    "checkpoint-ed25519": ("publisher", "ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
    "checkpoint-mldsa44": ("publisher", "ML_DSA_44", "ML_DSA_SHAKE_256"),
}
RAW = {"kms:MessageType": "RAW"}


def keys(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Properties of every key that has an alias, by alias."""
    by_reference = {
        (r.stack, f"<{r.logical_id}.Arn>"): dict(r.properties)
        for r in assembly.resources("AWS::KMS::Key")
    }
    return {
        r.properties["AliasName"]: by_reference[
            (r.stack, r.properties["TargetKeyId"].removesuffix(".Arn>").removesuffix(">") + ".Arn>")
        ]
        for r in assembly.resources("AWS::KMS::Alias")
    }


def ask(key: dict[str, Any], who: str, action: str, context: dict[str, str] | None = None) -> str:
    return decision(key["KeyPolicy"], Request(who, f"kms:{action}", "*", context or {}))


def test_every_ledger_has_its_four_keys_and_the_stage_one(prod: Assembly) -> None:
    """Keys per ledger: tlog-policy forbids two logs one key."""
    wanted = {
        f"alias/{P}/{ledger}/{purpose}" for ledger in LEDGERS for purpose in (*SIGNERS, "wrapping")
    }
    assert set(keys(prod)) == {*wanted, f"alias/{P}/operations"}


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("purpose", SIGNERS)
def test_a_signing_key_signs_for_one_role(prod: Assembly, ledger: str, purpose: str) -> None:
    """Its algorithm, whole messages, nobody else: not an administrator, not by a grant."""
    signer, spec, algorithm = SIGNERS[purpose]
    key = keys(prod)[f"alias/{P}/{ledger}/{purpose}"]
    assert (key["KeySpec"], key["KeyUsage"]) == (spec, "SIGN_VERIFY")
    right = {**RAW, "kms:SigningAlgorithm": algorithm}
    owner = role(f"{P}-{ledger}-{signer}")
    assert ask(key, owner, "Sign", right) == "allow"
    assert ask(key, owner, "Sign", {**right, "kms:MessageType": "DIGEST"}) == "none"
    assert ask(key, owner, "Sign", {**right, "kms:SigningAlgorithm": "ED25519_PH_SHA_512"}) == (
        "none"
    )
    other = LEDGERS[1 - LEDGERS.index(ledger)]
    wrong = (
        ADMINISTRATOR,
        role(f"{P}-{other}-{signer}"),
        role(f"{P}-{ledger}-{'publisher' if signer == 'sequencer' else 'sequencer'}"),
        role(f"{P}-ingest"),
    )
    for who in wrong:
        assert ask(key, who, "Sign", right) == "deny"
    for who in (*wrong, owner):
        assert ask(key, who, "CreateGrant") == "deny"


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_wrapping_key_unwraps_for_those_who_open_records(prod: Assembly, ledger: str) -> None:
    """Ingest, query, follower; with this ledger's origin as context; it rotates."""
    key = keys(prod)[f"alias/{P}/{ledger}/wrapping"]
    assert (key["KeySpec"], key["KeyUsage"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    assert key["EnableKeyRotation"] is True
    own = {"kms:EncryptionContext:origin": f"audit.example.org/{ledger}"}
    makes = "GenerateDataKeyWithoutPlaintext"
    publisher = role(f"{P}-{ledger}-publisher")
    readers = [role(f"{P}-{name}") for name in ("ingest", "query", "follower")]
    for action, allowed in (("Decrypt", readers), (makes, [publisher])):
        for who in allowed:
            assert ask(key, who, action, own) == "allow"
            assert ask(key, who, action) == "none"
    others = (ADMINISTRATOR, role(f"{P}-{ledger}-sequencer"), role(f"{P}-published"))
    for who in (*others, publisher):
        assert ask(key, who, "Decrypt", own) == "deny"
    other = role(f"{P}-{LEDGERS[1 - LEDGERS.index(ledger)]}-publisher")
    for who in (*others, *readers, other):
        assert ask(key, who, makes, own) == "deny"
    for action in ("Encrypt", "GenerateDataKey", "ReEncryptFrom", "GenerateDataKeyPair"):
        assert ask(key, ADMINISTRATOR, action, own) == "deny"


@pytest.mark.parametrize("purpose", [*SIGNERS, "wrapping"])
def test_administrators_keep_control_of_a_key(prod: Assembly, purpose: str) -> None:
    """KMS refuses a policy that locks its owner out; and auditors read public keys."""
    key = keys(prod)[f"alias/{P}/st-elsewhere/{purpose}"]
    for action in ("PutKeyPolicy", "GetPublicKey", "DescribeKey", "ScheduleKeyDeletion"):
        assert ask(key, ADMINISTRATOR, action) == "allow"
    assert ask(key, "arn:aws:iam::999999999999:role/Admin", "GetPublicKey") == "none"


def test_key_deletion_waits_as_long_as_it_can(prod: Assembly) -> None:
    """Thirty days to notice."""
    ledgers = {a: k for a, k in keys(prod).items() if not a.endswith("/operations")}
    assert {k["PendingWindowInDays"] for k in ledgers.values()} == {30}
