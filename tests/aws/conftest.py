"""The adapters' world, twice: DynamoDB as moto plays it, and as a server that others wrote."""

from collections.abc import Iterator

import pytest

from tests.dynamodb_server.served_world import served_world
from tests.world import World, made_world


@pytest.fixture(params=["moto", "DynamoDB server"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """One ledger; what is no DynamoDB is on moto both times."""
    if request.param == "moto":
        with made_world(monkeypatch) as made:
            yield made
    else:
        program = request.getfixturevalue("dynamodb_program")
        with served_world(monkeypatch, program) as (made, _):
            yield made
