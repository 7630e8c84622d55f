"""Every call of every function × every fault: no event is lost or doubled, every run is repaired.

Each cell of a matrix starts from the same scenario in a fork of its own, injects the fault into the
call, lets the platform redeliver, retry or fire again, and recounts the ledger from the responses
that the portal received. The matrices are printed (`pytest -rP`) and stored in `build/crashes/`.
"""

from collections.abc import Iterable

import pytest

from tests.crashes import outcomes, scenarios
from tests.crashes.faults import Fault
from tests.crashes.matrix import Named, calls_of, every_cell, table, write_matrix
from tests.crashes.pipeline import Pipeline
from tests.crashes.scenarios import Scenario

# The faults whose effects and whose errors differ; the others repeat these. The long form has all.
DISTINCT = (Fault.KILLED_AFTER, Fault.TIMED_OUT, Fault.ANSWER_LOST, Fault.LATE)


@pytest.mark.parametrize(
    ("scenario", "named", "faults", "calls"),
    [
        # With an idempotency key the event is stored once, however often the portal retries.
        (scenarios.new_ledger, outcomes.INGEST, Fault, "kms.Decrypt sqs.SendMessage"),
        # Without one, at least once, and at most as often as the portal sent it.
        (
            scenarios.warm_without_key,
            outcomes.INGEST,
            Fault,
            "dynamodb.BatchGetItem sqs.SendMessage",
        ),
        # Redelivered to the same container, or to a third after another batch; and once more.
        (
            scenarios.two_blocks,
            outcomes.SEQUENCER,
            Fault,
            "kms.Sign dynamodb.PutItem dynamodb.BatchWriteItem",
        ),
        # The crashed one's block is indexed first, its message skipped, a conflict stored once.
        (scenarios.after_a_crash, outcomes.SEQUENCER, Fault, "dynamodb.Query"),
        # Files, digests, announcements, superseded tiles; no signature by KMS disagrees.
        (
            scenarios.across_a_tile,
            outcomes.PUBLISHER,
            Fault,
            "s3.DeleteObject kms.Sign events.PutEvents",
        ),
        (scenarios.first_digest, outcomes.PUBLISHER, DISTINCT, "kms.GetPublicKey"),
        # Byte for byte under one name, however often a dead letter is delivered.
        (scenarios.two_letters, outcomes.DEAD_LETTERS, Fault, "s3.PutObject"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_fault_of_every_call_is_recovered(
    pipeline: Pipeline, scenario: Scenario, named: Named, faults: Iterable[Fault], calls: str
) -> None:
    """`calls`: some that the run makes; a warm request and a dead letter make no others."""
    trial = scenario(pipeline)
    made = calls_of(trial)
    cells = every_cell(trial, made, faults)
    title = (scenario.__doc__ or "").split("\n")[0]
    write_matrix(scenario.__name__, table(title, made, cells, named))
    assert set(calls.split()) <= set(made)
    if scenario in (scenarios.warm_without_key, scenarios.two_letters):
        assert set(calls.split()) == set(made)
