"""Copy messages that could not be appended (dead letters) to the archive.

A message always has the same name there (see `audit_ledger.records.dead_letter`). Once copied it
leaves the queue; the archive stores it until an operator returns it (`ledger redrive`).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.records.dead_letter import FOLDER, DeadLetter

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ledger_of(queue_arn: str, stage: str) -> str:
    """Return the ledger id in its dead-letter queue's ARN; raise FormatError for another queue."""
    queue = queue_arn.rpartition(":")[2]
    found = re.fullmatch(f"audit-ledger-{re.escape(stage)}-(.+)-dead", queue)
    if found is None:
        raise FormatError(f"{queue} is no dead-letter queue of stage {stage}")
    return found[1]


def archive(message: Mapping[str, Any], put: Callable[[str, bytes], None]) -> str:
    """Copy one SQS record; return its path below the ledger's prefix. Repeating it is no error."""
    attributes = message["attributes"]
    sent = int(attributes["SentTimestamp"])
    day = (_EPOCH + timedelta(milliseconds=sent)).strftime("%Y/%m/%d")
    path = f"{FOLDER}{day}/{message['messageId']}"
    put(path, msgspec.json.encode(DeadLetter(attributes["SenderId"], sent, message["body"])))
    return path
