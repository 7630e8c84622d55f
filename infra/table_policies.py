"""Resource policies of the tables: what nobody may do, and who alone may do the rest.

They deny and never allow: a role still needs its own permission. Roles are named by patterns of
their fixed names, so that none need exist yet.
"""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from infra.names import Names
from infra.statements import deny_all, unless_role

_PARTIQL_WRITES = (
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PartiQLDelete",
)
_READS = (
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:PartiQLSelect",
)


def statements_of(table: str, names: Names, *, protected: bool) -> Sequence[iam.PolicyStatement]:
    """Give the resource policy of a table, by its short name."""
    arn = names.table_arn(table)
    statements = [
        # DynamoDB deletes what expires by itself, whatever else a policy denies.
        deny_all("NothingExpires", ["dynamodb:UpdateTimeToLive"], [arn]),
        *_OF_TABLE[table](names, arn),
    ]
    if protected and table == "blocks":
        # Only where stacks are protected: otherwise a developer's stack could not be removed.
        statements.append(deny_all("NobodyDeletesTheLog", ["dynamodb:DeleteTable"], [arn]))
    return statements


def _blocks(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all(
            "NobodyChangesABlock",
            [
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
                "dynamodb:BatchWriteItem",
                *_PARTIQL_WRITES,
            ],
            [table],
        ),
        deny_all(
            "OnlySequencersAppend",
            ["dynamodb:PutItem"],
            [table],
            unless_role(names.sequencer_roles, names.rebuild_role),
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
            unless_role(names.sequencer_roles, names.rebuild_role),
        ),
    ]


def _subjects(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all(
            "OnlyThoseWhoOpenRecordsReadSecrets",
            _READS,
            [table, f"{table}/index/*"],
            unless_role(*names.reader_roles, names.erasure_role),
        ),
        deny_all(
            "OnlyIngestMakesSecrets",
            ["dynamodb:PutItem"],
            [table],
            unless_role(names.ingest_role),
        ),
        deny_all(
            "OnlyErasureErases",
            ["dynamodb:UpdateItem", "dynamodb:DeleteItem"],
            [table],
            unless_role(names.erasure_role),
        ),
        deny_all("NoOtherWayToWrite", ["dynamodb:BatchWriteItem", *_PARTIQL_WRITES], [table]),
    ]


def _ledgers(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all(
            "NobodyDeletes",
            ["dynamodb:DeleteItem", "dynamodb:BatchWriteItem", *_PARTIQL_WRITES],
            [table],
        ),
        deny_all(
            "OnlyPublishersMakeKeys",
            ["dynamodb:PutItem"],
            [table],
            {**_item("keys"), **unless_role(names.publisher_roles)},
        ),
        deny_all("NobodyChangesKeys", ["dynamodb:UpdateItem"], [table], _item("keys")),
        # The break-glass role too: it lifts a freeze after a rebuild.
        deny_all(
            "OnlyPublishersWriteWhatIsPublished",
            ["dynamodb:PutItem", "dynamodb:UpdateItem"],
            [table],
            {**_item("published"), **unless_role(names.publisher_roles, names.rebuild_role)},
        ),
    ]


def _views(names: Names, table: str) -> list[iam.PolicyStatement]:
    return [
        deny_all(
            "NobodyDeletes",
            ["dynamodb:DeleteItem", "dynamodb:BatchWriteItem", *_PARTIQL_WRITES],
            [table],
        ),
        deny_all(
            "OnlyTheFollowerWrites",
            ["dynamodb:PutItem", "dynamodb:UpdateItem"],
            [table],
            unless_role(names.follower_role),
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
}
