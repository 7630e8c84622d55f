"""Resource policies of the tables: what even an administrator with every permission cannot do."""

from typing import Any

import pytest

from tests.infra.assembly import ACCOUNT, REGION, Assembly
from tests.infra.policies import Request, decision, listed, role, statements

P = "audit-ledger-prod"
ORIGIN = "audit.example.org/st-elsewhere"
TABLES = ("blocks", "events", "subjects", "ledgers", "views", "limits")
ADMINISTRATOR = role("Admin")
SEQUENCER = role(f"{P}-st-elsewhere-sequencer")
PUBLISHER = role(f"{P}-st-elsewhere-publisher")
INGEST = role(f"{P}-ingest")
REBUILD = role(f"{P}-rebuild")
ERASURE = role(f"{P}-erasure")  # there is no such role yet
DEPLOYMENT = role(f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}")
QUERY = role(f"{P}-query")
FOLLOWER = role(f"{P}-follower")
OUR_ROLES = (ADMINISTRATOR, SEQUENCER, PUBLISHER, INGEST, REBUILD, ERASURE, QUERY, FOLLOWER)


def policy(assembly: Assembly, table: str) -> dict[str, Any]:
    resource = assembly.named("AWS::DynamoDB::Table", "TableName")[table]
    document: dict[str, Any] = resource.properties["ResourcePolicy"]["PolicyDocument"]
    return document


def denied(assembly: Assembly, who: str, table: str, action: str, key: str = "") -> bool:
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{P}-{table}"
    context = {"dynamodb:LeadingKeys": [key]} if key else {}
    return decision(policy(assembly, table), Request(who, f"dynamodb:{action}", arn, context)) == (
        "deny"
    )


@pytest.mark.parametrize("table", TABLES)
def test_a_tables_policy_only_denies(prod: Assembly, table: str) -> None:
    """A role still needs a permission of its own."""
    assert {s["Effect"] for s in policy(prod, table)["Statement"]} == {"Deny"}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("action", ["DescribeTable", "PutResourcePolicy", "TagResource"])
def test_the_policies_deny_no_more_than_designed(prod: Assembly, table: str, action: str) -> None:
    """An administrator can even remove them, which CloudTrail shows."""
    assert not denied(prod, ADMINISTRATOR, table, action)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("action", ["UpdateTable", "UpdateContinuousBackups", "DeleteTable"])
