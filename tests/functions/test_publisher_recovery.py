"""The publisher's handler on moto: what dead and overtaken runs leave behind."""

from typing import Any

import pytest

from audit_ledger.errors import LostRaceError, UnreachableError
from audit_ledger.ledger.published_state import PublishedState
from functions.publisher import handler, publish
from functions.publisher.signed_files import put_signed_files
from tests.functions.publishing import Clock, append, run
from tests.world import World


def test_files_that_a_crash_left_unwritten_are_put_from_the_state(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dying right after the commit point: the next run puts the very bytes that were stored."""
    append(1)
    run()
    append(1)
    clock.now += 60

    def die(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(publish, "put_signed_files", die)
        dying.setattr(handler.publisher().memory, "finished_version", 1)
        with pytest.raises(ConnectionError):
            run()
    handler.publisher.cache_clear()
    clock.now += 60
    run()
    (state,) = world.states()
    published = world.published()
    assert published["checkpoint"] == bytes(state["checkpoint"]["B"])
    assert published[state["digest_name"]["S"]] == bytes(state["digest"]["B"])
    assert published["digests/latest"] == bytes(state["digest"]["B"])
    assert b"\n3\n" in published["checkpoint"]


def test_a_publisher_that_was_overtaken_leaves_the_newer_files(world: World, clock: Clock) -> None:
    """A zombie that wakes before putting its files never puts an older checkpoint."""
    append(1)
    run()
    zombie = handler.publisher()
    old = zombie.state.published()
    assert old is not None
    handler.publisher.cache_clear()
    append(300)
    clock.now += 60
    run()
    newer = world.published()
    put_signed_files(zombie.tiles, old, clock.now)
    assert world.published() == newer


def test_a_zombie_that_finds_its_tiles_replaced_does_not_freeze(world: World, clock: Clock) -> None:
    """Partial tiles go once full: who still looks for them was overtaken, nothing was altered."""
    append(1)
    run()
    handler.publisher.cache_clear()
    zombie = handler.publisher()
    stale = zombie.state.published()
    calls: list[int] = []

    class Delayed:
        """The state as it was before another publisher moved on, seen once."""

        def published(self) -> Any:
            calls.append(1)
            return stale if len(calls) == 1 else state.published()

        def __getattr__(self, name: str) -> Any:
            return getattr(state, name)

    state = zombie.state
    object.__setattr__(zombie, "state", Delayed())
    other = handler.publisher.__wrapped__()
    append(300)
    clock.now += 60
    other.publish()
    with pytest.raises(LostRaceError):
        zombie.publish()
    assert all("frozen" not in item for item in world.items("ledgers"))


def test_partial_tiles_that_a_dead_run_left_are_dropped_by_the_next_cold_one(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died between the commit point and its tidying."""
    append(10)
    run()
    append(300)
    clock.now += 60

    def die(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(type(handler.publisher().tiles), "delete", die)
        with pytest.raises(ConnectionError):
            run()
    assert "tile/0/000.p/11" in world.published()
    handler.publisher.cache_clear()
    run()
    partial = [
        n for n in world.published() if n.startswith(("tile/0/000.p/", "tile/entries/000.p/"))
    ]
    assert partial == []


def test_a_digest_that_could_not_be_announced_is_announced_by_the_next_run(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by the same container: the bus refused it after all files were put."""
    append(1)
    run()
    publisher = handler.publisher()
    announce = publisher.announce
    announced: list[int] = []

    def refuse(*_: object) -> None:
        raise UnreachableError("the bus took no announcement")

    append(1)
    clock.now += 60
    object.__setattr__(publisher, "announce", refuse)
    with pytest.raises(UnreachableError):
        run()

    def announce_and_note(state: PublishedState) -> None:
        announce(state)
        announced.append(state.size)

    object.__setattr__(publisher, "announce", announce_and_note)
    run()
    run()
    assert announced == [3]


def test_a_bus_that_refuses_does_not_stop_publishing(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each minute has its digest; all of them are announced, in order, once the bus listens."""
    publisher = handler.publisher()
    announced: list[int] = []

    def refuse(*_: object) -> None:
        raise UnreachableError("the bus took no announcement")

    def announce(state: PublishedState) -> None:
        announced.append(state.size)

    object.__setattr__(publisher, "announce", refuse)
    for _ in range(3):
        append(1)
        clock.now += 60
        with pytest.raises(UnreachableError):
            run()
    with pytest.raises(UnreachableError, match="3 digests"):
        run()
    object.__setattr__(publisher, "announce", announce)
    run()
    run()
    assert announced == [2, 3, 4]
    assert len([name for name in world.published() if name.startswith("digests/2")]) == 3


def test_a_file_that_changes_at_every_replacement_fails_the_run(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no lost race, which is silent: the state is committed, and its files are missing."""
    append(1)

    def lose(*_: object) -> None:
        raise LostRaceError("changed meanwhile")

    with monkeypatch.context() as patch:
        patch.setattr(type(handler.publisher().tiles), "replace", lose)
        with pytest.raises(UnreachableError, match=r"digests/latest: changed during each of 5"):
            run()
    (state,) = world.states()
    assert "checkpoint" not in world.published()
    run()
    assert world.published()["checkpoint"] == bytes(state["checkpoint"]["B"])


def partials_beside_full_ones(world: World) -> list[str]:
    published = world.published()
    return [name for name in published if name.rpartition(".p/")[0] in published]


def test_partial_tiles_go_however_far_the_ledger_grew(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that died before tidying had filled three tiles, and the last of them is full."""
    append(10)
    run()
    append(256, 256, 245)
    clock.now += 60
    with monkeypatch.context() as dying:
        dying.setattr(handler.publisher().tiles, "delete", _die)
        with pytest.raises(ConnectionError):
            run()
    assert "tile/0/000.p/11" in partials_beside_full_ones(world)
    run()  # the same container: it knows that it did not finish
    assert partials_beside_full_ones(world) == []


def test_partial_tiles_of_a_size_that_was_never_published_go_once_full(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run put the tiles of 301 entries and died; the next one publishes 813."""
    append(10)
    run()
    append(256, 34)
    clock.now += 60
    with monkeypatch.context() as dying:
        dying.setattr(handler.publisher().state, "swap_published", _die)
        with pytest.raises(ConnectionError):
            run()
    assert "tile/0/001.p/45" in world.published()
    append(256, 256)
    clock.now += 60
    run()
    assert partials_beside_full_ones(world) == []


def _die(*_: object) -> None:
    raise ConnectionError
