"""Caches for values that moto 5.2.5 computes on every call: more than half of a day's time.

Each line names what to delete when moto does it itself:

- a Query sorts and compares every item of the table, not of the partition, nor of the index's
  partition: `_query`, `_items_of_partition`.
- every answer looks up by which names an attribute may go, member by member: `_possible_keys`.
- every call lists all methods of its service and derives its operation's name: `speed_up_moto`.
- every call describes Python, botocore and this machine, to nobody (botocore's doing): `_agent`.

When all is done there, delete this module and the calls of `speed_up_moto`.
"""

from collections.abc import Iterable
from functools import cache
from inspect import signature
from typing import Any

from botocore.useragent import UserAgentString
from moto.core import responses
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from infra.local.aws.patching import replace

_moto_query = Table.query
_query_signature = signature(Table.query)
_moto_possible_keys = XFormedAttributePicker.get_possible_keys
_known_keys: dict[tuple[Any, ...], tuple[str, ...]] = {}


@cache
def speed_up_moto() -> None:
    """Make moto quicker for the rest of this process; calling it again does nothing."""
    replace(Table, "query", _query)
    replace(XFormedAttributePicker, "get_possible_keys", _possible_keys)
    for name in ("camelcase_to_underscores", "method_names_from_class"):
        replace(responses, name, cache(getattr(responses, name)))
    replace(UserAgentString, "to_string", _agent)


def _agent(_: UserAgentString) -> str:
    return "local"


def _query(table: Table, hash_key: DynamoType, *args: Any, **kwargs: Any) -> Any:
    """Show a Query nothing but the items that can match. (One call at a time: see `emulator`.)"""
    arguments = _query_signature.bind(table, hash_key, *args, **kwargs).arguments
    whole: Any = table.items
    if arguments.get("index_name"):
        conditions = arguments.get("hash_key_conditions") or []
        if len(conditions) != 1 or conditions[0][1].type != "S":
            return _moto_query(table, hash_key, *args, **kwargs)
        table.items = _items_of_partition(table, *conditions[0])
    else:
        table.items = {hash_key: whole[hash_key]} if hash_key in whole else {}  # type: ignore[assignment]
    try:
        return _moto_query(table, hash_key, *args, **kwargs)
    finally:
        table.items = whole


def _items_of_partition(table: Table, attribute: str, wanted: DynamoType) -> Any:
    """Return the items whose attribute is this string, in the form of `Table.items`."""

    def is_wanted(item: Any) -> bool:
        found = item.attrs.get(attribute)
        return found is not None and found.type == "S" and found.value == wanted.value

    whole: Any = table.items
    if not table.range_key_attr:
        return {key: item for key, item in whole.items() if is_wanted(item)}
    partitions = {
        key: {place: item for place, item in partition.items() if is_wanted(item)}
        for key, partition in whole.items()
    }
    return {key: partition for key, partition in partitions.items() if partition}


def _possible_keys(
    picker: XFormedAttributePicker, context: AttributePickerContext
) -> Iterable[str]:
    """Return the names of a member; of a plain dict they follow from the model alone."""
    if type(context.obj) is not dict:
        return _moto_possible_keys(picker, context)
    member = (context.key, context.shape, getattr(context.shape, "parent", None))
    if member not in _known_keys:
        _known_keys[member] = tuple(_moto_possible_keys(picker, context))
    return _known_keys[member]
