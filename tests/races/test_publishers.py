"""Races of publishers: all signed checkpoints agree, and newer files remain."""

from itertools import count

import pytest

from audit_ledger.aws.events_table import EventsTable
from audit_ledger.errors import FrozenError, LostRaceError
from functions.publisher.publish import HEARTBEAT_SECONDS, PublishResult
from tests.races.published_recount import check_published
from tests.races.race import Race, appending, publisher, sequencer
from tests.races.recount import Recount
from tests.races.scheduler import SteppedRun

BEFORE_THE_SWAP = "before PutItem ledgers"
AFTER_THE_SWAP = "after PutItem ledgers"


def finish(run: SteppedRun[PublishResult]) -> bool:
    """Finish a run; return whether it published or lost the race."""
    try:
        run.finish()
    except LostRaceError:
        return False
    return True


@pytest.mark.parametrize(
    ("is_warm", "growth"),
    [(True, (10, 4, 2)), (False, (10, 200, 46))],
    ids=["warm", "cold, while a tile fills"],
)
def test_a_publisher_paused_at_any_call_while_another_publishes_is_harmless(
    race: Race, monkeypatch: pytest.MonkeyPatch, is_warm: bool, growth: tuple[int, int, int]
) -> None:
    """Whatever it has read, put or signed; partial tiles are deleted meanwhile."""
    monkeypatch.setattr(EventsTable, "write", lambda *_: None)  # publishing does not read it
    race.grow(3)
    warm, other = publisher(), publisher()
    warm.publish()
    moments: list[str] = []
    for calls in count():
        # The next run makes the same calls, with one tile more, and stops one call later.
        race.grow(growth[0])
        race.pass_a_minute()
        paused = race.publish(warm if is_warm else publisher())
        paused.pass_calls(calls)
        if paused.at is None:
            break
        moments.append(paused.at)
        race.grow(growth[1])
        other.publish()
        finish(paused)
        race.grow(growth[2])
        race.pass_a_minute()
        warm.publish()
        race.check_newest_files()
    recount = Recount(race.world).follow()
    recount.check_signed(race.scheduler.checkpoints())
    assert check_published(race.world, recount) == recount.size
    assert len(moments) > 12
    for moment in (BEFORE_THE_SWAP, "before Sign", "before PutObject published/checkpoint"):
        assert moment in moments


def test_a_race_lost_between_signature_and_swap_leaves_the_winners_bytes(race: Race) -> None:
    """The loser's signed digest is not published."""
    race.grow(3)
    paused = race.publish(publisher())
    paused.until(BEFORE_THE_SWAP)
    race.clock.now += 1
    publisher().publish()
    winner = race.world.published()
    with pytest.raises(LostRaceError):
        paused.finish()
    assert race.world.published() == winner
    assert len(race.scheduler.checkpoints()) == 2
    race.check_publication()


def test_a_smaller_checkpoint_signed_before_a_larger_one_is_never_put(race: Race) -> None:
    """The checkpoint of the run that swaps first is published."""
    race.grow(3)
    paused = race.publish(publisher())
    paused.until(BEFORE_THE_SWAP)
    race.grow(260)
    publisher().publish()
    with pytest.raises(LostRaceError):
        paused.finish()
    assert race.check_publication().size == 264


def test_files_of_a_publisher_paused_after_the_swap_are_put_by_the_next(race: Race) -> None:
    """The next puts the bytes that the zombie stored, then its own, which remain."""
    race.grow(3)
    zombie = publisher()
    asleep = race.publish(zombie)
    asleep.until(AFTER_THE_SWAP)
    race.grow(260)
    race.pass_a_minute()
    publisher().publish()
    newer = race.world.published()
    asleep.finish()
    assert race.world.published() == newer
    assert sum(path.startswith("digests/2") for path in newer) == 2
    race.check_publication()


