"""The stored state of moto, saved once and loaded by every test that starts from it.

A ledger is built once and loaded often; building it takes a second each time. Saving and loading
copy references: moto replaces values and does not change them, except an item under UpdateItem, so
the items of the tables that are updated are copied.
"""

import copy
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.s3.models import FakeDeleteMarker, FakeKey, s3_backends

from tests.world import NAME, REGION, TABLES

BUCKETS = ("published", "archive", "index")
UPDATED_TABLES = ("ledgers", "views", "limits")


@dataclass(frozen=True, repr=False)
class MotoState:
    """The contents of all tables, buckets and keys of a world when it was saved.

    `values`: the bytes of each object by its identity, because moto closes the objects of a world
    that ends and those that are deleted.
    """

    tables: dict[str, dict[Any, Any]]
    buckets: dict[str, dict[str, list[Any]]]
    values: dict[int, bytes]
    keys: dict[str, Any]

    @classmethod
    def save(cls) -> "MotoState":
        """Save the contents of the current world."""
        buckets = {
            bucket: {key: list(versions) for key, versions in _objects(bucket)._iterlists()}
            for bucket in BUCKETS
        }
        versions = [v for objects in buckets.values() for found in objects.values() for v in found]
        return cls(
            {table: _copied(table, _items(table)) for table in TABLES},
            buckets,
            {id(v): v.value for v in versions if isinstance(v, FakeKey)},
            dict(_keys()),
        )

    def load(self, *parts: str) -> None:
        """Replace the contents of a world; `parts`: of these tables and buckets alone."""
        for table, items in self.tables.items():
            if not parts or table in parts:
                _replace(_items(table), _copied(table, items))
        for bucket, objects in self.buckets.items():
            if not parts or bucket in parts:
                current = _objects(bucket)
                current.clear()
                for key, versions in objects.items():
                    for version in versions:
                        self._reopen(version)
                    dict.__setitem__(current, key, list(versions))  # its own would close others
        if not parts:
            _replace(_keys(), self.keys)

    def _reopen(self, version: Any) -> None:
        if getattr(version, "disposed", False):  # no delete marker is
            version._value_buffer = BytesIO()
            version.disposed = False
            version.value = self.values[id(version)]


def published_files(prefix: str) -> dict[str, bytes]:
    """Return every published file below a prefix, as a reader sees them."""
    newest = {key: versions[-1] for key, versions in _objects("published")._iterlists()}
    return {
        key[len(prefix) + 1 :]: bytes(version.value)
        for key, version in newest.items()
        if not isinstance(version, FakeDeleteMarker)
    }


def _replace(current: dict[Any, Any], saved: dict[Any, Any]) -> None:
    current.clear()
    current.update(saved)


def _copied(table: str, items: dict[Any, Any]) -> dict[Any, Any]:
    if table in UPDATED_TABLES:
        return copy.deepcopy(dict(items))
    return {key: dict(v) if isinstance(v, dict) else v for key, v in items.items()}


def _items(table: str) -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[f"{NAME}-{table}"].items


def _objects(bucket: str) -> Any:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[f"{NAME}-{bucket}"].keys


def _keys() -> Any:
    return kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys
