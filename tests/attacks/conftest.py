"""Fixtures of the attacks: the ledger of the matrix, and a small one for the other tests."""

from collections.abc import Iterator

import pytest

from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.attacks.ledger import AttackedLedger, made_ledger
from tests.attacks.small_ledger import QueryClient, start_containers
from tests.functions.publishing import Clock
from tests.restored_world import empty_world, world
from tests.world import World

__all__ = ["clock", "empty_world", "ledger", "query_client", "shared_ledger", "world"]


@pytest.fixture(scope="module")  # moto has one state in a process
def shared_ledger() -> Iterator[AttackedLedger]:
    """The ledger of the matrix, as the last attack left it."""
    with made_ledger() as ledger:
        yield ledger


@pytest.fixture
def ledger(shared_ledger: AttackedLedger) -> AttackedLedger:
    """The ledger of the matrix, restored."""
    shared_ledger.restore()
    return shared_ledger


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, world: World) -> Clock:
    """New containers, and a clock that the test moves."""
    clock = Clock()
    start_containers()
    monkeypatch.setattr(publishing, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


@pytest.fixture
def query_client(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> QueryClient:
    """A client of the small ledger's query function."""
    return QueryClient(world, clock, monkeypatch)
