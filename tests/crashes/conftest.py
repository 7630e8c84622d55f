"""The pipeline of the crash tests."""

import pytest

from tests.crashes.pipeline import Pipeline, make_pipeline
from tests.world import World, made_world


@pytest.fixture(scope="session")
def _warmed_up() -> None:
    """Load what moto and botocore load on first use, once and not in every fork."""
    with pytest.MonkeyPatch.context() as monkeypatch, made_world(monkeypatch) as world:
        pipeline = make_pipeline(world, monkeypatch)
        pipeline.append(pipeline.accept(pipeline.request()))
        pipeline.publish()


@pytest.fixture
def pipeline(_warmed_up: None, world: World, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """An empty ledger with its portal, queue and containers."""
    return make_pipeline(world, monkeypatch)
