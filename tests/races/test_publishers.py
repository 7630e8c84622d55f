"""Publishers that meet, each at a moment that has a name: one truth is signed, newer files stay."""

from itertools import count

import pytest

from audit_ledger.aws.events_table import EventsTable
from audit_ledger.errors import FrozenError, LostRaceError
from functions.publisher.publish import HEARTBEAT_SECONDS, PublishResult
from tests.races.cast import Cast, appending, publisher, sequencer
from tests.races.recount import Recount
from tests.races.republished import check_published
from tests.races.stage import Actor

BEFORE_THE_SWAP = "before PutItem ledgers"
AFTER_THE_SWAP = "after PutItem ledgers"


def finish(actor: Actor[PublishResult]) -> bool:
    """Whether a run published; losing is the other thing that it may come to."""
    try:
        actor.finish()
    except LostRaceError:
        return False
    return True


@pytest.mark.parametrize(
    ("is_warm", "growth"),
    [(True, (10, 4, 2)), (False, (10, 200, 46))],
    ids=["warm", "cold, while a tile fills"],
)
def test_one_that_pauses_anywhere_while_another_publishes_does_no_harm(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, is_warm: bool, growth: tuple[int, int, int]
) -> None:
    """Whatever it has read, put or signed by then; partial tiles go meanwhile."""
    monkeypatch.setattr(EventsTable, "write", lambda *_: None)  # publishing does not look at it
    cast.grow(3)
    warm, other = publisher(), publisher()
    warm.publish()
    moments: list[str] = []
    for calls in count():
        # The next run makes the same calls, of a tile's growth each time, and stops one later.
        cast.grow(growth[0])
        cast.pass_a_minute()
        paused = cast.publish(warm if is_warm else publisher())
        paused.pass_calls(calls)
        if paused.at is None:
            break
        moments.append(paused.at)
        cast.grow(growth[1])
        other.publish()
        finish(paused)
        cast.grow(growth[2])
        cast.pass_a_minute()
        warm.publish()
        cast.newest_files_are_the_states()
    recount = Recount(cast.world).follow()
    recount.check_signed(cast.stage.checkpoints())
    assert check_published(cast.world, recount) == recount.size
    assert len(moments) > 12
    for moment in (BEFORE_THE_SWAP, "before Sign", "before PutObject published/checkpoint"):
        assert moment in moments


def test_a_race_lost_between_signature_and_swap_leaves_the_winners_bytes(cast: Cast) -> None:
    """The loser's digest, though signed, is nowhere."""
    cast.grow(3)
    paused = cast.publish(publisher())
    paused.until(BEFORE_THE_SWAP)
    cast.clock.now += 1
    publisher().publish()
    winner = cast.world.published()
    with pytest.raises(LostRaceError):
        paused.finish()
    assert cast.world.published() == winner
    assert len(cast.stage.checkpoints()) == 2
    cast.all_is_published()


def test_a_smaller_checkpoint_signed_before_a_larger_one_is_never_put(cast: Cast) -> None:
    """Both are true; the smaller one is of no use to anybody who saw the larger."""
    cast.grow(3)
    paused = cast.publish(publisher())
    paused.until(BEFORE_THE_SWAP)
    cast.grow(260)
    publisher().publish()
    with pytest.raises(LostRaceError):
        paused.finish()
    assert cast.all_is_published().size == 264


def test_a_zombie_that_swapped_and_slept_finds_its_files_put_by_another(cast: Cast) -> None:
    """The other puts the very bytes that the zombie stored, then its own; those stay."""
    cast.grow(3)
    zombie = publisher()
    asleep = cast.publish(zombie)
    asleep.until(AFTER_THE_SWAP)
    cast.grow(260)
    cast.pass_a_minute()
    publisher().publish()
    newer = cast.world.published()
    asleep.finish()
    assert cast.world.published() == newer
    assert sum(path.startswith("digests/2") for path in newer) == 2
    cast.all_is_published()


@pytest.mark.parametrize("path", ["digests/latest", "checkpoint"])
def test_a_zombie_between_reading_and_replacing_a_file_does_not_put_the_older_one(
    cast: Cast, path: str
) -> None:
    """If-Match refuses it; it looks again and leaves the newer one."""
    cast.grow(3)
    zombie = publisher()
    zombie.publish()
    cast.grow(3)
    cast.pass_a_minute()
    asleep = cast.publish(zombie)
    asleep.until(AFTER_THE_SWAP)
    asleep.until(f"before PutObject published/{path}")
    cast.grow(3)
    cast.pass_a_minute()
    publisher().publish()
    newer = cast.world.published()
    asleep.finish()
    assert cast.world.published() == newer
    cast.all_is_published()


