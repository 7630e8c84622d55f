"""Lambda of dead letters: copies messages of dead-letter queues to the archive."""

import os
import time
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from audit_ledger.aws import clients
from audit_ledger.aws.function_metrics import FunctionMetrics
from audit_ledger.aws.objects import LedgerObjects
from audit_ledger.errors import LedgerError
from audit_ledger.settings.environment import DeadLettersEnvironment
from functions.dead_letters.archive import archive, ledger_of

logger = Logger()
metrics = FunctionMetrics()
_s3 = cache(clients.s3)


@cache
def environment() -> DeadLettersEnvironment:
    """The function's environment variables, read once in each container."""
    return DeadLettersEnvironment.read(os.environ)


@cache
def objects(ledger_id: str) -> LedgerObjects:
    """Return one ledger's part of the archive."""
    env = environment()
    return LedgerObjects(_s3(), env.archive_bucket, ledger_id, env.retention)


@metrics.log_metrics
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 Lambda's form
    """Copy each message; messages that could not be copied stay in the queue and raise an alarm."""
    failed = []
    for message in event["Records"]:
        message_id = message["messageId"]
        try:
            ledger_id = ledger_of(message["eventSourceARN"], environment().stage)
            path = archive(message, partial(_put, ledger_id))
        except (*clients.AwsError, LedgerError) as error:
            logger.error("not copied", message_id=message_id, error=type(error).__name__)
            failed.append({"itemIdentifier": message_id})
        else:
            logger.warning("dead letter", ledger=ledger_id, path=path)
    metrics.add_metric("DeadLetters", MetricUnit.Count, len(event["Records"]) - len(failed))
    return {"batchItemFailures": failed}


def _put(ledger_id: str, path: str, data: bytes) -> None:
    objects(ledger_id).put_once(path, data, int(time.time()), locked=True)
