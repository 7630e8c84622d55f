"""A stage on a world of its own, for each test."""

import pytest

from tests.crashes.pipeline import Stage, made_stage
from tests.world import World, made_world


@pytest.fixture(scope="session")
def _warmed_up() -> None:
    """Load what moto and botocore load late, once and not in every fork."""
    with pytest.MonkeyPatch.context() as monkeypatch, made_world(monkeypatch) as world:
        stage = made_stage(world, monkeypatch)
        stage.append(stage.accept(stage.request()))
        stage.publish()


@pytest.fixture
def stage(_warmed_up: None, world: World, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A ledger not yet begun, and its portal, queue and containers."""
    return made_stage(world, monkeypatch)