def test_zombies_wake_in_the_reverse_order_and_the_newest_files_stay(cast: Cast) -> None:
    """Five that swapped, each after the other, and slept; the last to wake is the first."""
    asleep = []
    for _ in range(5):
        cast.grow(10)
        cast.pass_a_minute()
        actor = cast.publish(publisher())
        actor.until(AFTER_THE_SWAP)
        asleep.append(actor)
    for actor in reversed(asleep):
        actor.finish()
        cast.newest_files_are_the_states()
    cast.all_is_published()


def test_tiles_of_a_run_that_is_overtaken_do_not_freeze_the_ledger(cast: Cast) -> None:
    """Its partial tiles come after those that took their place, and say the same."""
    cast.grow(3)
    publisher().publish()
    cast.grow(100)
    cast.pass_a_minute()
    asleep = cast.publish(publisher())
    asleep.until("before PutObject published/tile/")
    cast.grow(260)
    publisher().publish()
    with pytest.raises(LostRaceError):
        asleep.finish()
    cast.all_is_published()


def test_a_partial_tile_that_goes_while_it_is_looked_for_is_read_from_the_full_one(
    cast: Cast,
) -> None:
    """The full tile is put before the partial one is deleted."""
    cast.grow(3)
    publisher().publish()
    cast.grow(10)
    cast.pass_a_minute()
    asleep = cast.publish(publisher())
    asleep.until("before GetObject published/tile/0/000.p/4")
    cast.grow(260)
    publisher().publish()
    assert "tile/0/000.p/4" not in cast.world.published()
    with pytest.raises(LostRaceError):
        asleep.finish()
    cast.all_is_published()


def test_two_that_begin_to_publish_a_ledger_publish_one_first_digest(cast: Cast) -> None:
    """Neither finds a state to replace."""
    cast.grow(3)
    both = [cast.publish(publisher()) for _ in range(2)]
    for actor in both:
        actor.until(BEFORE_THE_SWAP)
    assert [finish(actor) for actor in both] == [True, False]
    cast.all_is_published()


def test_two_heartbeats_due_at_once_come_to_one(cast: Cast) -> None:
    """Of the same size and time; either would be true."""
    cast.grow(3)
    publisher().publish()
    cast.clock.now += HEARTBEAT_SECONDS
    both = [cast.publish(publisher()) for _ in range(2)]
    for actor in both:
        actor.until(BEFORE_THE_SWAP)
    assert [finish(actor) for actor in both] == [True, False]
    cast.all_is_published()


def test_a_freeze_between_signature_and_swap_stops_the_swap(cast: Cast) -> None:
    """What was signed is true but is not published over a freeze; lifted, the next run does."""
    cast.grow(3)
    container = publisher()
    container.publish()
    before = cast.world.published()
    cast.grow(3)
    cast.pass_a_minute()
    paused = cast.publish(publisher())
    paused.until("after Sign", times=3)
    container.state.freeze("a test says so")
    with pytest.raises(LostRaceError):
        paused.finish()
    with pytest.raises(FrozenError, match="a test says so"):
        publisher().publish()
    published = cast.world.published()
    assert {path: published[path] for path in before} == before
    cast.lift_freeze()
    publisher().publish()
    cast.all_is_published()


def test_what_is_appended_while_the_ledger_is_frozen_waits_for_the_lifting(cast: Cast) -> None:
    """A sequencer that looked before the freeze may still put; nobody publishes it meanwhile."""
    cast.grow(3)
    container = publisher()
    container.publish()
    paused = cast.append(sequencer(), cast.message(2))
    paused.until("before PutItem blocks")
    container.state.freeze("a test says so")
    paused.finish()
    refused = cast.message()
    with pytest.raises(FrozenError, match="a test says so"):
        appending(sequencer(), refused)()
    cast.pass_a_minute()
    with pytest.raises(FrozenError, match="a test says so"):
        container.publish()
    cast.lift_freeze()
    appending(sequencer(), refused)()
    container.publish()
    cast.all_is_published()
