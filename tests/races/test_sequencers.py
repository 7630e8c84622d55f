"""Sequencers that meet at the same head, each at a moment that has a name."""

from hashlib import sha256
from itertools import count
from operator import itemgetter

import pytest

from functions.sequencer import append
from tests.races.cast import Cast, appending, publisher, sequencer

BEFORE_THE_PUT = "before PutItem blocks"
AFTER_THE_PUT = "after PutItem blocks"


@pytest.mark.parametrize("delivered", ["other events", "the same events", "conflicting events"])
@pytest.mark.parametrize("is_warm", [True, False], ids=["warm", "cold"])
def test_one_that_pauses_anywhere_while_another_appends_loses_and_doubles_nothing(
    cast: Cast, is_warm: bool, delivered: str
) -> None:
    """The other is a container that wrote the head, or a new one, whatever batch it gets."""
    other = sequencer()
    appending(other, cast.message())()
    moments: list[str] = []
    for calls in count():
        event_id = sha256(b"%d" % calls).hexdigest() if delivered == "conflicting events" else None
        batch = cast.message(2, event_id)
        paused = cast.append(sequencer(), batch)
        paused.pass_calls(calls)
        if paused.at is None:
            break
        moments.append(paused.at)
        batch = batch if delivered == "the same events" else cast.message(2, event_id)
        appending(other if is_warm else sequencer(), batch)()
        paused.finish()
        cast.all_is_whole()
    calls_made = "GetItem Query BatchWriteItem BatchGetItem GetItem Sign PutItem BatchWriteItem"
    assert [at.split(" ")[1] for at in moments] == calls_made.split(" ")


def test_a_race_lost_between_the_look_at_the_next_key_and_the_put_is_run_again(cast: Cast) -> None:
    """The put-if-absent is the fence: the signature was for nothing, the events are not."""
    cast.grow(1)
    paused = cast.append(sequencer(), cast.message(2))
    paused.until(BEFORE_THE_PUT)
    cast.grow(1)
    appended = paused.finish()
    assert (appended.entries, appended.lost_races) == (2, 1)
    assert cast.all_is_whole().size == 1 + 1 + 1 + 2


def test_a_redelivery_that_was_committed_meanwhile_is_left_out(cast: Cast) -> None:
    """Both deliveries of a message are answered as done, one of them wrote it."""
    cast.grow(1)
    batch = cast.message(2)
    paused = cast.append(sequencer(), batch)
    paused.until(BEFORE_THE_PUT)
    appending(sequencer(), batch)()
    appended = paused.finish()
    assert (appended.entries, appended.duplicates, appended.lost_races) == (0, 2, 1)
    cast.all_is_whole()


def test_a_block_whose_writer_pauses_before_its_index_is_indexed_by_the_next(cast: Cast) -> None:
    """Who builds on a block has its rows written first, or redelivered events would double."""
    batch = cast.message(2)
    paused = cast.append(sequencer(), batch)
    paused.until(AFTER_THE_PUT)
    appended = appending(sequencer(), batch)()
    assert (appended.entries, appended.duplicates) == (0, 2)
    cast.all_is_whole()
    cast.grow(1)
    paused.finish()
    cast.all_is_whole()


def test_rows_that_come_late_change_nothing(cast: Cast) -> None:
    """A writer that stops amid its index while two blocks are put behind its own."""
    paused = cast.append(sequencer(), cast.message(40))
    paused.until("after BatchWriteItem")
    cast.grow(30)
    cast.grow(1)
    cast.all_is_whole()
    paused.finish()
    cast.all_is_whole()


def test_two_that_begin_a_ledger_begin_it_once(cast: Cast) -> None:
    """Entry 0 says that it was created, and only entry 0."""
    paused = [cast.append(sequencer(), cast.message()) for _ in range(2)]
    for actor in paused:
        actor.until(BEFORE_THE_PUT)
    for actor in paused:
        actor.finish()
    assert cast.all_is_whole().size == 3


