"""The long form: every cell with both recoveries, pairs of faults, larger workloads.

`make soak` runs it. It asserts what the short form asserts, of more cases.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.crashes import scenarios
from tests.crashes.faults import EVERY_SEND, Fault, faults_of
from tests.crashes.forks import in_forks
from tests.crashes.matrix import calls_of
from tests.crashes.pipeline import make_pipeline
from tests.crashes.runs import Recovery, TrialResult
from tests.crashes.scenarios import Scenario
from tests.world import made_world

Progress = Callable[[str], None]
Try = tuple[dict[int, Fault], Recovery]

# Scenarios of few calls take pairs of all faults; the others pairs of those whose effects differ
# most: nothing done, done and unknown, done twice. Of very many, a sample by a fixed seed.
FEW_CALLS = (
    scenarios.warm_without_key,
    scenarios.two_blocks,
    scenarios.after_a_crash,
    scenarios.two_letters,
)
MANY_CALLS = (
    scenarios.new_ledger,
    scenarios.across_a_tile,
    scenarios.first_digest,
    scenarios.heartbeat,
)
LARGE = (scenarios.many_records, scenarios.across_three_tiles)
STARKEST = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.ANSWER_LOST)
MAX_PAIRS = 1500  # of a scenario
PROGRESS_EVERY = 500


def long_form(progress: Progress) -> list[tuple[str, str]]:
    """Try everything; raise on the first violation. Return rows: what was tried, how often."""
    rows: list[tuple[str, str]] = []
    for scenario in (*scenarios.SCENARIOS, *LARGE):
        pairs: tuple[Fault, ...] = ()
        if scenario in FEW_CALLS:
            pairs = tuple(sorted(EVERY_SEND, key=list(Fault).index))
        elif scenario in MANY_CALLS:
            pairs = STARKEST
        rows += _tried(scenario, pairs, progress)
    return rows


def _tried(
    scenario: Scenario, of_pairs: tuple[Fault, ...], progress: Progress
) -> Iterator[tuple[str, str]]:
    """Try a scenario; yield its rows."""
    name = scenario.__name__.replace("_", " ")
    with pytest.MonkeyPatch.context() as monkeypatch, made_world(monkeypatch) as world:
        trial = scenario(make_pipeline(world, monkeypatch))
        calls = calls_of(trial)
        singles: list[Try] = [
            ({at: fault}, recovery)
            for at, call in enumerate(calls)
            for fault in Fault
            if fault in faults_of(call)
            for recovery in Recovery
        ]
        pairs: list[Try] = []
        for number, tried in in_forks(partial(trial, *one) for one in singles):
            faults, recovery = singles[number]
            ((at, fault),) = faults.items()
            assert tried.occurred == {at}
            if fault in of_pairs:
                pairs += _pairs(at, fault, recovery, tried, of_pairs)
            _say(progress, name, number, len(singles), "single faults")
        yield (
            f"{name}: each of {len(calls)} calls × every fault × {len(Recovery)} recoveries",
            f"{len(singles):,} tried, none lost, doubled or forked",
        )
        if not pairs:
            return
        every_pair = len(pairs)
        if every_pair > MAX_PAIRS:
            pairs = random.Random(name).sample(pairs, MAX_PAIRS)
        both = 0
        for number, (_, tried) in enumerate(in_forks(partial(trial, *one) for one in pairs)):
            both += len(tried.occurred) == 2
            _say(progress, name, number, len(pairs), "pairs of faults")
        yield (
            f"{name}: {every_pair:,} pairs of {len(of_pairs)} faults, in run or recovery",
            f"{len(pairs):,} tried ({both:,} met both), none lost, doubled or forked",
        )


def _pairs(
    at: int, fault: Fault, recovery: Recovery, tried: TrialResult, of_pairs: tuple[Fault, ...]
) -> Iterator[Try]:
    """Yield each second fault at each call that run and recovery made after the first."""
    for second in range(at + 1, len(tried.calls)):
        for other in of_pairs:
            if other in faults_of(tried.calls[second]):
                yield {at: fault, second: other}, recovery


def _say(progress: Progress, name: str, number: int, total: int, what: str) -> None:
    if (number + 1) % PROGRESS_EVERY == 0 or number + 1 == total:
        progress(f"crashes: {name}: {number + 1:,} of {total:,} {what}")
