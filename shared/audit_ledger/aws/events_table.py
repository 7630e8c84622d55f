"""The events table (the index): derived from blocks, rebuilt from them, and never authoritative.

It has one item per record, under the key origin#event id: `seq` (its entry), `block` (the block's
first entry), `place` (the event's own time and the entry, in one sortable number), `row` (the index
row), `conflict` if the event id was taken by other content. Sparse attributes feed the secondary
indexes, which sort by place: `patient` and `agent` (origin#pseudonym), `late` (origin) of events
whose own time is more than two minutes from the entry's (docs/decisions/0008-late-events.md). A
further person of an event has an item of its own, key origin#event id#n. `lost` replaces all other
attributes if a rebuild did not find the entry: the event then counts as unknown.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from audit_ledger.aws.batches import TableItem, batch_get, batch_put
from audit_ledger.ledger.index import LATE_MS, StoredEntry
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.tlog import strict_base64

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SEQS = 10**19  # more than there are entries: a place has 34 digits of DynamoDB's 38


class Repaired(msgspec.Struct, frozen=True):
    """Numbers of index items that were correct (`there`), missing (`put`) or wrong (`replaced`)."""

    there: int = 0
    put: int = 0
    replaced: int = 0

    def __add__(self, other: "Repaired") -> "Repaired":
        """Return the sums."""
        return Repaired(
            self.there + other.there, self.put + other.put, self.replaced + other.replaced
        )


NO_ROWS = Repaired()


class EventsTable:
    """One ledger's part of the events table."""

    def __init__(self, client: "DynamoDBClient", table: str, origin: str) -> None:
        self._client = client
        self._table = table
        self._origin = origin

    def known(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the fingerprints of the event ids or conflict keys that are indexed (consistent).

        A key that is not indexed, or whose entry was lost, is absent.
        """
        return self._fingerprints(keys, consistent=True)

    def fingerprints(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the fingerprints of the event ids that were indexed up to a second ago.

        Half a read unit each: eventually consistent.
        """
        return self._fingerprints(keys, consistent=False)

    def _fingerprints(self, keys: Iterable[str], *, consistent: bool) -> dict[str, bytes]:
        requests = [(self._table, {"key": {"S": f"{self._origin}#{key}"}}) for key in keys]
        return {
            item["key"]["S"].removeprefix(f"{self._origin}#"): _fingerprint(item)
            for _, item in batch_get(self._client, requests, consistent=consistent)
            if "lost" not in item
        }

    def write(self, entries: Iterable[StoredEntry]) -> None:
        """Index entries; return once every row is acknowledged. Repeating it changes nothing."""
        items = [item for entry in entries for item in index_items(self._origin, entry)]
        batch_put(self._client, self._table, items)

    def repair(self, entries: Iterable[StoredEntry], *, dry_run: bool) -> Repaired:
        """Index entries as `write` does, but put only missing and wrong items."""
        wanted = {i["key"]["S"]: i for entry in entries for i in index_items(self._origin, entry)}
        keys = [(self._table, {"key": item["key"]}) for item in wanted.values()]
        found = {item["key"]["S"]: item for _, item in batch_get(self._client, keys)}
        wrong = [item for key, item in wanted.items() if found.get(key) != item]
        if not dry_run:
            batch_put(self._client, self._table, wrong)
        put = len(wanted) - len(found)
        return Repaired(len(wanted) - len(wrong), put, len(wrong) - put)

    def give_up_from(self, size: int, *, dry_run: bool) -> int:
        """Mark every item of entry `size` and later as lost; return their number.

        Call it only if no such entry exists: their events can then be sent again. It reads the
        whole table.
        """
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            FilterExpression="begins_with(#key, :own) AND seq >= :size",
            ProjectionExpression="#key, seq",
            ExpressionAttributeNames={"#key": "key"},
            ExpressionAttributeValues={
                ":own": {"S": f"{self._origin}#"},
                ":size": {"N": str(size)},
            },
        )
        lost = 0
        for page in pages:
            for item in page["Items"]:
                lost += 1
                if not dry_run:
                    self._client.put_item(
                        TableName=self._table,
                        Item={"key": item["key"], "lost": {"BOOL": True}},
                        ConditionExpression="seq = :seq",
                        ExpressionAttributeValues={":seq": item["seq"]},
                    )
        return lost


def _fingerprint(item: TableItem) -> bytes:
    return parse_index_row(bytes(item["row"]["B"])).fingerprint


def place_number(time_ms: int, seq: int) -> int:
    """Return the number by which the secondary indexes sort: by own time (ms), then by entry."""
    return time_ms * _SEQS + seq


def time_and_seq(place: int) -> tuple[int, int]:
    """Return the event's own time (ms) and the entry of such a number."""
    return divmod(place, _SEQS)


def index_items(origin: str, entry: StoredEntry) -> Iterator[TableItem]:
    """Return the items that an entry has in the events table."""
    row = entry.row
    place: TableItem = {
        "seq": {"N": str(entry.seq)},
        "block": {"N": str(entry.first_seq)},
        "place": {"N": str(place_number(row.time_ms, entry.seq))},
    }
    item: TableItem = {
        "key": {"S": f"{origin}#{entry.key}"},
        **place,
        "row": {"B": entry.item.row_bytes},
    }
    if entry.item.conflict:
        item["conflict"] = {"BOOL": True}
    if row.patient is not None:
        item["patient"] = {"S": f"{origin}#{strict_base64.encode(row.patient)}"}
    if row.agents:
        item["agent"] = {"S": f"{origin}#{strict_base64.encode(row.agents[0])}"}
    if abs(row.time_ms - entry.block_time * 1000) > LATE_MS:
        item["late"] = {"S": origin}
    yield item
    for number, agent in enumerate(row.agents[1:], 1):
        yield {
            "key": {"S": f"{origin}#{entry.key}#{number}"},
            **place,
            "agent": {"S": f"{origin}#{strict_base64.encode(agent)}"},
        }
