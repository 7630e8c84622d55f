"""The views table: what the follower derives from opened records. All of it can be made again.

Key origin#view. `follower` is its cursor: the next entry to follow, with a version that every
commit raises by one; the states of rules and counters (`state#<name>#<n>`, pieces of what is
sealed) are committed with it, in one transaction. Beside them, sets to which the same can be added
again without changing anything:

    document#<keyed hash of a document's digest>   `places`: the entries that recorded it
    findings#<hour of the ledger's time>           one attribute a finding
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from audit_ledger.aws.batches import batch_get
from audit_ledger.errors import FormatError, LostRaceError, TooLargeError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CURSOR = "follower"
GAPS = "gaps"
PIECE_BYTES = 350 * 1024  # of a state: an item holds 400 KB
MAX_PIECES = 90  # in one transaction, which holds 100 items, and 4 MB
_FINDING = "finding "


@dataclass(frozen=True)
class FollowerCursor:
    """How far the ledger was followed.

    `next_seq`: the first entry that was not; `announced`: entries below it were told of on the
    bus; `states`: name → number of its pieces.
    """

    version: int
    next_seq: int
    announced: int
    states: Mapping[str, int]


@dataclass(frozen=True)
class Gaps:
    """What the follower counted of the first `followed` entries, for all to know.

    `missing`: numbered events that never came, of gaps that are settled; `portals`: how many
    portals lack some.
    """

    followed: int
    missing: int
    portals: int


BEGINNING = FollowerCursor(0, 0, 0, {})


class ViewsTable:
    """One ledger's views."""

    def __init__(self, client: "DynamoDBClient", table: str, origin: str) -> None:
        self._client = client
        self._table = table
        self._origin = origin

    def cursor(self) -> FollowerCursor:
        """Read the cursor (consistent); the beginning where nothing was followed yet."""
        answer = self._client.get_item(
            TableName=self._table, Key=self._key(CURSOR), ConsistentRead=True
        )
        item = answer.get("Item")
        if item is None:
            return BEGINNING
        return FollowerCursor(
            int(item["version"]["N"]),
            int(item["next_seq"]["N"]),
            int(item["announced"]["N"]),
            {name: int(pieces["N"]) for name, pieces in item["states"]["M"].items()},
        )

    def state(self, cursor: FollowerCursor, name: str) -> bytes | None:
        """Read a state as of a cursor; None where there is none. LostRaceError: it moved on."""
        pieces = cursor.states.get(name, 0)
        keys = [(self._table, self._key(f"state#{name}#{n}")) for n in range(pieces)]
        found = {item["key"]["S"]: item for _, item in batch_get(self._client, keys)}
        parts = []
        for _, key in keys:
            item = found.get(key["key"]["S"])
            if item is None or int(item["version"]["N"]) > cursor.version:
                raise LostRaceError("the views moved on")
            parts.append(bytes(item["piece"]["B"]))
        return b"".join(parts) if parts else None

    def commit(
        self, old: FollowerCursor, next_seq: int, announced: int, states: Mapping[str, bytes]
    ) -> FollowerCursor:
        """Move the cursor and replace all states, at once; LostRaceError where others moved it."""
        version = old.version + 1
        puts: list[dict[str, Any]] = []
        counts: dict[str, int] = {}
        for name, state in states.items():
            pieces = [state[at : at + PIECE_BYTES] for at in range(0, len(state), PIECE_BYTES)]
            counts[name] = len(pieces)
            puts += [
                {
                    **self._key(f"state#{name}#{number}"),
                    "version": {"N": str(version)},
                    "piece": {"B": piece},
                }
                for number, piece in enumerate(pieces)
            ]
        if len(puts) > MAX_PIECES:
            raise TooLargeError(f"views: states of {len(puts)} pieces, at most {MAX_PIECES}")
        cursor = {
            **self._key(CURSOR),
            "version": {"N": str(version)},
            "next_seq": {"N": str(next_seq)},
            "announced": {"N": str(announced)},
            "states": {"M": {name: {"N": str(count)} for name, count in counts.items()}},
        }
        condition: dict[str, Any] = (
            {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(old.version)}},
            }
            if old.version
            else {"ConditionExpression": "attribute_not_exists(version)"}
        )
        items = [{"Put": {"TableName": self._table, "Item": cursor, **condition}}]
        items += [{"Put": {"TableName": self._table, "Item": put}} for put in puts]
        try:
            self._client.transact_write_items(TransactItems=items)  # type: ignore[arg-type]
        except ClientError as error:
            reasons: list[dict[str, Any]] = error.response.get("CancellationReasons") or []  # type: ignore[assignment]
            if reasons and reasons[0].get("Code") == "ConditionalCheckFailed":
                raise LostRaceError("another follower moved on") from None
            raise
        return FollowerCursor(version, next_seq, announced, counts)

    def gaps(self) -> Gaps | None:
        """Read what was counted; None where nothing was yet. FormatError for what is no count."""
        item = self._client.get_item(TableName=self._table, Key=self._key(GAPS)).get("Item")
        if item is None:
            return None
        try:
            return Gaps(*(int(item[name]["N"]) for name in ("followed", "missing", "portals")))
        except (KeyError, ValueError):
            raise FormatError("views: gaps are not of their form") from None

    def add_places(self, document: str, places: Iterable[str]) -> None:
        """Add entries to a document; `document` is the hex of a keyed hash."""
        self._client.update_item(
            TableName=self._table,
            Key=self._key(f"document#{document}"),
            UpdateExpression="ADD places :places",
            ExpressionAttributeValues={":places": {"SS": sorted(places)}},
        )

    def places(self, document: str) -> list[str]:
        """Give the entries that recorded a document (consistent)."""
        answer = self._client.get_item(
            TableName=self._table, Key=self._key(f"document#{document}"), ConsistentRead=True
        )
        return sorted(answer.get("Item", {}).get("places", {}).get("SS", ()))

    def put_findings(self, hour: str, findings: Mapping[str, bytes]) -> None:
        """Put findings, by id, under an hour of the ledger's time."""
        names = {f"#{n}": f"{_FINDING}{id_}" for n, id_ in enumerate(findings)}
        self._client.update_item(
            TableName=self._table,
            Key=self._key(f"findings#{hour}"),
            UpdateExpression="SET " + ", ".join(f"#{n} = :{n}" for n in range(len(findings))),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={
                f":{n}": {"B": finding} for n, finding in enumerate(findings.values())
            },
        )

    def findings(self, hours: Sequence[str]) -> dict[str, bytes]:
        """Give the findings of some hours, by id (consistent)."""
        keys = [(self._table, self._key(f"findings#{hour}")) for hour in hours]
        return {
            name.removeprefix(_FINDING): bytes(value["B"])
            for _, item in batch_get(self._client, keys)
            for name, value in item.items()
            if name.startswith(_FINDING)
        }

    def _key(self, view: str) -> dict[str, Any]:
        return {"key": {"S": f"{self._origin}#{view}"}}
