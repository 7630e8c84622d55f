"""Fixtures of a world that is created once per module and restored for each test.

A `conftest.py` imports them in place of the fixture `world` of all tests, which creates a world for
each test. They are of one module, because moto has one state in a process.
"""

from collections.abc import Iterator

import pytest

from tests.moto_state import MotoState
from tests.world import World, made_world


@pytest.fixture(scope="module")
def empty_world() -> Iterator[tuple[World, MotoState]]:
    """A world, and its state without entries."""
    with pytest.MonkeyPatch.context() as monkeypatch, made_world(monkeypatch) as world:
        yield world, MotoState.save()


@pytest.fixture
def world(empty_world: tuple[World, MotoState]) -> World:
    """The world of the module, without entries and messages."""
    world, empty = empty_world
    empty.load()
    world.messages()
    return world
