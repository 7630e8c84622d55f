"""Fixtures of the tests of the functions."""

import pytest

from functions.ingest import handler as ingest
from functions.publisher import handler
from functions.sequencer import handler as sequencing
from tests.functions.publishing import Clock
from tests.world import World


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """New containers of publisher and sequencer, and a clock that the test moves."""
    clock = Clock()
    handler.publisher.cache_clear()
    sequencing.sequencer.cache_clear()
    monkeypatch.setattr(handler, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


@pytest.fixture
def fresh_ingest(world: World) -> None:
    """New containers of ingest and sequencer."""
    ingest.acceptor.cache_clear()
    ingest.environment.cache_clear()
    sequencing.sequencer.cache_clear()