def test_deployments_alone_manage_a_table(
    dev: Assembly, prod: Assembly, table: str, action: str
) -> None:
    """CloudFormation's role of the CDK bootstrap stack, of this account and region."""
    assert [who for who in (*OUR_ROLES, DEPLOYMENT) if not denied(prod, who, table, action)] == [
        DEPLOYMENT
    ]
    elsewhere = role(f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-eu-central-2")
    assert denied(prod, elsewhere, table, action)
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/audit-ledger-dev-{table}"
    for who, decided in ((DEPLOYMENT, "none"), (ADMINISTRATOR, "deny")):
        assert decision(policy(dev, table), Request(who, f"dynamodb:{action}", arn)) == decided


@pytest.mark.parametrize("table", ["subjects", "ledgers"])
@pytest.mark.parametrize(
    "action",
    [
        "CreateBackup",
        "ExportTableToPointInTime",
        "RestoreTableToPointInTime",
        "EnableKinesisStreamingDestination",
        "UpdateKinesisStreamingDestination",
        "DisableKinesisStreamingDestination",
    ],
)
def test_nobody_copies_secrets_or_keys(prod: Assembly, table: str, action: str) -> None:
    """Nor streams them away: what is made of a table has no policy, and outlives an erasure."""
    assert all(denied(prod, who, table, action) for who in (*OUR_ROLES, DEPLOYMENT))


SUPPORTED = {
    *("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems"),
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
    *("PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"),
    *("DescribeTable", "UpdateTable", "DeleteTable"),
    *("DescribeTableReplicaAutoScaling", "UpdateTableReplicaAutoScaling"),
    *("ListTagsOfResource", "TagResource", "UntagResource"),
    *("CreateBackup", "ExportTableToPointInTime", "RestoreTableToPointInTime"),
    *("DescribeContinuousBackups", "UpdateContinuousBackups"),
    *("DescribeContributorInsights", "UpdateContributorInsights"),
    *("DescribeKinesisStreamingDestination", "EnableKinesisStreamingDestination"),
    *("UpdateKinesisStreamingDestination", "DisableKinesisStreamingDestination"),
    *("GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy"),
    *("DescribeTimeToLive", "UpdateTimeToLive"),
}
"""What a table's policy may name: DynamoDB developer guide, "API operations supported by
resource-based policies" (November 2026). The three PartiQL operations of that page are authorised
by the four PartiQL actions. DynamoDB refuses a whole policy, and so the table, for any other name;
no emulator does."""

NOT_SUPPORTED = {"RestoreTableFromBackup", "RestoreTableFromAwsBackup", "StartAwsBackupJob"}


@pytest.mark.parametrize("table", TABLES)
def test_a_policy_names_no_action_that_dynamodb_would_refuse(prod: Assembly, table: str) -> None:
    """Nor a pattern."""
    named = {a for s in policy(prod, table)["Statement"] for a in listed(s["Action"])}
    assert named <= {f"dynamodb:{action}" for action in SUPPORTED}
    assert not SUPPORTED & NOT_SUPPORTED


def test_every_role_that_a_policy_spares_exists(prod: Assembly) -> None:
    """To the letter: neither a pattern, which a new role could fit, nor one that is yet to come."""
    there = {role(r.properties["RoleName"]) for r in prod.resources("AWS::IAM::Role")} | {
        DEPLOYMENT
    }
    documents = [policy(prod, table) for table in TABLES]
    documents += [
        r.properties["PolicyDocument"]
        for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy")
        for r in prod.resources(kind)
    ]
    documents += [r.properties["KeyPolicy"] for r in prod.resources("AWS::KMS::Key")]
    documents += [
        {"Statement": r.properties["Statement"]}
        for r in prod.resources("AWS::Events::EventBusPolicy")
    ]
    spared: set[str] = set()
    for statement in (s for d in documents for s in statements(d) if s["Effect"] == "Deny"):
        for operator, keys in statement.get("Condition", {}).items():
            if "aws:PrincipalArn" in keys:
                # Spared, or (ArnEquals) what alone it is denied to: each by its exact name.
                assert operator in ("ArnNotEquals", "ArnEquals"), statement["Sid"]
                spared |= set(listed(keys["aws:PrincipalArn"]))
    assert spared
    assert spared <= there


CHANGES = (
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "UpdateTimeToLive"),
    *("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"),
)
READS = ("GetItem", "BatchGetItem", "Query", "Scan", "PartiQLSelect")
READERS = {INGEST, QUERY, FOLLOWER}
# Table and item → action → roles that may; nobody else, and no other change, by any permission.
MAY: dict[tuple[str, str], dict[str, set[str]]] = {
    ("blocks", ""): {"PutItem": {SEQUENCER, REBUILD}},
    ("events", "#event"): {
        "PutItem": {SEQUENCER, REBUILD},
        "BatchWriteItem": {SEQUENCER, REBUILD},
    },
    ("subjects", "#row"): {"PutItem": {INGEST}, **dict.fromkeys(READS, READERS)},
    ("ledgers", "#keys"): {"PutItem": {PUBLISHER}},
    ("ledgers", "#published"): {
        "PutItem": {PUBLISHER, REBUILD},
        "UpdateItem": {PUBLISHER, REBUILD},
    },
    ("views", "#gaps"): {"PutItem": {FOLLOWER}, "UpdateItem": {FOLLOWER}},
    ("limits", "#portal#ehr"): {"UpdateItem": {INGEST}},
    ("limits", "#reader#0f"): {"UpdateItem": {QUERY}},
}


@pytest.mark.parametrize(("table", "item"), MAY, ids="{}".format)
def test_a_table_is_changed_by_these_roles_whatever_their_permissions(
    prod: Assembly, table: str, item: str
) -> None:
    """No block changes, no item is deleted before erasure exists, secrets have three readers."""
    found = {
        action: {who for who in OUR_ROLES if not denied(prod, who, table, action, ORIGIN + item)}
        for action in (*CHANGES, *(READS if table == "subjects" else ()))
    }
    assert {action: who for action, who in found.items() if who} == MAY[table, item]


def test_a_role_of_another_stage_puts_no_block(prod: Assembly) -> None:
    assert denied(prod, role("audit-ledger-dev-st-elsewhere-sequencer"), "blocks", "PutItem")


@pytest.mark.parametrize("action", READS)
def test_an_administrator_reads_no_index_of_secrets(prod: Assembly, action: str) -> None:
    index = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{P}-subjects/index/pseudonym"
    request = Request(ADMINISTRATOR, f"dynamodb:{action}", index)
    assert decision(policy(prod, "subjects"), request) == "deny"
