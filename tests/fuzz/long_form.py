"""The long form of the fuzz tests, which takes too long for every run of the tests.

`long_form(print)` raises on the first violation and returns rows for the report.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from random import Random

from tests.conftest import REPOSITORY
from tests.fuzz.mutations import mutated
from tests.fuzz.parsers import PARSERS, Parser

EXAMPLES = 20_000
RUNS = 50_000
SLOWEST_SECONDS = 5.0

Progress = Callable[[str], None]
Row = tuple[str, str]


class HostileInputError(AssertionError):
    """A parser broke its contract; the message has its name and the input."""


def long_form(
    progress: Progress, examples: int = EXAMPLES, runs: int = RUNS, cases: int | None = None
) -> list[Row]:
    """Try every parser with mutated examples and under atheris, and the API with schemathesis.

    `examples` and `runs` are per parser, `cases` per operation of the API.
    """
    from tests.fuzz.api_cases import LONG_CASES, long_form_of_api

    rows = [mutated_examples(progress, examples)]
    rows.append(coverage_guided(progress, runs))
    rows += long_form_of_api(progress, LONG_CASES if cases is None else cases)
    return rows


def mutated_examples(progress: Progress, examples: int) -> Row:
    """Feed mutated examples to every parser, new ones in every run; report the seed."""
    seed = int.from_bytes(os.urandom(4), "big")
    accepted, slowest = 0, ("", 0.0)
    for name, parser in PARSERS.items():
        progress(f"{name}: {examples} mutated examples, seed {seed}")
        random = Random(f"{seed} {name}")
        for _ in range(examples):
            is_accepted, seconds = _check(name, parser, mutated(random, parser.seeds))
            accepted += is_accepted
            slowest = max(slowest, (name, seconds), key=lambda timed: timed[1])
    return (
        f"{len(PARSERS)} parsers, {examples:,} mutated examples each",
        f"only documented errors; {accepted:,} accepted, each printed back; slowest "
        f"{slowest[1] * 1000:.0f} ms ({slowest[0]}); seed {seed}",
    )


def _check(name: str, parser: Parser, data: bytes) -> tuple[bool, float]:
    began = time.process_time()
    try:
        is_accepted = parser.check(data)
    except Exception as error:
        raise HostileInputError(f"{name}: {type(error).__name__}: {error}: {data!r}") from error
    seconds = time.process_time() - began
    if seconds > SLOWEST_SECONDS:
        raise HostileInputError(f"{name}: {seconds:.1f} s for {data[:500]!r}")
    return is_accepted, seconds


def coverage_guided(progress: Progress, runs: int, names: Iterable[str] = PARSERS) -> Row:
    """Run atheris on parsers, each in a separate process."""
    names = tuple(names)
    what = f"{len(names)} parsers under atheris, {runs:,} runs each"
    if importlib.util.find_spec("atheris") is None:
        return what, "not run: atheris has no wheels for this platform"
    for name in names:
        progress(f"{name}: {runs} runs of atheris")
        with tempfile.TemporaryDirectory(prefix="audit-ledger-fuzz-") as folder:
            ran = subprocess.run(
                [sys.executable, "-m", "tests.fuzz.coverage_guided", name, str(runs), folder],
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'shared'}"},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        if ran.returncode != 0:
            raise HostileInputError(f"{name}: {ran.stdout[-2000:]}{ran.stderr[-4000:]}")
    return what, "only documented errors, no input over 10 s or 2 GB"
