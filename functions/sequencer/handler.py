"""Lambda of the sequencer: a batch of SQS messages in, the failed ones back."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from audit_ledger.aws import clients
from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.events_table import EventsTable
from audit_ledger.aws.function_metrics import FunctionMetrics
from audit_ledger.aws.kms_signing import ED25519, SigningKey
from audit_ledger.aws.ledgers_table import LedgersTable
from audit_ledger.errors import FrozenError
from audit_ledger.settings.environment import SequencerEnvironment
from functions.sequencer.append import AppendResult, Sequencer
from functions.sequencer.messages import read_messages

logger = Logger()
metrics = FunctionMetrics()


@cache
def environment() -> SequencerEnvironment:
    """The function's environment variables, read once in each container."""
    return SequencerEnvironment.read(os.environ)


@cache
def sequencer() -> Sequencer:
    """One writer a container: it remembers the head that it wrote."""
    env = environment()
    dynamodb = clients.dynamodb()
    return Sequencer(
        env.origin,
        BlocksTable(dynamodb, env.blocks_table, env.origin),
        EventsTable(dynamodb, env.events_table, env.origin),
        LedgersTable(dynamodb, env.ledgers_table, env.origin),
        SigningKey(clients.kms(), env.sequencer_key, ED25519).sign,
        lambda: int(time.time()),
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 Lambda's form
    """Append a batch. A message is reported as failed unless all its records are committed."""
    messages = event["Records"]
    records, refused = read_messages(sequencer().origin, messages)
    for refusal in refused:
        logger.error(
            "message refused",
            message_id=messages[refusal.message]["messageId"],
            reason=refusal.reason,
        )
    result = sequencer().append(records)
    if isinstance(result.stopped, FrozenError):
        logger.error("refused: frozen", reason=str(result.stopped))
        metrics.add_metric("Frozen", MetricUnit.Count, 1)
    elif result.stopped is not None:
        logger.error("batch not finished", reason=str(result.stopped))
        metrics.add_metric("UnfinishedBatches", MetricUnit.Count, 1)
    _count(result, len(refused))
    failed = [r.message for r in refused] if result.committed else range(len(messages))
    return {"batchItemFailures": [{"itemIdentifier": messages[n]["messageId"]} for n in failed]}


def _count(result: AppendResult, refused: int) -> None:
    metrics.add_metric("Entries", MetricUnit.Count, result.entries)
    metrics.add_metric("Blocks", MetricUnit.Count, result.blocks)
    metrics.add_metric("Duplicates", MetricUnit.Count, result.duplicates)
    metrics.add_metric("Conflicts", MetricUnit.Count, result.conflicts)
    metrics.add_metric("LostRaces", MetricUnit.Count, result.lost_races)
    metrics.add_metric("Refused", MetricUnit.Count, refused)
