"""Scenarios: the state in which a trial starts. Each prepares a new pipeline for its trial."""

from collections.abc import Callable

from functions.sequencer import append
from tests.crashes.containers import Container
from tests.crashes.faults import Fault
from tests.crashes.pipeline import Pipeline
from tests.crashes.portal import Request
from tests.crashes.runs import (
    DeadLettersTrial,
    IngestTrial,
    PublisherTrial,
    SequencerTrial,
    Trial,
)

Scenario = Callable[[Pipeline], Trial]


def new_ledger(pipeline: Pipeline) -> Trial:
    """The first request of a ledger: a new subject, a new ingest container."""
    return IngestTrial(pipeline, pipeline.request())


def warm_without_key(pipeline: Pipeline) -> Trial:
    """A Bundle without an idempotency key, in a warm ingest, about a patient with a secret."""
    pipeline.append(pipeline.accept(pipeline.request(patient="rosetyler")))
    return IngestTrial(pipeline, pipeline.request(2, key=False, patient="rosetyler"))


def two_blocks(pipeline: Pipeline) -> Trial:
    """Two messages that a warm sequencer splits into two blocks, within the second message."""
    pipeline.append(pipeline.accept(pipeline.request()))
    pipeline.monkeypatch.setattr(append, "MAX_ENTRIES", 4)
    batch = pipeline.accept(pipeline.request(3), pipeline.request(3, key=False))
    return SequencerTrial(pipeline, batch, pipeline.accept(pipeline.request()))


def after_a_crash(pipeline: Pipeline) -> Trial:
    """A new container after one that died between block and index, and a conflict in the batch.

    The batch contains that one's message, a repeat, and other content under a used key.
    """
    first = pipeline.request(1)
    uncommitted = pipeline.accept(first)
    crashed = Container("sequencer")
    pipeline.wire.armed = {5: Fault.KILLED_AFTER}
    with pipeline.wire.under_test():
        crashed({"Records": uncommitted})
    assert pipeline.wire.calls[5:] == ["dynamodb.PutItem"]
    pipeline.wire.forget()
    other = Request(("other-content",), first.key, first.patient)
    batch = [*uncommitted, *pipeline.accept(first, other, pipeline.request())]
    return SequencerTrial(pipeline, batch, pipeline.accept(other, pipeline.request()))


def across_a_tile(pipeline: Pipeline) -> Trial:
    """A warm publisher, and entries that fill a tile, whose partial tiles must be deleted."""
    pipeline.append(pipeline.accept(pipeline.request(250)))
    pipeline.publish()
    pipeline.append(pipeline.accept(pipeline.request(20)))
    return PublisherTrial(pipeline, pipeline.accept(pipeline.request(3)))


def first_digest(pipeline: Pipeline) -> Trial:
    """The first digest of a ledger, by a new container."""
    pipeline.append(pipeline.accept(pipeline.request(2)))
    return PublisherTrial(pipeline, pipeline.accept(pipeline.request()))


def heartbeat(pipeline: Pipeline) -> Trial:
    """An hour without entries, and a new container."""
    pipeline.append(pipeline.accept(pipeline.request(2)))
    pipeline.publish()
    pipeline.publisher = Container("publisher")
    pipeline.clock.now += 3600
    return PublisherTrial(pipeline, pipeline.accept(pipeline.request()))


def two_letters(pipeline: Pipeline) -> Trial:
    """Two dead letters."""
    return DeadLettersTrial(pipeline, pipeline.accept(pipeline.request(), pipeline.request()))


def many_records(pipeline: Pipeline) -> Trial:
    """More records than fit into a block, a BatchGetItem or a BatchWriteItem."""
    pipeline.append(pipeline.accept(pipeline.request()))
    batch = pipeline.accept(pipeline.request(150), pipeline.request(150, key=False))
    return SequencerTrial(pipeline, batch, pipeline.accept(pipeline.request(30)), publishes=True)


def across_three_tiles(pipeline: Pipeline) -> Trial:
    """A new publisher with a backlog of four blocks that fill three tiles of each kind."""
    pipeline.append(pipeline.accept(pipeline.request(150)))
    pipeline.publish()
    for _ in range(4):
        pipeline.append(pipeline.accept(pipeline.request(160)))
    pipeline.publisher = Container("publisher")
    return PublisherTrial(pipeline, pipeline.accept(pipeline.request(260)))


SCENARIOS: tuple[Scenario, ...] = (
    new_ledger,
    warm_without_key,
    two_blocks,
    after_a_crash,
    across_a_tile,
    first_digest,
    heartbeat,
    two_letters,
)
