"""DynamoDB's batches: what a call left unprocessed is asked again, after growing pauses."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from audit_ledger.errors import UnreachableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_GET_KEYS = 100  # BatchGetItem
MAX_WRITE_ITEMS = 25  # BatchWriteItem
MAX_ASKS = 8
FIRST_PAUSE_SECONDS = 0.05

Item = dict[str, Any]


def batch_get(
    client: "DynamoDBClient",
    requests: Sequence[tuple[str, Item]],
    *,
    consistent: bool = True,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[str, Item]]:
    """Read (table, key) pairs, 100 a call. Gives (table, item) of those that exist.

    UnreachableError when DynamoDB still leaves keys unprocessed after eight asks.
    """
    for start in range(0, len(requests), MAX_GET_KEYS):
        wanted: Item = {}
        for table, key in requests[start : start + MAX_GET_KEYS]:
            wanted.setdefault(table, {"Keys": [], "ConsistentRead": consistent})["Keys"].append(key)
        for ask in range(MAX_ASKS):
            if ask:
                pause(FIRST_PAUSE_SECONDS * 2 ** (ask - 1))
            answer = client.batch_get_item(RequestItems=wanted)
            for table, items in answer["Responses"].items():
                for item in items:
                    yield table, item
            wanted = answer.get("UnprocessedKeys") or {}
            if not wanted:
                break
        else:
            raise UnreachableError(f"DynamoDB left keys unread after {MAX_ASKS} asks")


def batch_put(
    client: "DynamoDBClient",
    table: str,
    items: Sequence[Item],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Put items, 25 a call, until each is acknowledged; UnreachableError as in `batch_get`."""
    for start in range(0, len(items), MAX_WRITE_ITEMS):
        wanted: Any = {
            table: [{"PutRequest": {"Item": i}} for i in items[start : start + MAX_WRITE_ITEMS]]
        }
        for ask in range(MAX_ASKS):
            if ask:
                pause(FIRST_PAUSE_SECONDS * 2 ** (ask - 1))
            wanted = client.batch_write_item(RequestItems=wanted).get("UnprocessedItems") or {}
            if not wanted:
                break
        else:
            raise UnreachableError(f"DynamoDB left items unwritten after {MAX_ASKS} asks")
