"""A published ledger of several blocks, and the commands that mend it."""

import pytest

from tests.functions.publishing import Clock, append, run
from tests.recovery.lost_tables import Commands, cold
from tests.world import World


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Fresh containers, by a clock that the test moves."""
    from functions.publisher import handler as publishing
    from functions.sequencer import handler as sequencing

    clock = Clock()
    cold()
    monkeypatch.setattr(publishing, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    return clock


@pytest.fixture
def grown(world: World, clock: Clock) -> World:
    """Blocks at 0 (3 entries), 3 (7) and 10 (4), all published, in two digests."""
    append(2)
    run()
    append(7, 4)
    clock.now += 60
    run()
    return world


@pytest.fixture
def commands(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)
