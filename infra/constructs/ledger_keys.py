"""The KMS keys of one ledger. The policy of each names the only roles that may use it.

Two locks: a role needs its own permission and the key's. Administrators manage the keys and read
public keys; they cannot sign or unwrap without first changing a policy, which is recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from infra.iam.statements import Conditions, allow, deny_all, unless_role
from infra.settings import Ledger
from infra.stage_stack import StageStack

_ADMINISTRATION = (
    "kms:Describe*",
    "kms:Get*",
    "kms:List*",
    "kms:Enable*",
    "kms:Disable*",
    "kms:PutKeyPolicy",
    "kms:UpdateKeyDescription",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:CreateAlias",
    "kms:UpdateAlias",
    "kms:DeleteAlias",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:Verify",
)
WAITING_DAYS = 30

ED25519 = "ED25519_SHA_512"
MLDSA44 = "ML_DSA_SHAKE_256"


@dataclass(frozen=True)
class LedgerKmsKeys:
    """ARNs of a ledger's keys, for its roles' permissions."""

    sequencer: str
    checkpoint_ed25519: str
    checkpoint_mldsa44: str
    wrapping: str


def add_ledger_keys(stack: StageStack, ledger: Ledger) -> LedgerKmsKeys:
    """Add the four keys and their aliases."""
    names = stack.names
    origin = stack.settings.origin(ledger)
    sequencer = names.role_arn(names.of_ledger(ledger.id, "sequencer"))
    publisher = names.role_arn(names.of_ledger(ledger.id, "publisher"))
    ed25519, mldsa44 = kms.KeySpec.ECC_NIST_EDWARDS25519, kms.KeySpec.ML_DSA_44

    def signing(purpose: str, spec: kms.KeySpec, algorithm: str, signer: str) -> str:
        conditions = {"StringEquals": {"kms:SigningAlgorithm": algorithm, "kms:MessageType": "RAW"}}
        use = _use(["kms:Sign"], ["kms:Sign"], [signer], conditions)
        return _key(stack, ledger, purpose, spec, kms.KeyUsage.SIGN_VERIFY, use)

    # Everything that could open or replace what is wrapped, for everybody but those who make and
    # open records: ingest, query, follower. The publisher makes the first keys, and opens none.
    making = "kms:GenerateDataKeyWithoutPlaintext"
    sealed_off = [
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyPair*",
        "kms:ReEncrypt*",
    ]
    own = {"StringEquals": {"kms:EncryptionContext:origin": origin}}
    return LedgerKmsKeys(
        sequencer=signing("sequencer", ed25519, ED25519, sequencer),
        checkpoint_ed25519=signing("checkpoint-ed25519", ed25519, ED25519, publisher),
        checkpoint_mldsa44=signing("checkpoint-mldsa44", mldsa44, MLDSA44, publisher),
        wrapping=_key(
            stack,
            ledger,
            "wrapping",
            kms.KeySpec.SYMMETRIC_DEFAULT,
            kms.KeyUsage.ENCRYPT_DECRYPT,
            [
                *_use(["kms:Decrypt"], sealed_off, names.reader_roles, own),
                _allowed("MakeFirstKeys", [making], [publisher], own),
                deny_all("OnlyThePublisherMakesKeys", [making], ["*"], unless_role(publisher)),
            ],
        ),
    )


def _use(
    allowed: Sequence[str],
    denied: Sequence[str],
    roles: Sequence[str],
    conditions: Mapping[str, Conditions],
) -> list[iam.PolicyStatement]:
    """Allow what `roles` do with the key and deny it to everybody else, grants included."""
    return [
        _allowed("Use", allowed, roles, conditions),
        deny_all("NobodyElse", denied, ["*"], unless_role(*roles)),
        deny_all("NoGrants", ["kms:CreateGrant"], ["*"]),
    ]


def _allowed(
    sid: str, actions: Sequence[str], roles: Sequence[str], conditions: Mapping[str, Conditions]
) -> iam.PolicyStatement:
    """Allow roles to use the key.

    The account, not the roles, as principal: a key policy refuses principals that do not exist
    yet. The condition is what names the roles.
    """
    only = {**conditions, "ArnEquals": {"aws:PrincipalArn": list(roles)}}
    return allow(sid, actions, ["*"], only, iam.AccountRootPrincipal())


def _key(
    stack: StageStack,
    ledger: Ledger,
    purpose: str,
    spec: kms.KeySpec,
    usage: kms.KeyUsage,
    use: Sequence[iam.PolicyStatement],
) -> str:
    administration = allow(
        "Administration", _ADMINISTRATION, ["*"], None, iam.AccountRootPrincipal()
    )
    construct_id = purpose.title().replace("-", "")
    key = kms.Key(
        stack,
        f"{construct_id}Key",
        description=f"{stack.settings.origin(ledger)} {purpose} ({stack.settings.stage})",
        key_spec=spec,
        key_usage=usage,
        enable_key_rotation=True if usage == kms.KeyUsage.ENCRYPT_DECRYPT else None,
        policy=iam.PolicyDocument(statements=[administration, *use]),
        pending_window=cdk.Duration.days(WAITING_DAYS),
        removal_policy=stack.removal_policy,
    )
    kms.CfnAlias(
        stack,
        f"{construct_id}Alias",
        alias_name=stack.names.key_alias(ledger.id, purpose),
        target_key_id=key.key_id,
    )
    return key.key_arn
