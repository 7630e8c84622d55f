"""Each role may do exactly what is written here, to exactly these things."""

import json
from typing import Any

import pytest

from tests.infra.assembly import (
    ACCOUNT,
    CUSTOM,
    FUNCTIONS,
    LEDGERS,
    REGION,
    SHARED_FUNCTIONS,
    Assembly,
)
from tests.infra.policies import listed, statements

P = "audit-ledger-dev"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{P}"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{P}"
PUBLISHED = f"arn:aws:s3:::{P}-published-{ACCOUNT}-{REGION}"
ARCHIVE = f"arn:aws:s3:::{P}-archive-{ACCOUNT}-{REGION}"
INDEX = f"arn:aws:s3:::{P}-index-{ACCOUNT}-{REGION}"
CONSUME = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
PUT = {"s3:PutObject", "s3:PutObjectRetention", "s3:GetObject"}

PUBLIC_KEYS = {"rebuild": "sequencer", "query": "checkpoint-*"}
"""Who reads public keys of every ledger, and of which keys."""

Granted = dict[str, set[str]]
"""Resource → actions."""


def expected(name: str) -> Granted:
    """What a role may do beside writing its log; keys without a fixed name by what they are for."""
    ledger, _, kind = name.rpartition("-")
    return {
        "ingest": {
            f"{TABLE}-subjects": {
                "dynamodb:BatchGetItem",
                "dynamodb:Query",
                "dynamodb:PutItem",
            },
            f"{TABLE}-ledgers": {"dynamodb:GetItem"},
            f"{TABLE}-events": {"dynamodb:BatchGetItem"},
            f"{TABLE}-limits": {"dynamodb:UpdateItem"},
            f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*": {"kms:Decrypt"},
            f"{QUEUE}-*": {"sqs:SendMessage", "sqs:GetQueueUrl"},
            f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{P}/ledgers/*": {"ssm:GetParameter"},
            f"{QUEUE}_undelivered": {"sqs:SendMessage"},
            "key of undelivered events": {"kms:GenerateDataKey", "kms:Decrypt"},
        },
        # It reads and opens; what is written of it, ingest writes.
        "query": {
            f"{TABLE}-blocks": {"dynamodb:GetItem", "dynamodb:Query"},
            f"{TABLE}-events": {"dynamodb:GetItem"},
            **{
                f"{TABLE}-events/index/{i}": {"dynamodb:Query"}
                for i in ("patient", "agent", "late")
            },
            f"{TABLE}-subjects": {"dynamodb:BatchGetItem", "dynamodb:Query"},
            f"{TABLE}-subjects/index/pseudonym": {"dynamodb:Query"},
            f"{TABLE}-ledgers": {"dynamodb:GetItem"},
            f"{TABLE}-views": {"dynamodb:BatchGetItem", "dynamodb:GetItem"},
            f"{TABLE}-limits": {"dynamodb:UpdateItem"},  # the requester, by a keyed hash
            f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*": {"kms:Decrypt", "kms:GetPublicKey"},
            f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{P}/ledgers/*": {"ssm:GetParameter"},
            f"{PUBLISHED}/*": {"s3:GetObject"},
            PUBLISHED: {"s3:ListBucket"},
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}-ingest:own": {"lambda:InvokeFunction"},
        },
        # It opens records too; what it derives is all that it writes.
        "follower": {
            f"{TABLE}-blocks": {"dynamodb:GetItem", "dynamodb:Query"},
            f"{TABLE}-subjects": {"dynamodb:BatchGetItem", "dynamodb:Query"},
            f"{TABLE}-subjects/index/pseudonym": {"dynamodb:Query"},
            f"{TABLE}-ledgers": {"dynamodb:GetItem"},
            f"{TABLE}-views": {
                "dynamodb:BatchGetItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            },
            f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*": {"kms:Decrypt"},
            f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{P}/ledgers/*": {"ssm:GetParameter"},
            f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{P}": {"events:PutEvents"},
        },
        "published-files": {f"{PUBLISHED}/*": {"s3:GetObject"}, PUBLISHED: {"s3:ListBucket"}},
        "dead-letters": {
            f"{QUEUE}-*-dead": CONSUME,
            f"{ARCHIVE}/*/dead-letters/*": PUT,
        },
        f"{ledger}-sequencer": {
            f"{TABLE}-blocks": {"dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:Query"},
            f"{TABLE}-events": {"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"},
            f"{TABLE}-ledgers": {"dynamodb:GetItem"},
            "key sequencer": {"kms:Sign"},
            f"{QUEUE}-{ledger}": CONSUME,
        },
        f"{ledger}-publisher": {
            f"{TABLE}-blocks": {"dynamodb:Query", "dynamodb:GetItem"},
            f"{TABLE}-ledgers": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
            f"{TABLE}-views": {"dynamodb:GetItem"},
            "key checkpoint-ed25519": {"kms:Sign", "kms:GetPublicKey"},
            "key checkpoint-mldsa44": {"kms:Sign", "kms:GetPublicKey"},
            "key sequencer": {"kms:GetPublicKey"},
            "key wrapping": {"kms:GenerateDataKeyWithoutPlaintext"},
            f"{PUBLISHED}/{ledger}/*": PUT,
            f"{PUBLISHED}/{ledger}/tile/*.p/*": {"s3:DeleteObject"},
            PUBLISHED: {"s3:ListBucket"},
            f"{ARCHIVE}/{ledger}/blocks/*": PUT,
            f"{ARCHIVE}/{ledger}/keys/*": PUT,
            f"{INDEX}/{ledger}/*": {"s3:GetObject", "s3:PutObject"},
            INDEX: {"s3:ListBucket"},
            f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{P}": {"events:PutEvents"},
        },
        "rebuild": {
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}-follower": {"lambda:InvokeFunction"},
            f"{ARCHIVE}/*/blocks/*": {"s3:GetObject", "s3:GetObjectRetention"},
            f"{ARCHIVE}/*/dead-letters/*": {"s3:GetObject"},
            f"{PUBLISHED}/*/digests/*": {"s3:GetObjectVersion"},
            f"{PUBLISHED}/*/tile/*": {"s3:PutObject", "s3:PutObjectRetention"},
            f"{PUBLISHED}/*/digests/2*": {"s3:PutObject", "s3:PutObjectRetention"},
            f"{QUEUE}-*": {"sqs:GetQueueUrl", "sqs:SendMessage"},
            f"{PUBLISHED}/*": {"s3:GetObject"},
            ARCHIVE: {"s3:ListBucket"},
            PUBLISHED: {"s3:ListBucket", "s3:ListBucketVersions"},
            f"{TABLE}-blocks": {"dynamodb:PutItem", "dynamodb:Query"},
            f"{TABLE}-events": {
                "dynamodb:BatchGetItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:PutItem",
                "dynamodb:Scan",
            },
            f"{TABLE}-ledgers": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
            f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*": {"kms:GetPublicKey"},
            f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{P}/ledgers/*": {"ssm:GetParameter"},
        },
    }[name if name in (*SHARED_FUNCTIONS, "rebuild") else f"{ledger}-{kind}"]


def policies(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Policy documents by role, of managed policies; there are no others."""
    found = assembly.named("AWS::IAM::ManagedPolicy", "ManagedPolicyName")
    return {name: dict(r.properties["PolicyDocument"]) for name, r in found.items()}


def key_names(assembly: Assembly, stack: str) -> dict[str, str]:
    """What a stack's keys are for, by how a policy of that stack refers to them."""
    return {
        r.properties["TargetKeyId"].replace(">", ".Arn>"): (
            f"key {r.properties['AliasName'].rpartition('/')[2]}"
        )
        for r in assembly.resources("AWS::KMS::Alias")
        if r.stack == stack
    }


def leading_keys(
    documents: dict[str, dict[str, Any]],
) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """Return operator and values of each condition on dynamodb:LeadingKeys."""
    return {
        (name, statement["Sid"]): (operator, listed(keys["dynamodb:LeadingKeys"]))
        for name, document in documents.items()
        for statement in statements(document)
        for operator, keys in statement.get("Condition", {}).items()
        if "dynamodb:LeadingKeys" in keys
    }


def granted(assembly: Assembly, name: str) -> Granted:
    resource = assembly.named("AWS::IAM::ManagedPolicy", "ManagedPolicyName")[name]
    keys = key_names(assembly, resource.stack)
    found: Granted = {}
    for statement in statements(resource.properties["PolicyDocument"]):
        assert statement["Effect"] == "Allow"
        for thing in listed(statement["Resource"]):
            shown = keys.get(thing, thing)
            if "Undelivered" in shown:
                shown = "key of undelivered events"
            found.setdefault(shown, set()).update(listed(statement["Action"]))
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_exactly_this(dev: Assembly, name: str) -> None:
    """By action and resource, beside creating log streams in its own log group."""
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{P}-{name}:*"
    wanted = {**expected(name), log: {"logs:CreateLogStream", "logs:PutLogEvents"}}
    assert granted(dev, name) == wanted


def test_the_break_glass_role_may_do_exactly_this(dev: Assembly) -> None:
    """It adds and lifts; it signs nothing, opens nothing, and changes or deletes no block."""
    assert granted(dev, "rebuild") == expected("rebuild")


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_schedule_may_start_its_publisher_and_report_failures(dev: Assembly, ledger: str) -> None:
    """And nothing else."""
    assert granted(dev, f"{ledger}-schedule") == {
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{P}-{ledger}-publisher": {
            "lambda:InvokeFunction"
        },
        f"{QUEUE}-{ledger}-unpublished": {"sqs:SendMessage"},
    }


def test_every_role_is_in_this_list_and_has_one_policy_of_its_own(dev: Assembly) -> None:
    """Fixed names, no policy of AWS', none inline; but one, only a service may take each."""
    roles = dev.named("AWS::IAM::Role", "RoleName")
    assert set(roles) == {*FUNCTIONS, "rebuild", *(f"{ledger}-schedule" for ledger in LEDGERS)}
    assert list(dev.resources("AWS::IAM::Role")) == list(roles.values())
    assert list(dev.resources("AWS::IAM::Policy")) == []
    assert set(policies(dev)) == set(roles)
    for name, resource in roles.items():
        assert "ManagedPolicyArns" not in resource.properties
        assert "Policies" not in resource.properties
        if name == "rebuild":
            continue
        (trust,) = statements(resource.properties["AssumeRolePolicyDocument"])
        service = "scheduler" if name.endswith("-schedule") else "lambda"
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
        assert trust["Action"] == "sts:AssumeRole"


def test_no_permission_has_a_wildcard_action_or_reaches_every_resource(dev: Assembly) -> None:
    """Actions are spelled out; a pattern is never a whole service."""
    for name, policy in policies(dev).items():
        for statement in statements(policy):
            assert "NotAction" not in statement
            assert "NotResource" not in statement
            for action in listed(statement["Action"]):
                assert "*" not in action, f"{name}: {action}"
            for thing in listed(statement["Resource"]):
                assert thing != "*", name
                if thing.startswith("arn:aws:kms:") and thing.endswith("key/*"):
                    condition = statement["Condition"]["ForAnyValue:StringLike"]
                    shown = listed(statement["Action"]) == ["kms:GetPublicKey"]
                    purpose = PUBLIC_KEYS[name] if shown else "wrapping"
                    assert condition == {"kms:ResourceAliases": f"alias/{P}/*/{purpose}"}


ORIGIN = "dev.audit.example.org"
LEADING_KEYS: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("ingest", "WrappedKeys"): ("ForAllValues:StringLike", ["*#keys"]),
    ("ingest", "LimitPortals"): ("ForAllValues:StringLike", ["*#portal#*"]),
    ("query", "LimitReaders"): ("ForAllValues:StringLike", ["*#reader#*"]),
    ("rebuild", "FreezeAndLift"): ("ForAllValues:StringLike", ["*#published"]),
    **{
        (name, "WrappedKeysAndPublishedState"): (
            "ForAllValues:StringLike",
            ["*#keys", "*#published"],
        )
        for name in ("query", "follower")
    },
    **{
        (f"{ledger}-{kind}", sid): (f"ForAllValues:{operator}", [f"{ORIGIN}/{ledger}{suffix}"])
        for ledger in LEDGERS
        for kind, sid, operator, suffix in (
            ("sequencer", "AppendToOwnLedger", "StringEquals", ""),
            ("sequencer", "IndexOwnEvents", "StringLike", "#*"),
            ("sequencer", "ReadPublishedState", "StringEquals", "#published"),
            ("publisher", "ReadOwnBlocks", "StringEquals", ""),
            ("publisher", "KeepWhatIsPublished", "StringEquals", "#published"),
            ("publisher", "MakeFirstKeys", "StringEquals", "#keys"),
            ("publisher", "ReadWhatIsMissing", "StringEquals", "#gaps"),
        )
    },
}
"""Role and statement → operator and keys of items."""

DENIED_LEADING_KEYS: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("ledgers", "OnlyPublishersMakeKeys"): ("ForAnyValue:StringLike", ["*#keys"]),
    ("ledgers", "NobodyChangesKeys"): ("ForAnyValue:StringLike", ["*#keys"]),
    ("ledgers", "OnlyPublishersWriteWhatIsPublished"): ("ForAnyValue:StringLike", ["*#published"]),
    ("limits", "OnlyIngestLimitsPortals"): ("ForAnyValue:StringLike", ["*#portal#*"]),
    ("limits", "OnlyQueryLimitsReaders"): ("ForAnyValue:StringLike", ["*#reader#*"]),
}
"""Table and statement of its policy → operator and keys of items."""