@pytest.mark.parametrize("path", ["digests/latest", "checkpoint"])
def test_a_zombie_between_read_and_replacement_does_not_put_an_older_file(
    race: Race, path: str
) -> None:
    """If-Match refuses it; it reads the file again and leaves the newer one."""
    race.grow(3)
    zombie = publisher()
    zombie.publish()
    race.grow(3)
    race.pass_a_minute()
    asleep = race.publish(zombie)
    asleep.until(AFTER_THE_SWAP)
    asleep.until(f"before PutObject published/{path}")
    race.grow(3)
    race.pass_a_minute()
    publisher().publish()
    newer = race.world.published()
    asleep.finish()
    assert race.world.published() == newer
    race.check_publication()


def test_zombies_that_continue_in_reverse_order_leave_the_newest_files(race: Race) -> None:
    """Five that were paused after their swap; the first one continues last."""
    zombies = []
    for _ in range(5):
        race.grow(10)
        race.pass_a_minute()
        run = race.publish(publisher())
        run.until(AFTER_THE_SWAP)
        zombies.append(run)
    for run in reversed(zombies):
        run.finish()
        race.check_newest_files()
    race.check_publication()


def test_tiles_of_an_overtaken_run_do_not_freeze_the_ledger(race: Race) -> None:
    """It puts partial tiles after the full ones, with the same hashes."""
    race.grow(3)
    publisher().publish()
    race.grow(100)
    race.pass_a_minute()
    asleep = race.publish(publisher())
    asleep.until("before PutObject published/tile/")
    race.grow(260)
    publisher().publish()
    with pytest.raises(LostRaceError):
        asleep.finish()
    race.check_publication()


def test_a_partial_tile_deleted_before_its_read_is_read_from_the_full_one(
    race: Race,
) -> None:
    """The full tile is put before the partial one is deleted."""
    race.grow(3)
    publisher().publish()
    race.grow(10)
    race.pass_a_minute()
    asleep = race.publish(publisher())
    asleep.until("before GetObject published/tile/0/000.p/4")
    race.grow(260)
    publisher().publish()
    assert "tile/0/000.p/4" not in race.world.published()
    with pytest.raises(LostRaceError):
        asleep.finish()
    race.check_publication()


@pytest.mark.parametrize("heartbeat", [False, True])
def test_two_publishers_at_once_publish_one_digest(race: Race, heartbeat: bool) -> None:
    """Both expect no state, or both have the same size and time."""
    race.grow(3)
    if heartbeat:
        publisher().publish()
        race.clock.now += HEARTBEAT_SECONDS
    both = [race.publish(publisher()) for _ in range(2)]
    for run in both:
        run.until(BEFORE_THE_SWAP)
    assert [finish(run) for run in both] == [True, False]
    race.check_publication()


def test_a_freeze_between_signature_and_swap_stops_the_swap(race: Race) -> None:
    """After the freeze is lifted, the next run publishes."""
    race.grow(3)
    container = publisher()
    container.publish()
    before = race.world.published()
    race.grow(3)
    race.pass_a_minute()
    paused = race.publish(publisher())
    paused.until("after Sign", times=3)
    container.state.freeze("test freeze")
    with pytest.raises(LostRaceError):
        paused.finish()
    with pytest.raises(FrozenError, match="test freeze"):
        publisher().publish()
    published = race.world.published()
    assert {path: published[path] for path in before} == before
    race.lift_freeze()
    publisher().publish()
    race.check_publication()


def test_blocks_appended_during_a_freeze_are_published_after_it(race: Race) -> None:
    """A sequencer that read the state before the freeze may still put a block."""
    race.grow(3)
    container = publisher()
    container.publish()
    paused = race.append(sequencer(), race.message(2))
    paused.until("before PutItem blocks")
    container.state.freeze("test freeze")
    paused.finish()
    refused = race.message()
    with pytest.raises(FrozenError, match="test freeze"):
        appending(sequencer(), refused)()
    race.pass_a_minute()
    with pytest.raises(FrozenError, match="test freeze"):
        container.publish()
    race.lift_freeze()
    appending(sequencer(), refused)()
    container.publish()
    race.check_publication()
