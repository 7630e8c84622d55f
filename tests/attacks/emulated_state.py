"""The state of moto's tables and buckets, taken and put back.

So a ledger is built once and attacked often; through the API that would take a second each time.
Values are never changed in place by moto, but for an item under UpdateItem: those of the small
table `ledgers` are copied whole.
"""

import copy
from dataclasses import dataclass
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import FakeDeleteMarker, s3_backends

from tests.world import NAME, REGION, TABLES

BUCKETS = ("published", "archive")


@dataclass(frozen=True, repr=False)
class EmulatedState:
    """What all tables and buckets of the world held."""

    tables: dict[str, dict[Any, Any]]
    buckets: dict[str, dict[str, list[Any]]]

    @classmethod
    def take(cls) -> "EmulatedState":
        return cls(
            {table: _copy(table, _table(table).items) for table in TABLES},
            {
                bucket: {key: list(versions) for key, versions in _keys(bucket)._iterlists()}
                for bucket in BUCKETS
            },
        )

    def put_back(self, *parts: str) -> None:
        """Put back these tables and buckets, all of them where none is named."""
        for table, items in self.tables.items():
            if not parts or table in parts:
                held = _table(table).items
                held.clear()
                held.update(_copy(table, items))
        for bucket, objects in self.buckets.items():
            if not parts or bucket in parts:
                held = _keys(bucket)
                held.clear()
                for key, versions in objects.items():
                    dict.__setitem__(held, key, list(versions))  # the store's own would dispose


def published_files(prefix: str) -> dict[str, bytes]:
    """Return every published file below a prefix, as a reader sees them."""
    start = len(prefix) + 1
    newest = {key: versions[-1] for key, versions in _keys("published")._iterlists()}
    return {
        key[start:]: bytes(version.value)
        for key, version in newest.items()
        if not isinstance(version, FakeDeleteMarker)
    }


def _copy(table: str, items: dict[Any, Any]) -> dict[Any, Any]:
    if table == "ledgers":
        return copy.deepcopy(dict(items))
    return {key: dict(v) if isinstance(v, dict) else v for key, v in items.items()}


def _table(table: str) -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[f"{NAME}-{table}"]


def _keys(bucket: str) -> Any:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[f"{NAME}-{bucket}"].keys
