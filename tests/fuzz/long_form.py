"""The long form of the hostile input: what takes too long for every run of the tests.

`long_form(print)` raises on the first violation and gives rows for the report.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from random import Random

from tests.conftest import REPOSITORY
from tests.fuzz.mutations import spoilt
from tests.fuzz.parsers import PARSERS, Parser

EXAMPLES = 20_000
RUNS = 50_000
SLOWEST_SECONDS = 5.0

Progress = Callable[[str], None]
Row = tuple[str, str]


class HostileInputError(AssertionError):
    """A parser did what none may; the message says which, and with what."""


def long_form(
    progress: Progress, examples: int = EXAMPLES, runs: int = RUNS, cases: int | None = None
) -> list[Row]:
    """Try every parser with spoilt examples and under atheris, and the API with schemathesis.

    `examples` and `runs` are of each parser, `cases` of each operation of the API.
    """
    from tests.fuzz.api_cases import LONG_CASES, long_form_of_api

    rows = [spoilt_examples(progress, examples)]
    rows.append(coverage_guided(progress, runs))
    rows += long_form_of_api(progress, LONG_CASES if cases is None else cases)
    return rows


def spoilt_examples(progress: Progress, examples: int) -> Row:
    """Feed spoilt examples to every parser, new ones in every run; the seed is said."""
    seed = int.from_bytes(os.urandom(4), "big")
    accepted, slowest = 0, ("", 0.0)
    for name, parser in PARSERS.items():
        progress(f"{name}: {examples} spoilt examples, seed {seed}")
        random = Random(f"{seed} {name}")
        for _ in range(examples):
            taken, seconds = _check(name, parser, spoilt(random, parser.seeds))
            accepted += taken
            slowest = max(slowest, (name, seconds), key=lambda of: of[1])
    return (
        f"{len(PARSERS)} parsers, {examples:,} spoilt examples each",
        f"only documented errors; {accepted:,} accepted, each printed back; slowest "
        f"{slowest[1] * 1000:.0f} ms ({slowest[0]}); seed {seed}",
    )


def _check(name: str, parser: Parser, data: bytes) -> tuple[bool, float]:
    began = time.process_time()
    try:
        taken = parser.check(data)
    except Exception as error:
        raise HostileInputError(f"{name}: {type(error).__name__}: {error}: {data!r}") from error
    seconds = time.process_time() - began
    if seconds > SLOWEST_SECONDS:
        raise HostileInputError(f"{name}: {seconds:.1f} s for {data[:500]!r}")
    return taken, seconds


def coverage_guided(progress: Progress, runs: int) -> Row:
    """Run atheris on every parser, each in a process of its own."""
    what = f"{len(PARSERS)} parsers under atheris, {runs:,} runs each"
    if importlib.util.find_spec("atheris") is None:
        return what, "not run: atheris has no wheels for this platform"
    for name in PARSERS:
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
