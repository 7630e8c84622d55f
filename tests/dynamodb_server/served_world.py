"""The hand-made world of `tests.world`, its tables on the DynamoDB server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.aws.emulator import emulated_aws
from tests.dynamodb_server.server import DynamoDBServer, serving
from tests.world import NAME, REGION, TABLES, World, made_world

MAX_TRIES = 1000


@contextmanager
def served_world(
    monkeypatch: pytest.MonkeyPatch, program: Path, tables: Path | None = None
) -> Iterator[tuple[World, DynamoDBServer]]:
    """One ledger with tables on a server of its own, and the rest on moto behind its lock.

    Our clients find the server as any would: AWS_ENDPOINT_URL_DYNAMODB names it.
    """
    with serving(program, tables) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.endpoint)
        with emulated_aws(REGION), made_world(monkeypatch) as world:
            _wait_for_tables(world)
            yield world, server


def _wait_for_tables(world: World) -> None:
    """Ask until every table is active: a server makes them soon, not at once."""
    for table in TABLES:
        for _ in range(MAX_TRIES):
            described = world.dynamodb.describe_table(TableName=f"{NAME}-{table}")
            if described["Table"]["TableStatus"] == "ACTIVE":
                break
        else:
            raise TimeoutError(f"the table {table} is not active after {MAX_TRIES} asks")
