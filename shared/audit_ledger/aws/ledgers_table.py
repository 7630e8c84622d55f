"""The ledgers table: small state of each ledger; each item is written by one role only.

`origin#published` (publisher): the exact published bytes. It is the commit point: the published
files are copies of it and are put again from it after a crash.
`origin#keys` (publisher, once): the wrapped index key and ledger keys.
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from audit_ledger.aws.clients import error_code
from audit_ledger.errors import LostRaceError
from audit_ledger.ledger.published_state import PublishedState
from audit_ledger.records.wrapped_keys import WrappedKeys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PUBLISHED_ITEM = "published"
KEYS_ITEM = "keys"


class LedgersTable:
    """One ledger's items."""

    def __init__(self, client: "DynamoDBClient", table: str, origin: str) -> None:
        self._client = client
        self._table = table
        self._origin = origin

    def published(self) -> PublishedState | None:
        """Read the published state (consistent); return None if nothing was published yet."""
        item = self._get(PUBLISHED_ITEM)
        return published_state(item) if item else None

    def swap_published(self, old: PublishedState | None, new: PublishedState) -> None:
        """Replace exactly the state that was read (commit point), or raise LostRaceError."""
        condition: dict[str, Any] = (
            {
                "ConditionExpression": "version = :version AND attribute_not_exists(frozen)",
                "ExpressionAttributeValues": {":version": {"N": str(old.version)}},
            }
            if old
            else {
                "ConditionExpression": "attribute_not_exists(version)"
                " AND attribute_not_exists(frozen)"
            }
        )
        item: dict[str, Any] = {
            **self._key(PUBLISHED_ITEM),
            "version": {"N": str(new.version)},
            "size": {"N": str(new.size)},
            "time": {"N": str(new.time)},
            "checkpoint": {"B": new.checkpoint},
            "digest_name": {"S": new.digest_name},
            "digest": {"B": new.digest},
        }
        if new.unfreeze_count:
            item["lifts"] = {"N": str(new.unfreeze_count)}
        self._put(item, condition, "the published state")

    def freeze(self, reason: str) -> None:
        """Stop sequencer and publisher, until a command lifts it. The first reason stays."""
        self._client.update_item(
            TableName=self._table,
            Key=self._key(PUBLISHED_ITEM),
            UpdateExpression="SET frozen = if_not_exists(frozen, :reason)",
            ExpressionAttributeValues={":reason": {"S": reason}},
        )

    def lift(self, frozen: PublishedState) -> None:
        """Lift exactly the freeze that was read, or raise LostRaceError if it has changed.

        It counts as a change: no commit can build on a state that was read before the freeze.
        """
        update = "REMOVE frozen ADD lifts :one"
        condition = "frozen = :reason"
        values = {":reason": {"S": str(frozen.frozen)}, ":one": {"N": "1"}}
        if frozen.version:
            update += " SET version = :next"
            condition += " AND version = :version"
            values |= {
                ":version": {"N": str(frozen.version)},
                ":next": {"N": str(frozen.version + 1)},
            }
        else:  # before the first digest
            condition += " AND attribute_not_exists(version)"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=self._key(PUBLISHED_ITEM),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                raise LostRaceError("the published state changed meanwhile") from None
            raise

    def keys(self) -> WrappedKeys | None:
        """Read the wrapped keys (consistent); return None before the publisher's first run."""
        item = self._get(KEYS_ITEM)
        if not item:
            return None
        return WrappedKeys(
            bytes(item["index_key"]["B"]),
            {int(v): bytes(k["B"]) for v, k in item["ledger_keys"]["M"].items()},
        )

    def put_first_keys(self, keys: WrappedKeys) -> None:
        """Store a new ledger's keys, or raise LostRaceError if it has some."""
        item: dict[str, Any] = {
            **self._key(KEYS_ITEM),
            "index_key": {"B": keys.index_key},
            "ledger_keys": {"M": {str(v): {"B": k} for v, k in keys.ledger_keys.items()}},
        }
        self._put(item, {"ConditionExpression": "attribute_not_exists(index_key)"}, "the keys")

    def _key(self, item: str) -> dict[str, Any]:
        return {"key": {"S": f"{self._origin}#{item}"}}

    def _get(self, item: str) -> dict[str, Any] | None:
        answer = self._client.get_item(
            TableName=self._table, Key=self._key(item), ConsistentRead=True
        )
        return answer.get("Item")

    def _put(self, item: dict[str, Any], condition: dict[str, Any], what: str) -> None:
        try:
            self._client.put_item(TableName=self._table, Item=item, **condition)
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                raise LostRaceError(f"{what} of this ledger changed meanwhile") from None
            raise


def published_state(item: dict[str, Any]) -> PublishedState | None:
    """Read an item of the ledgers table. None if a freeze, before any digest, was lifted."""
    frozen = item.get("frozen")
    if frozen is None and "version" not in item:
        return None
    return PublishedState(
        version=int(item["version"]["N"]) if "version" in item else 0,
        size=int(item["size"]["N"]) if "size" in item else 0,
        time=int(item["time"]["N"]) if "time" in item else 0,
        checkpoint=bytes(item["checkpoint"]["B"]) if "checkpoint" in item else b"",
        digest_name=item["digest_name"]["S"] if "digest_name" in item else "",
        digest=bytes(item["digest"]["B"]) if "digest" in item else b"",
        frozen=frozen["S"] if frozen else None,
        unfreeze_count=int(item["lifts"]["N"]) if "lifts" in item else 0,
    )
