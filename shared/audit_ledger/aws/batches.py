"""DynamoDB batches: retry the unprocessed part of a call, after growing pauses."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from audit_ledger.errors import UnreachableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_GET_KEYS = 100  # BatchGetItem
MAX_WRITE_ITEMS = 25  # BatchWriteItem
MAX_TRIES = 8
FIRST_PAUSE_SECONDS = 0.05

TableItem = dict[str, Any]


def batch_get(
    client: "DynamoDBClient",
    requests: Sequence[tuple[str, TableItem]],
    *,
    consistent: bool = True,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[str, TableItem]]:
    """Read (table, key) pairs, 100 per call; yield (table, item) of those that exist.

    Raise UnreachableError if DynamoDB leaves keys unprocessed after MAX_TRIES calls.
    """
    for start in range(0, len(requests), MAX_GET_KEYS):
        wanted: TableItem = {}
        for table, key in requests[start : start + MAX_GET_KEYS]:
            wanted.setdefault(table, {"Keys": [], "ConsistentRead": consistent})["Keys"].append(key)
        for attempt in range(MAX_TRIES):
            if attempt:
                pause(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            answer = client.batch_get_item(RequestItems=wanted)
            for table, items in answer["Responses"].items():
                for item in items:
                    yield table, item
            wanted = answer.get("UnprocessedKeys") or {}
            if not wanted:
                break
        else:
            raise UnreachableError(f"DynamoDB left keys unread after {MAX_TRIES} calls")


def batch_put(
    client: "DynamoDBClient",
    table: str,
    items: Sequence[TableItem],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Put items, 25 per call, until each is acknowledged; raise as `batch_get`."""
    for start in range(0, len(items), MAX_WRITE_ITEMS):
        wanted: Any = {
            table: [{"PutRequest": {"Item": i}} for i in items[start : start + MAX_WRITE_ITEMS]]
        }
        for attempt in range(MAX_TRIES):
            if attempt:
                pause(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            wanted = client.batch_write_item(RequestItems=wanted).get("UnprocessedItems") or {}
            if not wanted:
                break
        else:
            raise UnreachableError(f"DynamoDB left items unwritten after {MAX_TRIES} calls")
