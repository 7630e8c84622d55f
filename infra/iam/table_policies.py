"""Resource policies of the tables: actions denied to everybody, and the only roles for the rest.

They deny and never allow: a role still needs its own permission. Roles are named by the exact ARNs
that their fixed names give, so that none need exist yet and no other can be made to fit.

A table's policy knows the actions that the DynamoDB developer guide lists in "API operations
supported by resource-based policies". Restoring a backup is not among them: it is an action on the
backup, which is why making one is denied. Nor is CreateTable, nor what AWS Backup does by itself
(docs/threat-model.md).
"""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from infra.iam.statements import deny_all, unless_role
from infra.names import Names

_PARTIQL_WRITES = (
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PartiQLDelete",
)
_DELETES = ("dynamodb:DeleteItem", "dynamodb:BatchWriteItem", *_PARTIQL_WRITES)
_CHANGES = ("dynamodb:UpdateItem", *_DELETES)
_READS = (
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:PartiQLSelect",
)
_MANAGEMENT = (
    "dynamodb:UpdateTable",  # its stream, its deletion protection, its encryption
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:DeleteTable",
)
_COPIES = (
    "dynamodb:CreateBackup",
    "dynamodb:ExportTableToPointInTime",
    "dynamodb:RestoreTableToPointInTime",
    "dynamodb:EnableKinesisStreamingDestination",
    "dynamodb:UpdateKinesisStreamingDestination",
    "dynamodb:DisableKinesisStreamingDestination",
)
_NOT_COPIED = ("subjects", "ledgers")


def statements_of(table: str, names: Names) -> Sequence[iam.PolicyStatement]:
    """Return the resource policy of a table, by its short name."""
    arn = names.table_arn(table)
    statements = [
        # DynamoDB deletes what expires by itself, whatever else a policy denies.
        deny_all("NothingExpires", ["dynamodb:UpdateTimeToLive"], [arn]),
        # CloudFormation itself is held by deletion protection, where stacks are protected.
        deny_all("OnlyDeploymentsManageIt", _MANAGEMENT, [arn], unless_role(names.deployment_role)),
        *_OF_TABLE[table](names, arn),
    ]
    if table in _NOT_COPIED:
        # A copy would have no policy: its readers would read secrets, even erased ones.
        statements.append(deny_all("NobodyCopiesIt", _COPIES, [arn]))
    return statements


def _blocks(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all("NobodyChangesABlock", _CHANGES, [table]),
        deny_all(
            "OnlySequencersAppend",
            ["dynamodb:PutItem"],
            [table],
            unless_role(*names.sequencer_roles, names.rebuild_role),
        ),
    ]


def _events(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all(
            "NobodyDeletesFromTheIndex",
            ["dynamodb:UpdateItem", "dynamodb:DeleteItem", *_PARTIQL_WRITES],
            [table],
        ),
        deny_all(
            "OnlySequencersIndex",
            ["dynamodb:PutItem", "dynamodb:BatchWriteItem"],
            [table],
            unless_role(*names.sequencer_roles, names.rebuild_role),
        ),
    ]


def _subjects(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all(
            "OnlyThoseWhoOpenRecordsReadSecrets",
            _READS,
            [table, f"{table}/index/*"],
            unless_role(*names.reader_roles),
        ),
        deny_all(
            "OnlyIngestMakesSecrets",
            ["dynamodb:PutItem"],
            [table],
            unless_role(names.ingest_role),
        ),
        # Erasure will be spared by the ARN of its role, with the stack that makes that role.
        deny_all("NobodyChangesOrDeletesSecrets", _CHANGES, [table]),
    ]


def _ledgers(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all("NobodyDeletes", _DELETES, [table]),
        deny_all(
            "OnlyPublishersMakeKeys",
            ["dynamodb:PutItem"],
            [table],
            {**_item("keys"), **unless_role(*names.publisher_roles)},
        ),
        deny_all("NobodyChangesKeys", ["dynamodb:UpdateItem"], [table], _item("keys")),
        # The break-glass role too: it lifts a freeze after a rebuild.
        deny_all(
            "OnlyPublishersWriteWhatIsPublished",
            ["dynamodb:PutItem", "dynamodb:UpdateItem"],
            [table],
            {**_item("published"), **unless_role(*names.publisher_roles, names.rebuild_role)},
        ),
    ]


def _views(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all("NobodyDeletes", _DELETES, [table]),
        deny_all(
            "OnlyTheFollowerWrites",
            ["dynamodb:PutItem", "dynamodb:UpdateItem"],
            [table],
            unless_role(names.follower_role),
        ),
    ]


def _limits(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all("NobodyPutsOrDeletesABucket", ["dynamodb:PutItem", *_DELETES], [table]),
        # Nobody empties another's bucket, nor fills one's own.
        deny_all(
            "OnlyIngestLimitsPortals",
            ["dynamodb:UpdateItem"],
            [table],
            {**_item("portal#*"), **unless_role(names.ingest_role)},
        ),
        deny_all(
            "OnlyQueryLimitsReaders",
            ["dynamodb:UpdateItem"],
            [table],
            {**_item("reader#*"), **unless_role(names.query_role)},
        ),
    ]


def _item(item: str) -> dict[str, object]:
    return {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": [f"*#{item}"]}}


_OF_TABLE = {
    "blocks": _blocks,
    "events": _events,
    "subjects": _subjects,
    "ledgers": _ledgers,
    "views": _views,
    "limits": _limits,
}
