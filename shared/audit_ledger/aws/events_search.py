"""Find entries by patient, by agent, or by an own time far from the ledger's.

This reads the secondary indexes of the events table. They are eventually consistent: callers read
the newest entries from blocks instead.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from audit_ledger.aws.events_table import place_number, time_and_seq
from audit_ledger.ledger.index import EntryPosition, FoundEntry, PositionRange
from audit_ledger.tlog import strict_base64

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

By = Literal["patient", "agent"]
_NO_BLOCK = 2**63 - 1


class EventsSearch:
    """One ledger's part of the events table, to search."""

    def __init__(self, client: "DynamoDBClient", table: str, origin: str) -> None:
        self._client = client
        self._table = table
        self._origin = origin

    def of_person(
        self, by: By, pseudonym: bytes, window: PositionRange, *, newest_first: bool
    ) -> Iterator[EntryPosition]:
        """Yield a patient's or agent's entries within a window of own times, in that order."""
        value = f"{self._origin}#{strict_base64.encode(pseudonym)}"
        yield from self._query(by, value, window, newest_first=newest_first)

    def late(self, window: PositionRange, *, newest_first: bool) -> Iterator[EntryPosition]:
        """Yield entries whose own time is far from the ledger's, in order of own time."""
        yield from self._query("late", self._origin, window, newest_first=newest_first)

    def entry(self, key: str) -> FoundEntry | None:
        """Return an entry by event id or conflict key (consistent); None if there is none."""
        answer = self._client.get_item(
            TableName=self._table,
            Key={"key": {"S": f"{self._origin}#{key}"}},
            ConsistentRead=True,
        )
        item = answer.get("Item")
        if item is None or "row" not in item:  # none, or lost, or a further person's
            return None
        return FoundEntry(_position(item), bytes(item["row"]["B"]))

    def _query(
        self, index: str, value: str, window: PositionRange, *, newest_first: bool
    ) -> Iterator[EntryPosition]:
        if window.is_empty:  # DynamoDB rejects such a condition
            return
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#by = :value AND place BETWEEN :first AND :last",
            ExpressionAttributeNames={"#by": index},
            ExpressionAttributeValues={
                ":value": {"S": value},
                ":first": {"N": str(place_number(window.first, window.first_seq))},
                ":last": {"N": str(place_number(window.last, window.last_seq))},
            },
            ScanIndexForward=not newest_first,
        )
        for page in pages:
            yield from map(_position, page["Items"])


def _position(item: dict[str, Any]) -> EntryPosition:
    block = int(item["block"]["N"])
    if block < 0:  # not a valid entry: treat it as a block that does not exist
        block = _NO_BLOCK
    return EntryPosition(*time_and_seq(int(item["place"]["N"])), block)
