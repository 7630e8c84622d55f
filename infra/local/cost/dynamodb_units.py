"""Read and write units of DynamoDB calls.

Source: DynamoDB developer guide, "DynamoDB item sizes and formats", "Read and write operations" and
"Using write units with global secondary indexes". moto's consumed capacity is not realistic, so the
units are computed from the items.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from infra.local.aws.calls import Call
from infra.local.aws.emulator import ACCOUNT

ItemImage = Mapping[str, Mapping[str, Any]]
"""An item or key as boto3's client has it: `{"seq": {"N": "41"}}`."""

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
_TRANSACTION = "TransactWriteItems"  # each write costs twice
_REFUSED = "ConditionalCheckFailedException"


@dataclass(frozen=True)
class _Write:
    table: str
    key: ItemImage
    before: ItemImage | None


def item_size_bytes(item: ItemImage) -> int:
    """Return an item's size: names and values, in bytes."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    return _SIZES[kind](content)


def _number_size(text: str) -> int:
    """Return the size of a number: a byte for each two significant digits, and one more."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "B": len,
    "N": _number_size,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "SS": lambda texts: sum(len(text.encode()) for text in texts),
    "NS": lambda numbers: sum(_number_size(number) for number in numbers),
    "BS": lambda members: sum(len(member) for member in members),
    "L": lambda members: 3 + sum(1 + _value_size(member) for member in members),
    "M": lambda members: 3 + item_size_bytes(members) + len(members),
}


def note_writes(call: Call, region: str) -> None:
    """Note, before a call is sent, the items that it writes and their stored versions."""
    call.notes["writes"] = [
        _Write(table, key, _stored(region, table, key)) for table, key in _written(call, region)
    ]


def write_units(call: Call, region: str) -> int:
    """Return the write units of a completed call, those of its indexes included.

    A write whose condition fails costs what it would have cost in the table.
    """
    code = call.answer.get("Error", {}).get("Code")
    if call.status != 200 and code != _REFUSED:
        return 0
    units = 0
    for write in call.notes.get("writes", ()):
        after = _stored(region, write.table, write.key)
        if code == _REFUSED:
            wanted = call.parameters.get("Item", {})
            units += _units(max(item_size_bytes(wanted), item_size_bytes(write.before or {})))
            continue
        larger = max(item_size_bytes(after or {}), item_size_bytes(write.before or {}))
        units += _units(larger) + _index_units(region, write.table, write.before, after)
    return 2 * units if call.operation == _TRANSACTION else units


def read_units(call: Call, region: str) -> float:
    """Return the read units of a completed call; a missing item costs one unit."""
    if call.status != 200:
        return 0
    parameters = call.parameters
    if call.operation == "GetItem":
        item = _stored(region, parameters["TableName"], parameters["Key"])
        return _read(item_size_bytes(item or {}), parameters)
    if call.operation == "BatchGetItem":
        return sum(
            _read(item_size_bytes(_stored(region, table, key) or {}), request)
            for table, request in parameters["RequestItems"].items()
            for key in request["Keys"]
        )
    if call.operation in ("Query", "Scan"):
        # What a filter or projection leaves out of the answer is read, and costs, all the same.
        table = _table(region, parameters["TableName"])
        items = call.answer.get("Items", [])
        if "IndexName" not in parameters:
            items = [_whole(table, item) for item in items]
        return _read(sum(item_size_bytes(item) for item in items), parameters)
    return 0


def _read(size_bytes: int, request: Mapping[str, Any]) -> float:
    units = max(1, -(-size_bytes // READ_UNIT_BYTES))
    return units if request.get("ConsistentRead") else units / 2


def _units(size_bytes: int) -> int:
    return max(1, -(-size_bytes // WRITE_UNIT_BYTES))


def _written(call: Call, region: str) -> Iterator[tuple[str, ItemImage]]:
    """Return table and key of every item that a call writes."""
    parameters = call.parameters
    if call.operation == "PutItem":
        yield _keyed(region, parameters["TableName"], parameters["Item"])
    elif call.operation in ("UpdateItem", "DeleteItem"):
        yield parameters["TableName"], parameters["Key"]
    elif call.operation == "BatchWriteItem":
        for table, requests in parameters["RequestItems"].items():
            for request in requests:
                if "PutRequest" in request:
                    yield _keyed(region, table, request["PutRequest"]["Item"])
                else:
                    yield table, request["DeleteRequest"]["Key"]
    elif call.operation == _TRANSACTION:
        for item in parameters["TransactItems"]:
            yield _keyed(region, item["Put"]["TableName"], item["Put"]["Item"])
    elif call.operation.startswith(("Transact", "Execute")):
        raise NotImplementedError(f"the units of {call.operation} are not supported")


def _keyed(region: str, table: str, item: ItemImage) -> tuple[str, ItemImage]:
    return table, {name: item[name] for name in _key_names(_table(region, table))}


def _table(region: str, name: str) -> Table:
    table: Table = dynamodb_backends[ACCOUNT][region].get_table(name.rpartition("/")[2])
    return table


def _key_names(table: Table) -> list[str]:
    return [str(name) for name in table.table_key_attrs]


def _stored(region: str, name: str, key: ItemImage) -> ItemImage | None:
    """Return the item that moto stores under a key."""
    return _get(_table(region, name), key)


def _get(table: Table, key: ItemImage) -> ItemImage | None:
    hash_key, *range_key = (DynamoType(dict(key[name])) for name in _key_names(table))
    item = table.get_item(hash_key, range_key[0] if range_key else None)
    if item is None:
        return None
    return {str(name): value.to_regular_json() for name, value in item.attrs.items()}


def _whole(table: Table, item: ItemImage) -> ItemImage:
    """Return the stored item for one of a response, if that has at least its key."""
    if not all(name in item for name in _key_names(table)):
        return item
    return _get(table, item) or item


def _index_units(region: str, name: str, before: ItemImage | None, after: ItemImage | None) -> int:
    """Count writes to global indexes: none if nothing changes there, two if the key does."""
    table = _table(region, name)
    units = 0
    for index in table.global_indexes:
        old, new = (_projected(table, index, item) for item in (before, after))
        if old == new:
            continue
        index_keys = index.schema_key_attrs
        moved = old and new and any(old[key] != new[key] for key in index_keys)
        if moved:
            units += _units(item_size_bytes(old)) + _units(item_size_bytes(new))
        else:
            units += _units(max(item_size_bytes(old), item_size_bytes(new)))
    return units


def _projected(table: Table, index: Any, item: ItemImage | None) -> dict[str, Any]:
    """Return the attributes of an item in an index: none if the item lacks the index's key."""
    if item is None or not all(key in item for key in index.schema_key_attrs):
        return {}
    kind = index.projection["ProjectionType"]
    if kind == "ALL":
        return dict(item)
    names = {*_key_names(table), *index.schema_key_attrs}
    if kind == "INCLUDE":
        names |= set(index.projection["NonKeyAttributes"])
    return {name: value for name, value in item.items() if name in names}
