"""The blocks table: key (origin, first_seq). The blocks are the log; they never change."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from audit_ledger.aws.clients import error_code
from audit_ledger.errors import FormatError, LostRaceError
from audit_ledger.ledger.block import Block

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class BlocksTable:
    """One ledger's blocks."""

    def __init__(self, client: "DynamoDBClient", table: str, origin: str) -> None:
        self._client = client
        self._table = table
        self._origin = origin

    def put_if_absent(self, block: Block) -> None:
        """Commit a block durably, or raise LostRaceError if its key is taken.

        After a time-out the block may be stored nevertheless: read before building another.
        """
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "origin": {"S": block.origin},
                    "first_seq": {"N": str(block.first_seq)},
                    "count": {"N": str(block.count)},
                    "head": {"B": block.head},
                    "signature": {"B": block.signature},
                    "body": {"B": block.body},
                },
                ConditionExpression="attribute_not_exists(first_seq)",
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                raise LostRaceError(f"block {block.first_seq} exists already") from None
            raise

    def is_taken(self, first_seq: int) -> bool:
        """Whether a block begins at `first_seq` (consistent read)."""
        answer = self._client.get_item(
            TableName=self._table,
            Key={"origin": {"S": self._origin}, "first_seq": {"N": str(first_seq)}},
            ProjectionExpression="first_seq",
            ConsistentRead=True,
        )
        return "Item" in answer

    def beginning_at(self, first_seq: int) -> Block | None:
        """Return the block that begins with entry `first_seq` (consistent read)."""
        answer = self._client.get_item(
            TableName=self._table,
            Key={"origin": {"S": self._origin}, "first_seq": {"N": str(first_seq)}},
            ConsistentRead=True,
        )
        return _block(answer["Item"]) if "Item" in answer else None

    def newest(self) -> Block | None:
        """Return the head block (consistent read); None if the ledger has no blocks yet."""
        return self._last("origin = :origin", {})

    def ending_before(self, seq: int) -> Block | None:
        """Return the last block that begins before entry `seq` (consistent read)."""
        return self._last("origin = :origin AND first_seq < :seq", {":seq": {"N": str(seq)}})

    def since(self, first_seq: int) -> Iterator[Block]:
        """Yield the blocks that begin at `first_seq` or later, in order (consistent)."""
        yield from self._all("first_seq >= :seq", first_seq, forward=True)

    def before(self, seq: int) -> Iterator[Block]:
        """Yield the blocks that begin before entry `seq`, the newest first (consistent)."""
        yield from self._all("first_seq < :seq", seq, forward=False)

    def _all(self, condition: str, seq: int, *, forward: bool) -> Iterator[Block]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=f"origin = :origin AND {condition}",
            ExpressionAttributeValues={":origin": {"S": self._origin}, ":seq": {"N": str(seq)}},
            ConsistentRead=True,
            ScanIndexForward=forward,
        )
        for page in pages:
            for item in page["Items"]:
                yield _block(item)

    def _last(self, condition: str, values: dict[str, Any]) -> Block | None:
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues={":origin": {"S": self._origin}, **values},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        return _block(answer["Items"][0]) if answer["Items"] else None


def _block(item: dict[str, Any]) -> Block:
    """Read an item; raise FormatError if it is no block."""
    try:
        return Block(
            origin=item["origin"]["S"],
            first_seq=int(item["first_seq"]["N"]),
            count=int(item["count"]["N"]),
            head=bytes(item["head"]["B"]),
            signature=bytes(item["signature"]["B"]),
            body=bytes(item["body"]["B"]),
        )
    except (KeyError, TypeError, ValueError):
        place = item["first_seq"].get("N", "of no number")  # part of the key
        raise FormatError(f"block {place}: the item is no block") from None
