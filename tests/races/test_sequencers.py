"""Races of sequencers for the same head."""

from hashlib import sha256
from itertools import count
from operator import itemgetter

import pytest

from functions.sequencer import append
from tests.races.race import Race, appending, publisher, sequencer

BEFORE_THE_PUT = "before PutItem blocks"
AFTER_THE_PUT = "after PutItem blocks"


@pytest.mark.parametrize("delivered", ["other events", "the same events", "conflicting events"])
@pytest.mark.parametrize("is_warm", [True, False], ids=["warm", "cold"])
def test_a_sequencer_paused_at_any_call_loses_and_doubles_no_event(
    race: Race, is_warm: bool, delivered: str
) -> None:
    """Another container appends meanwhile: the one that wrote the head, or a new one."""
    other = sequencer()
    appending(other, race.message())()
    moments: list[str] = []
    for calls in count():
        event_id = sha256(b"%d" % calls).hexdigest() if delivered == "conflicting events" else None
        batch = race.message(2, event_id)
        paused = race.append(sequencer(), batch)
        paused.pass_calls(calls)
        if paused.at is None:
            break
        moments.append(paused.at)
        batch = batch if delivered == "the same events" else race.message(2, event_id)
        appending(other if is_warm else sequencer(), batch)()
        paused.finish()
        race.check_ledger()
    calls_made = "GetItem Query BatchWriteItem BatchGetItem GetItem Sign PutItem BatchWriteItem"
    assert [at.split(" ")[1] for at in moments] == calls_made.split(" ")


def test_a_race_lost_at_the_put_is_repeated(race: Race) -> None:
    """The put-if-absent is the fence: the signature is discarded, the events are appended."""
    race.grow(1)
    paused = race.append(sequencer(), race.message(2))
    paused.until(BEFORE_THE_PUT)
    race.grow(1)
    appended = paused.finish()
    assert (appended.entries, appended.lost_races) == (2, 1)
    assert race.check_ledger().size == 1 + 1 + 1 + 2


def test_a_redelivery_that_was_committed_meanwhile_is_skipped(race: Race) -> None:
    """Both deliveries succeed; one of them appends the events."""
    race.grow(1)
    batch = race.message(2)
    paused = race.append(sequencer(), batch)
    paused.until(BEFORE_THE_PUT)
    appending(sequencer(), batch)()
    appended = paused.finish()
    assert (appended.entries, appended.duplicates, appended.lost_races) == (0, 2, 1)
    race.check_ledger()


def test_the_next_writer_indexes_a_block_whose_writer_pauses(race: Race) -> None:
    """Before it appends: otherwise redelivered events would be doubled."""
    batch = race.message(2)
    paused = race.append(sequencer(), batch)
    paused.until(AFTER_THE_PUT)
    appended = appending(sequencer(), batch)()
    assert (appended.entries, appended.duplicates) == (0, 2)
    race.check_ledger()
    race.grow(1)
    paused.finish()
    race.check_ledger()


def test_index_rows_that_are_written_late_change_nothing(race: Race) -> None:
    """The writer pauses within its index rows while two blocks are appended."""
    paused = race.append(sequencer(), race.message(40))
    paused.until("after BatchWriteItem")
    race.grow(30)
    race.grow(1)
    race.check_ledger()
    paused.finish()
    race.check_ledger()


def test_two_first_sequencers_create_the_ledger_once(race: Race) -> None:
    """Only entry 0 states its creation."""
    paused = [race.append(sequencer(), race.message()) for _ in range(2)]
    for run in paused:
        run.until(BEFORE_THE_PUT)
    for run in paused:
        run.finish()
    assert race.check_ledger().size == 3


@pytest.mark.parametrize("writers", range(2, 9))
def test_writers_with_the_same_head_append_one_after_the_other(race: Race, writers: int) -> None:
    """One wins each round; half of them have a message that others have too."""
    race.grow(1)
    shared = race.message(3)
    runs = []
    for number in range(writers):
        batch = [race.message(2), *([shared] if number % 2 else [])]
        runs.append(race.append(sequencer(), *batch))
    for run in runs:
        run.until(BEFORE_THE_PUT)
    while racing := [a for a in runs if not a.is_over]:
        for run in racing:  # to its next put: all but one lose each round
            while (at := run.step()) and at != BEFORE_THE_PUT:
                pass
    assert sorted(run.finish().lost_races for run in runs)[0] == 0
    assert race.check_ledger().size == 2 + 3 + 2 * writers


def test_another_writers_block_may_be_between_two_of_one_batch(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the batch is looked up again: the other may have committed some of it."""
    monkeypatch.setattr(append, "MAX_ENTRIES", 4)
    race.grow(1)
    # Accepted in the same millisecond, they are in the order of their ids.
    batch = sorted((race.message(4), race.message(4)), key=itemgetter("messageId"))
    paused = race.append(sequencer(), *batch)
    paused.until(BEFORE_THE_PUT, times=2)
    appending(sequencer(), batch[1])()
    appended = paused.finish()
    assert (appended.entries, appended.duplicates, appended.lost_races) == (4, 4, 1)
    race.check_ledger()


def test_of_two_contents_of_one_id_the_loser_of_the_race_is_the_conflict(race: Race) -> None:
    """Even if it was checked first."""
    race.grow(1)
    paused = race.append(sequencer(), race.message(1, event_id="cd" * 32))
    paused.until(BEFORE_THE_PUT)
    winner = race.message(1, event_id="cd" * 32)
    assert appending(sequencer(), winner)().conflicts == 0
    assert paused.finish().conflicts == 1
    *_, first, second = race.check_ledger().events
    assert (first.is_conflict, second.is_conflict) == (False, True)


def test_a_zombie_with_a_remembered_head_appends_at_the_new_head(race: Race) -> None:
    """It continues many blocks and a checkpoint later, and part of its batch was redelivered."""
    zombie = sequencer()
    appending(zombie, race.message())()
    batch = race.message(2)
    asleep = race.append(zombie, batch, race.message())
    asleep.until(BEFORE_THE_PUT)
    appending(sequencer(), batch)()
    for _ in range(5):
        race.grow(30)
    publisher().publish()
    appended = asleep.finish()
    assert (appended.entries, appended.duplicates) == (1, 2)
    race.pass_a_minute()
    publisher().publish()
    race.check_publication()


def test_a_head_that_others_published_past_is_no_lost_table(
    race: Race,
) -> None:
    """Whether others append and publish before the head is read, or after."""
    for moment in ("after GetItem ledgers", "before BatchGetItem"):
        race.grow(1)
        warm = sequencer()
        appending(warm, race.message())()
        for container in (sequencer(), warm):
            paused = race.append(container, race.message())
            paused.until(moment)
            race.grow(5)
            publisher().publish()
            assert paused.finish().entries == 1
            race.check_ledger()


def test_redelivered_and_reordered_batches_store_each_event_once(race: Race) -> None:
    """In containers that take turns at every call."""
    messages = [race.message(3) for _ in range(6)]
    race.grow(1)
    first = race.append(sequencer(), *messages[:4])
    second = race.append(sequencer(), *reversed(messages[2:]))
    while not (first.is_over and second.is_over):
        first.step()
        second.step()
    total = [run.finish() for run in (first, second)]
    assert sum(a.entries for a in total) == 18
    assert sum(a.duplicates for a in total) == 6
    race.check_ledger()
