"""Two faults in a row: in one run, or one in the run and one in what was to repair it."""

import random

import pytest

from tests.crashes import scenarios
from tests.crashes.faults import EVERY_SEND, Fault
from tests.crashes.matrix import calls_of, tried_in_forks
from tests.crashes.pipeline import Stage
from tests.crashes.runs import Recovery
from tests.crashes.scenarios import Scene

SEED = 1_795_400_000
PAIRS = 15
ANYWHERE = sorted(EVERY_SEND, key=list(Fault).index)


@pytest.mark.parametrize(
    "scene",
    [
        scenarios.new_ledger,
        scenarios.warm_without_key,
        scenarios.two_blocks,
        scenarios.behind_a_dead_one,
        scenarios.across_a_tile,
        scenarios.two_letters,
    ],
    ids=lambda scene: scene.__name__,
)
def test_two_faults_lose_and_double_no_more_than_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, scene: Scene
) -> None:
    """A sample by a fixed seed; `long_form` tries all pairs."""
    trial = scene(stage, monkeypatch)
    calls = len(calls_of(trial))
    chosen = random.Random(f"{SEED} {scene.__name__}")
    tries: list[tuple[dict[int, Fault], Recovery]] = []
    for _ in range(PAIRS):
        first = chosen.randrange(calls)
        second = first + 1 + chosen.randrange(max(2, calls // 2))
        pair = {first: chosen.choice(ANYWHERE), second: chosen.choice(ANYWHERE)}
        tries.append((pair, chosen.choice(list(Recovery))))
    tried = tried_in_forks(trial, tries)
    assert sum(len(one.came_up) == 2 for one in tried) > PAIRS // 4
