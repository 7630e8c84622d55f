"""Two faults: both in one run, or one in the run and one in its recovery."""

import random

import pytest

from tests.crashes import scenarios
from tests.crashes.faults import EVERY_SEND, Fault
from tests.crashes.matrix import calls_of, run_in_forks
from tests.crashes.pipeline import Pipeline
from tests.crashes.runs import Recovery
from tests.crashes.scenarios import Scenario

SEED = 1_795_400_000
PAIRS = 15
ANYWHERE = sorted(EVERY_SEND, key=list(Fault).index)


@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.new_ledger,
        scenarios.warm_without_key,
        scenarios.two_blocks,
        scenarios.after_a_crash,
        scenarios.across_a_tile,
        scenarios.two_letters,
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_two_faults_lose_and_double_no_event(pipeline: Pipeline, scenario: Scenario) -> None:
    """A sample by a fixed seed; the long form tries all pairs."""
    trial = scenario(pipeline)
    calls = len(calls_of(trial))
    chosen = random.Random(f"{SEED} {scenario.__name__}")
    tries: list[tuple[dict[int, Fault], Recovery]] = []
    for _ in range(PAIRS):
        first = chosen.randrange(calls)
        second = first + 1 + chosen.randrange(max(2, calls // 2))
        pair = {first: chosen.choice(ANYWHERE), second: chosen.choice(ANYWHERE)}
        tries.append((pair, chosen.choice(list(Recovery))))
    tried = run_in_forks(trial, tries)
    assert sum(len(one.occurred) == 2 for one in tried) > PAIRS // 4
