"""Query: its environment and its permissions: read, open, have its use recorded."""

from audit_ledger.settings.environment import QueryEnvironment
from infra.constructs.alarms import Operations
from infra.constructs.function import LedgerFunction
from infra.constructs.ingest import OWN_ALIAS
from infra.iam.permissions import Permission
from infra.iam.shared_permissions import (
    read_blocks,
    read_keys_and_state,
    read_secrets,
    read_settings,
    unwrap_keys,
    use_items,
    use_keys,
)
from infra.names import Names
from infra.stage_stack import StageStack

SECONDS = 28  # API Gateway waits for 30
_ANY_LEDGER = (
    "Ledgers are added to the settings without this stack; the token determines "
    "which data a request may read."
)


def add_query(
    stack: StageStack, operations: Operations, ingest: LedgerFunction, claims: str
) -> LedgerFunction:
    """Add query; the API calls its alias, it calls ingest's for the ledger's own events."""
    names = stack.names
    recording = names.function_arn(f"{ingest.name}:{OWN_ALIAS}")
    return LedgerFunction(
        stack,
        "Query",
        operations,
        name=names.named("query"),
        source="query",
        environment=QueryEnvironment(
            stage=stack.settings.stage,
            blocks_table=names.named("blocks"),
            events_table=names.named("events"),
            subjects_table=names.named("subjects"),
            ledgers_table=names.named("ledgers"),
            views_table=names.named("views"),
            limits_table=names.named("limits"),
            published_bucket=names.bucket("published"),
            ingest_function=recording,
            token_claims=claims,
            public_url=stack.settings.public_url or "",
        ),
        may=_permissions(names, recording),
        memory_mb=1769,  # a whole CPU: a person waits while a page of records is opened
        timeout_seconds=SECONDS,
        reserved=50,
        why_no_dead_letters="Only the API calls it, and returns its response to the caller.",
        snap_start=True,
    )


def _permissions(names: Names, ingest_arn: str) -> list[Permission]:
    return [
        read_blocks(names),
        Permission("LookUpIndex", ["dynamodb:GetItem"], [names.table_arn("events")]),
        Permission(
            "SearchIndex",
            ["dynamodb:Query"],
            [f"{names.table_arn('events')}/index/{i}" for i in ("patient", "agent", "late")],
        ),
        *read_secrets(names),
        Permission(
            "ReadViews", ["dynamodb:BatchGetItem", "dynamodb:GetItem"], [names.table_arn("views")]
        ),
        read_keys_and_state(names),
        use_items(names, "LimitReaders", ["UpdateItem"], "limits", "*#reader#*"),
        unwrap_keys(names),
        use_keys(
            names,
            "ShowCheckpointKeys",
            "kms:GetPublicKey",
            "checkpoint-*",
            "Public keys, by alias: ledgers come later than this role.",
        ),
        read_settings(names, _ANY_LEDGER),
        Permission(
            "ReadWhatIsPublished",
            ["s3:GetObject"],
            [names.bucket_arn("published", "*")],
            why_pattern=(
                "It makes receipts from the published files of all ledgers, which identify nobody; "
                "the token determines the ledger."
            ),
        ),
        # So that a missing file is 404, not 403; and to find digests by their day.
        Permission("ListWhatIsPublished", ["s3:ListBucket"], [names.bucket_arn("published")]),
        Permission("RecordOwnUse", ["lambda:InvokeFunction"], [ingest_arn]),
    ]
