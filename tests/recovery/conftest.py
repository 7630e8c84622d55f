"""Fixtures of the recovery tests: published ledgers, and the commands that repair them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.functions.publishing import Clock, append, run
from tests.moto_state import MotoState
from tests.recovery.lost_tables import Commands, start_containers
from tests.restored_world import empty_world, world
from tests.world import World

__all__ = ["clock", "commands", "empty_world", "grown", "large", "world"]


@contextmanager
def moved_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Start new containers with a clock that the test moves."""
    clock = Clock()
    start_containers()
    monkeypatch.setattr(publishing, "time", clock)
    monkeypatch.setattr(sequencing, "time", clock)
    yield clock
    start_containers()


def saved(
    empty_world: tuple[World, MotoState], grow: Callable[[Clock], None]
) -> tuple[MotoState, int]:
    """Return the state of a ledger after `grow`, and its time."""
    empty_world[1].load()
    with pytest.MonkeyPatch.context() as monkeypatch, moved_clock(monkeypatch) as clock:
        grow(clock)
        return MotoState.save(), clock.now


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """New containers, and a clock that the test moves."""
    with moved_clock(monkeypatch) as clock:
        yield clock


def _grow(clock: Clock) -> None:
    append(2)
    run()
    append(7, 4)
    clock.now += 60
    run()


def _grow_large(clock: Clock) -> None:
    for count in (299, 220, 80):
        append(count)
        run()
        clock.now += 60
    clock.now += 3600
    run()


@pytest.fixture(scope="module")
def grown_state(empty_world: tuple[World, MotoState]) -> tuple[MotoState, int]:
    """The stored state of `grown`."""
    return saved(empty_world, _grow)


@pytest.fixture(scope="module")
def large_state(empty_world: tuple[World, MotoState]) -> tuple[MotoState, int]:
    """The stored state of `large`."""
    return saved(empty_world, _grow_large)


@pytest.fixture
def grown(grown_state: tuple[MotoState, int], world: World, clock: Clock) -> World:
    """Blocks at 0 (3 entries), 3 (7) and 10 (4), all published, in two digests."""
    state, clock.now = grown_state
    state.load()
    return world


@pytest.fixture
def large(large_state: tuple[MotoState, int], world: World, clock: Clock) -> World:
    """600 entries: two full tiles, partial ones, four digests."""
    state, clock.now = large_state
    state.load()
    return world


@pytest.fixture
def commands(capsys: pytest.CaptureFixture[str]) -> Commands:
    """The recovery commands of the ledger."""
    return Commands(capsys)
