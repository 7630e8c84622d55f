"""Scenes: where a trial starts. Each brings a fresh stage there and gives the trial."""

from collections.abc import Callable

import pytest

from functions.sequencer import append
from tests.crashes.containers import Container
from tests.crashes.faults import Fault
from tests.crashes.pipeline import Stage
from tests.crashes.portal import Request
from tests.crashes.runs import (
    DeadLettersTrial,
    IngestTrial,
    PublisherTrial,
    SequencerTrial,
    Trial,
)

Scene = Callable[[Stage, pytest.MonkeyPatch], Trial]


def new_ledger(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """Ingest's very first request: a first subject, a new container."""
    return IngestTrial(stage, stage.request())


def warm_without_key(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A Bundle without a sender's id, by a warm ingest, for a patient of whom there is a secret."""
    stage.append(stage.accept(stage.request(patient="rosetyler")))
    return IngestTrial(stage, stage.request(2, key=False, patient="rosetyler"))


def two_blocks(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """Two messages that become two blocks, the second message across their edge; warm."""
    stage.append(stage.accept(stage.request()))
    monkeypatch.setattr(append, "MAX_ENTRIES", 4)
    batch = stage.accept(stage.request(3), stage.request(3, key=False))
    return SequencerTrial(stage, batch, stage.accept(stage.request()))


def behind_a_dead_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A new container behind one that died between block and index, and a conflict in the batch.

    The batch holds the dead one's message, a repeat, and other content under a key that is taken.
    """
    first = stage.request(1)
    dead = stage.accept(first)
    died = Container("sequencer")
    stage.wire.armed = {5: Fault.KILLED_AFTER}
    with stage.wire.under_test():
        died({"Records": dead})
    assert stage.wire.calls[5:] == ["dynamodb.PutItem"]
    stage.wire.forget()
    other = Request(("other-content",), first.key, first.patient)
    batch = [*dead, *stage.accept(first, other, stage.request())]
    return SequencerTrial(stage, batch, stage.accept(other, stage.request()))


def across_a_tile(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A warm publisher, and growth that fills a tile: partial ones appear and must go."""
    stage.append(stage.accept(stage.request(250)))
    stage.publish()
    stage.append(stage.accept(stage.request(20)))
    return PublisherTrial(stage, stage.accept(stage.request(3)))


def first_digest(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A new container publishes a ledger for the first time."""
    stage.append(stage.accept(stage.request(2)))
    return PublisherTrial(stage, stage.accept(stage.request()))


def heartbeat(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """An hour without growth, and a new container."""
    stage.append(stage.accept(stage.request(2)))
    stage.publish()
    stage.publisher = Container("publisher")
    stage.clock.now += 3600
    return PublisherTrial(stage, stage.accept(stage.request()))


def two_letters(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """Two messages that became dead letters."""
    return DeadLettersTrial(stage, stage.accept(stage.request(), stage.request()))


def many_records(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """More records than one block, one BatchGetItem or one BatchWriteItem holds."""
    stage.append(stage.accept(stage.request()))
    batch = stage.accept(stage.request(150), stage.request(150, key=False))
    return SequencerTrial(stage, batch, stage.accept(stage.request(30)), publishes=True)


def across_three_tiles(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A new publisher with a backlog of four blocks that fills three tiles of each kind."""
    stage.append(stage.accept(stage.request(150)))
    stage.publish()
    for _ in range(4):
        stage.append(stage.accept(stage.request(160)))
    stage.publisher = Container("publisher")
    return PublisherTrial(stage, stage.accept(stage.request(260)))


EVERY_SCENE: tuple[Scene, ...] = (
    new_ledger,
    warm_without_key,
    two_blocks,
    behind_a_dead_one,
    across_a_tile,
    first_digest,
    heartbeat,
    two_letters,
)
