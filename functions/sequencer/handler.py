"""Lambda of the sequencer: a batch of SQS messages in, the failed ones back."""

import os
import time
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from audit_ledger.aws import clients
from audit_ledger.aws.blocks_table import BlocksTable
from audit_ledger.aws.events_table import EventsTable
from audit_ledger.aws.kms_signing import ED25519, SigningKey
from audit_ledger.errors import FrozenError, UnreachableError
from audit_ledger.settings.environment import SequencerEnvironment
from functions.sequencer.append import Appended, Sequencer
from functions.sequencer.messages import read_messages

logger = Logger()
metrics = Metrics()


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
        EventsTable(dynamodb, env.events_table, env.ledgers_table, env.origin),
        SigningKey(clients.kms(), env.sequencer_key, ED25519).sign,
        lambda: int(time.time()),
    )


@metrics.log_metrics
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 Lambda's form
    """Append a batch. A message is reported as failed unless all its records are committed."""
    messages = event["Records"]
    waiting, refused = read_messages(sequencer().origin, messages)
    for refusal in refused:
        logger.error(
            "message refused",
            message_id=messages[refusal.message]["messageId"],
            reason=refusal.reason,
        )
    appended = Appended()
    try:
        sequencer().append(waiting, appended)
    except FrozenError as error:
        logger.error("refused: frozen", reason=str(error))
        metrics.add_metric("Frozen", MetricUnit.Count, 1)
    except (*clients.AwsError, UnreachableError) as error:
        # The block that failed may have been written all the same: the next batch reads the head.
        logger.error("batch not finished", error=clients.error_code(error))
        metrics.add_metric("UnfinishedBatches", MetricUnit.Count, 1)
    _count(appended, len(refused))
    failed = appended.unfinished | {r.message for r in refused}
    return {
        "batchItemFailures": [
            {"itemIdentifier": messages[place]["messageId"]} for place in sorted(failed)
        ]
    }


def _count(appended: Appended, refused: int) -> None:
    metrics.add_metric("Entries", MetricUnit.Count, appended.entries)
    metrics.add_metric("Blocks", MetricUnit.Count, appended.blocks)
    metrics.add_metric("Duplicates", MetricUnit.Count, appended.duplicates)
    metrics.add_metric("Conflicts", MetricUnit.Count, appended.conflicts)
    metrics.add_metric("LostRaces", MetricUnit.Count, appended.lost_races)
    metrics.add_metric("Refused", MetricUnit.Count, refused)
