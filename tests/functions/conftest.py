"""Fixtures of the functions' tests."""

import pytest

from functions.ingest import handler as ingest
from functions.publisher import handler
from functions.sequencer import handler as sequencing
from tests.functions.publishing import Clock
from tests.world import World


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Fresh containers of publisher and sequencer, by a clock that the test moves."""
    clock = Clock()
    handler.publisher.cache_clear()
    sequencing.sequencer.cache_clear()
    monkeypatch.setattr(handler, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


@pytest.fixture
def fresh_ingest(world: World) -> None:
    """Fresh containers of ingest and sequencer."""
    ingest.acceptor.cache_clear()
    ingest.environment.cache_clear()
    sequencing.sequencer.cache_clear()
