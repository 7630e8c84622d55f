"""The world as its owner sees it: moto's own state, looked at without asking through botocore.

A recount after each of some thousand trials would otherwise spend most of its time on requests.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.s3.models import s3_backends

from tests.world import LEDGER, NAME, REGION, World


@dataclass(frozen=True)
class SeenWorld(World):
    """A world that is read from inside moto; what it gives is what the API would."""

    @classmethod
    def of(cls, world: World) -> "SeenWorld":
        """Look at a world of moto's."""
        return cls(**{field.name: getattr(world, field.name) for field in fields(world)})

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return all items of a table."""
        found = self._tables[f"{NAME}-{table}"].all_items()
        return [{name: _value(value) for name, value in item.attrs.items()} for item in found]

    def published_file(self, path: str) -> bytes:
        """Return one published file of the ledger."""
        return self._files("published")[path]

    def _files(self, name: str) -> dict[str, bytes]:
        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[f"{NAME}-{name}"].keys
        prefix = f"{LEDGER}/"
        return {
            key.removeprefix(prefix): bytes(keys[key].value)
            for key in list(keys)
            if key.startswith(prefix) and type(keys[key]).__name__ == "FakeKey"
        }

    @cached_property
    def _tables(self) -> dict[str, Any]:
        return dict(dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables)


def _value(value: DynamoType) -> dict[str, Any]:
    """A DynamoDB value as boto3 gives it: binary as bytes."""
    if value.type == "B":
        return {"B": bytes(value.value)}
    if value.type == "M":
        return {"M": {name: _value(inner) for name, inner in value.value.items()}}
    return {value.type: value.value}