def test_statements_name_exactly_these_items(dev: Assembly) -> None:
    """By dynamodb:LeadingKeys: an origin for a ledger's own roles, a suffix for all others."""
    tables = {
        name: table.properties["ResourcePolicy"]["PolicyDocument"]
        for name, table in dev.named("AWS::DynamoDB::Table", "TableName").items()
    }
    assert leading_keys(policies(dev)) == LEADING_KEYS
    assert leading_keys(tables) == DENIED_LEADING_KEYS


def test_the_break_glass_role_requires_mfa_or_a_configured_principal(
    dev: Assembly, customized: Assembly
) -> None:
    """Principals that the settings name, or any principal of the account that used MFA."""
    (configured,) = CUSTOM["break_glass"]
    for assembly, condition in (
        (dev, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        (customized, {"ArnEquals": {"aws:PrincipalArn": [configured]}}),
    ):
        found = assembly.named("AWS::IAM::Role", "RoleName")["rebuild"]
        (trust,) = statements(found.properties["AssumeRolePolicyDocument"])
        assert trust["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        assert (trust["Action"], trust["Condition"]) == ("sts:AssumeRole", condition)


def test_a_policy_fits_into_a_managed_policy(dev: Assembly) -> None:
    """IAM counts at most 6,144 characters without white space."""
    for name, policy in policies(dev).items():
        assert len(json.dumps(policy, separators=(",", ":"))) <= 6144, name