@pytest.mark.parametrize("writers", range(2, 9))
def test_all_that_reach_the_same_key_put_one_block_after_the_other(
    cast: Cast, writers: int
) -> None:
    """In each round one wins; half of them were handed a message that another had as well."""
    cast.grow(1)
    shared = cast.message(3)
    actors = []
    for number in range(writers):
        batch = [cast.message(2), *([shared] if number % 2 else [])]
        actors.append(cast.append(sequencer(), *batch))
    for actor in actors:
        actor.until(BEFORE_THE_PUT)
    while racing := [a for a in actors if not a.is_over]:
        for actor in racing:  # each goes on to its next put, so all but one lose each round
            while (at := actor.step()) and at != BEFORE_THE_PUT:
                pass
    assert sorted(actor.finish().lost_races for actor in actors)[0] == 0
    assert cast.all_is_whole().size == 2 + 3 + 2 * writers


def test_a_block_of_another_may_stand_between_two_of_one_batch(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of the batch is looked up again: the other may have had some of it."""
    monkeypatch.setattr(append, "MAX_ENTRIES", 4)
    cast.grow(1)
    # Accepted in the same millisecond, they are in the order of their ids.
    batch = sorted((cast.message(4), cast.message(4)), key=itemgetter("messageId"))
    paused = cast.append(sequencer(), *batch)
    paused.until(BEFORE_THE_PUT, times=2)
    appending(sequencer(), batch[1])()
    appended = paused.finish()
    assert (appended.entries, appended.duplicates, appended.lost_races) == (4, 4, 1)
    cast.all_is_whole()


def test_two_contents_of_one_id_race_and_the_loser_is_the_conflict(cast: Cast) -> None:
    """Whoever puts first has the event, wherever the verdicts were made."""
    cast.grow(1)
    paused = cast.append(sequencer(), cast.message(1, event_id="cd" * 32))
    paused.until(BEFORE_THE_PUT)
    winner = cast.message(1, event_id="cd" * 32)
    assert appending(sequencer(), winner)().conflicts == 0
    assert paused.finish().conflicts == 1
    *_, first, second = cast.all_is_whole().events
    assert (first.kept_as_conflict, second.kept_as_conflict) == (False, True)


def test_a_zombie_with_a_remembered_head_appends_behind_everybody(cast: Cast) -> None:
    """It wakes before its put, many blocks and a checkpoint later, and its batch came again."""
    zombie = sequencer()
    appending(zombie, cast.message())()
    batch = cast.message(2)
    asleep = cast.append(zombie, batch, cast.message())
    asleep.until(BEFORE_THE_PUT)
    appending(sequencer(), batch)()
    for _ in range(5):
        cast.grow(30)
    publisher().publish()
    appended = asleep.finish()
    assert (appended.entries, appended.duplicates) == (1, 2)
    cast.pass_a_minute()
    publisher().publish()
    cast.all_is_published()


def test_a_head_that_was_published_past_meanwhile_does_not_look_like_a_lost_table(
    cast: Cast,
) -> None:
    """Whether others append and publish before its head was read, or after: no freeze."""
    for moment in ("after GetItem ledgers", "before BatchGetItem"):
        cast.grow(1)
        warm = sequencer()
        appending(warm, cast.message())()
        for container in (sequencer(), warm):
            paused = cast.append(container, cast.message())
            paused.until(moment)
            cast.grow(5)
            publisher().publish()
            assert paused.finish().entries == 1
            cast.all_is_whole()


def test_batches_in_any_order_come_to_the_same_events(cast: Cast) -> None:
    """Redelivered and reordered, to containers that take turns at every single call."""
    messages = [cast.message(3) for _ in range(6)]
    cast.grow(1)
    first = cast.append(sequencer(), *messages[:4])
    second = cast.append(sequencer(), *reversed(messages[2:]))
    while not (first.is_over and second.is_over):
        first.step()
        second.step()
    total = [actor.finish() for actor in (first, second)]
    assert sum(a.entries for a in total) == 18
    assert sum(a.duplicates for a in total) == 6
    cast.all_is_whole()
