"""The publisher's handler on moto: recovery after interrupted and overtaken runs."""

from typing import Any

import pytest

from audit_ledger.errors import LostRaceError, UnreachableError
from audit_ledger.ledger.published_state import PublishedState
from functions.publisher import handler, publish
from functions.publisher.signed_files import put_signed_files
from tests.functions.publishing import Clock, append, run
from tests.world import World


def _die(*_: object) -> None:
    raise ConnectionError


def _refuse(*_: object) -> None:
    raise UnreachableError("the bus accepted no announcement")


def test_files_missing_after_a_crash_are_put_from_the_state(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash at the commit point the next run puts the stored bytes."""
    append(1)
    run()
    append(1)
    clock.now += 60

    with monkeypatch.context() as patch:
        patch.setattr(publish, "put_signed_files", _die)
        patch.setattr(handler.publisher().memory, "finished_version", 1)
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


def test_an_overtaken_publisher_leaves_the_newer_files(world: World, clock: Clock) -> None:
    """A zombie that continues late puts no older checkpoint."""
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


def test_a_zombie_whose_partial_tiles_are_deleted_does_not_freeze(
    world: World, clock: Clock
) -> None:
    """Only an overtaken run reads partial tiles of full ones; nothing was altered."""
    append(1)
    run()
    handler.publisher.cache_clear()
    zombie = handler.publisher()
    stale = zombie.state.published()
    calls: list[int] = []

    class Delayed:
        """The state before another publisher replaced it, in the first read."""

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


def test_the_next_cold_run_deletes_partial_tiles_of_an_interrupted_one(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was interrupted between the commit point and their deletion."""
    append(10)
    run()
    append(300)
    clock.now += 60

    with monkeypatch.context() as patch:
        patch.setattr(type(handler.publisher().tiles), "delete", _die)
        with pytest.raises(ConnectionError):
            run()
    assert "tile/0/000.p/11" in world.published()
    handler.publisher.cache_clear()
    run()
    partial = [
        n for n in world.published() if n.startswith(("tile/0/000.p/", "tile/entries/000.p/"))
    ]
    assert partial == []


def test_an_announcement_that_failed_is_sent_by_the_next_run(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same container: the bus refused it after all files were put."""
    append(1)
    run()
    publisher = handler.publisher()
    announce = publisher.announce
    announced: list[int] = []

    append(1)
    clock.now += 60
    object.__setattr__(publisher, "announce", _refuse)
    with pytest.raises(UnreachableError):
        run()

    def announce_and_note(state: PublishedState) -> None:
        announce(state)
        announced.append(state.size)

    object.__setattr__(publisher, "announce", announce_and_note)
    run()
    run()
    assert announced == [3]


def test_an_unavailable_bus_does_not_stop_publishing(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All digests are announced, in order, once the bus accepts them."""
    publisher = handler.publisher()
    announced: list[int] = []

    def announce(state: PublishedState) -> None:
        announced.append(state.size)

    object.__setattr__(publisher, "announce", _refuse)
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


def superseded_tiles(world: World) -> list[str]:
    published = world.published()
    return [name for name in published if name.rpartition(".p/")[0] in published]


def test_partial_tiles_are_deleted_however_far_the_ledger_grew(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interrupted run had filled three tiles."""
    append(10)
    run()
    append(256, 256, 245)
    clock.now += 60
    with monkeypatch.context() as patch:
        patch.setattr(handler.publisher().tiles, "delete", _die)
        with pytest.raises(ConnectionError):
            run()
    assert "tile/0/000.p/11" in superseded_tiles(world)
    run()  # the same container, which did not complete the state
    assert superseded_tiles(world) == []


def test_partial_tiles_of_an_unpublished_size_are_deleted_once_full(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run put the tiles of 301 entries and was interrupted; the next publishes 813."""
    append(10)
    run()
    append(256, 34)
    clock.now += 60
    with monkeypatch.context() as patch:
        patch.setattr(handler.publisher().state, "swap_published", _die)
        with pytest.raises(ConnectionError):
            run()
    assert "tile/0/001.p/45" in world.published()
    append(256, 256)
    clock.now += 60
    run()
    assert superseded_tiles(world) == []
