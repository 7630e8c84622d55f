"""Fixtures of the races."""

from collections.abc import Iterator

import pytest

from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.functions.publishing import Clock
from tests.races.race import Race
from tests.races.scheduler import install_scheduler
from tests.restored_world import empty_world, world
from tests.world import World

__all__ = ["clock", "empty_world", "race", "world"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that the test moves."""
    clock = Clock()
    monkeypatch.setattr(publishing, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


@pytest.fixture
def race(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Race]:
    """Sequencers and publishers of one ledger on moto; unfinished runs are killed at the end."""
    scheduler = install_scheduler(monkeypatch)
    yield Race(world, clock, scheduler)
    scheduler.clear()
