"""Every call of every function × every fault: nothing lost, nothing doubled, all repaired.

Each cell of a matrix starts from the same scene in a fork of its own, lets the fault befall the
call, lets the platform redeliver, retry or fire again, and recounts the ledger from what the portal
was answered. The matrices are printed (`pytest -rP`) and kept in `build/crashes/`.
"""

from collections.abc import Iterable

import pytest

from tests.crashes import outcomes, scenarios
from tests.crashes.faults import Fault
from tests.crashes.matrix import Named, calls_of, every_cell, table, written
from tests.crashes.pipeline import Stage
from tests.crashes.recount import PublishedCheck, check_chain
from tests.crashes.scenarios import Scene

__all__ = ["PublishedCheck", "check_chain"]  # the races recount with them too

# What differs in what AWS has done and what our code learns of it; the other faults repeat these.
STARK = (Fault.KILLED_AFTER, Fault.TIMED_OUT, Fault.ANSWER_LOST, Fault.LATE)


def try_every_cell(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    scene: Scene,
    named: Named,
    faults: Iterable[Fault] = Fault,
) -> set[str]:
    """Fill the matrix of a scene; gives the calls that it has."""
    trial = scene(stage, monkeypatch)
    calls = calls_of(trial)
    cells = every_cell(trial, calls, faults)
    title = (scene.__doc__ or "").split("\n")[0]
    written(scene.__name__, table(title, calls, cells, named))
    return set(calls)


def test_whatever_befalls_the_first_request_of_a_ledger_its_event_is_kept_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first subject: with a sender's id, once, however often the portal tries."""
    calls = try_every_cell(stage, monkeypatch, scenarios.new_ledger, outcomes.INGEST)
    assert {"kms.Decrypt", "sqs.SendMessage"} <= calls


def test_whatever_befalls_a_request_without_a_senders_id_its_events_are_kept(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once, and no more often than the portal sent them."""
    calls = try_every_cell(stage, monkeypatch, scenarios.warm_without_key, outcomes.INGEST)
    assert calls == {"dynamodb.BatchGetItem", "sqs.SendMessage"}


def test_whatever_befalls_a_batch_of_two_blocks_nothing_of_it_is_lost_or_doubled(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redelivered to the same container, or to a third behind another batch; and once too often."""
    calls = try_every_cell(stage, monkeypatch, scenarios.two_blocks, outcomes.SEQUENCER)
    assert calls >= {"kms.Sign", "dynamodb.PutItem", "dynamodb.BatchWriteItem"}


def test_crash_during_recovery_is_recovered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its block is indexed first, its message left out, a conflict kept once."""
    calls = try_every_cell(stage, monkeypatch, scenarios.behind_a_dead_one, outcomes.SEQUENCER)
    assert "dynamodb.Query" in calls


def test_whatever_befalls_a_publisher_whose_tiles_fill_the_next_run_repairs_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files, digests, announcements and tidiness; and no signature that KMS made disagrees."""
    calls = try_every_cell(stage, monkeypatch, scenarios.across_a_tile, outcomes.PUBLISHER)
    assert calls >= {"s3.DeleteObject", "kms.Sign", "events.PutEvents"}


def test_whatever_befalls_the_first_digest_of_a_ledger_the_next_run_repairs_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a new container; of the faults that differ in their effect. All are in the long form."""
    trying = (scenarios.first_digest, outcomes.PUBLISHER, STARK)
    assert "kms.GetPublicKey" in try_every_cell(stage, monkeypatch, *trying)


def test_whatever_befalls_the_copying_of_dead_letters_each_is_copied_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte, under one name, however often it is delivered."""
    calls = try_every_cell(stage, monkeypatch, scenarios.two_letters, outcomes.DEAD_LETTERS)
    assert calls == {"s3.PutObject"}
