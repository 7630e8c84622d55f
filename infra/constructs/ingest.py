"""Ingest: its environment and its permissions."""

import json
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from audit_ledger.settings.environment import IngestEnvironment
from infra.constructs.alarms import Operations
from infra.constructs.function import ALIAS, LedgerFunction
from infra.iam.permissions import Permission
from infra.iam.shared_permissions import read_settings, unwrap_keys, use_items
from infra.names import Names
from infra.stage_stack import StageStack

SECONDS = 20
EVENT_HOURS = 6
BUS_ALIAS, OWN_ALIAS = "bus", "own"
"""Aliases of ingest besides the API's `live`: each accepts only its own form of event."""


def add_ingest(
    stack: StageStack,
    operations: Operations,
    undelivered_key: kms.IKey,
    claims: str,
    smart: Mapping[str, Any] | None,
) -> LedgerFunction:
    """Add ingest; the API, the rules of the bus and query each call it by an alias.

    Only the alias distinguishes the ledger's own events from those of a portal: query, which may
    call only `own`, cannot act as a portal, nor API and bus as the ledger. `smart`: the content of
    /.well-known/smart-configuration, if it is known.
    """
    names = stack.names
    undelivered = sqs.Queue.from_queue_arn(stack, "Undelivered", names.queue_arn(names.undelivered))
    ingest = LedgerFunction(
        stack,
        "Ingest",
        operations,
        name=names.named("ingest"),
        source="ingest",
        environment=IngestEnvironment(
            stage=stack.settings.stage,
            subjects_table=names.named("subjects"),
            ledgers_table=names.named("ledgers"),
            events_table=names.named("events"),
            limits_table=names.named("limits"),
            token_claims=claims,
            smart_configuration="" if smart is None else json.dumps(smart),
            public_url=stack.settings.public_url or "",
        ),
        may=_permissions(names, undelivered_key),
        memory_mb=1024,
        timeout_seconds=SECONDS,
        reserved=200,
        dead_letters=undelivered,
        # A portal waits for the response: SnapStart cuts a cold start of 1.5 seconds to a fraction.
        snap_start=True,
        aliases=(ALIAS, BUS_ALIAS, OWN_ALIAS),
    )
    ingest.aliases[BUS_ALIAS].configure_async_invoke(
        max_event_age=cdk.Duration.hours(EVENT_HOURS), retry_attempts=2
    )
    lambda_.CfnPermission(
        stack,
        "RulesOfTheBus",
        action="lambda:InvokeFunction",
        function_name=ingest.aliases[BUS_ALIAS].function_arn,
        principal="events.amazonaws.com",
        source_account=stack.account,
        source_arn=names.arn("events", f"rule/{names.prefix}/*"),
    )
    return ingest


def _permissions(names: Names, undelivered_key: kms.IKey) -> list[Permission]:
    return [
        Permission(
            "SubjectSecrets",
            ["dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem"],
            [names.table_arn("subjects")],
        ),
        use_items(names, "WrappedKeys", ["GetItem"], "ledgers", "*#keys"),
        # The response reports whether a sender's id is known with other content.
        Permission("KnownIds", ["dynamodb:BatchGetItem"], [names.table_arn("events")]),
        use_items(names, "LimitPortals", ["UpdateItem"], "limits", "*#portal#*"),
        unwrap_keys(names),
        Permission(
            "Queue",
            ["sqs:SendMessage", "sqs:GetQueueUrl"],
            [names.queue_arn(names.queue("*"))],
            why_pattern=_ANY_LEDGER,
        ),
        read_settings(names, _ANY_LEDGER),
        Permission("LeaveUndelivered", ["sqs:SendMessage"], [names.queue_arn(names.undelivered)]),
        Permission(
            "EncryptUndelivered",
            ["kms:GenerateDataKey", "kms:Decrypt"],
            [undelivered_key.key_arn],
        ),
    ]


_ANY_LEDGER = (
    "Ingest serves all ledgers of the stage, whose stacks come later: the pattern is the stage's "
    "own prefix. The token of a request determines the ledger that it may reach."
)
