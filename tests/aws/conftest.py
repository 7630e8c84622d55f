"""The AWS of the adapters, twice: DynamoDB of moto, and a server of another implementation."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.dynamodb_server.served_world import served_world
from tests.world import World, made_world


@pytest.fixture(scope="module", params=["moto", "DynamoDB server"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Services and resources of a file of tests; services other than DynamoDB are moto's."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        if request.param == "moto":
            with made_world(monkeypatch) as made:
                yield made
        else:
            program = request.getfixturevalue("dynamodb_program")
            with served_world(monkeypatch, program) as (made, _):
                yield made


@pytest.fixture
def origin() -> str:
    """Return an origin that no other test uses: the rows of a ledger are its own."""
    return f"audit.example.org/{uuid4().hex}"
