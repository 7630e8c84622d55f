"""A world that is read from moto's own state, not by requests.

The recounts after some thousand trials would otherwise spend most of their time on requests.
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
class MotoWorld(World):
    """A world whose tables and files are read from moto's state, as the API returns them."""

    @classmethod
    def of(cls, world: World) -> "MotoWorld":
        """Return the view of a world."""
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
    """Return a DynamoDB value as boto3 does: binary as bytes."""
    if value.type == "B":
        return {"B": bytes(value.value)}
    if value.type == "M":
        return {"M": {name: _value(inner) for name, inner in value.value.items()}}
    return {value.type: value.value}
