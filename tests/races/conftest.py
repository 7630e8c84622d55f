"""The stage and the cast of the races."""

from collections.abc import Iterator

import pytest

from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.functions.publishing import Clock
from tests.races.cast import Cast
from tests.races.stage import set_stage
from tests.world import World


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that the test moves."""
    clock = Clock()
    monkeypatch.setattr(publishing, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


@pytest.fixture
def cast(world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cast]:
    """Sequencers and publishers of one ledger on moto; whoever is left at the end dies."""
    stage = set_stage(monkeypatch)
    yield Cast(world, clock, stage)
    stage.clear()
