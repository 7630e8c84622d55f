"""`make soak`: the long forms of the tests, with a written summary in docs/reliability.md.

Each long form raises on the first failure, and returns rows of what was tried and the results. The
table of a part is replaced when the part has passed; `--only` runs single parts.
"""

import argparse
import importlib
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console

from tests.conftest import REPOSITORY
from tests.soak.page import Part, read_parts, write_page

PARTS = ("crashes", "races", "fuzz")
PAGE = REPOSITORY / "docs" / "reliability.md"
LOG = REPOSITORY / "build" / "soak.log"


def main() -> None:
    """Run all parts, or those that `--only` names."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append")
    arguments = parser.parse_args()
    with functions_logged() as terminal:
        soak(arguments.only or PARTS, Console(file=terminal))


def soak(names: Sequence[str], console: Console) -> None:
    """Run parts one after another; write each when it has passed, even if a later one fails."""
    parts = read_parts(PAGE)
    for name in names:
        form: Callable[[Callable[[str], None]], list[tuple[str, str]]]
        form = importlib.import_module(f"tests.{name}.long_form").long_form
        started = time.monotonic()
        with console.status(f"{name}: …") as status:
            rows = form(lambda progress, name=name: status.update(f"{name}: {progress}"))  # type: ignore[misc]
        minutes = (time.monotonic() - started) / 60
        parts[name] = Part(name, f"{_where()}, {minutes:.0f} min", rows)
        console.print(f"{name}: passed, {minutes:.1f} min")
        write_page(PAGE, parts)
    console.print(f"written: {PAGE.relative_to(REPOSITORY)}")


@contextmanager
def functions_logged() -> Iterator[TextIO]:
    """Write the logs of the functions to a file; yield the terminal."""
    LOG.parent.mkdir(exist_ok=True)
    before = [os.dup(1), os.dup(2)]
    with LOG.open("w") as log, os.fdopen(os.dup(2), "w") as terminal:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield terminal
        finally:
            for number, original in enumerate(before, 1):
                os.dup2(original, number)
                os.close(original)


def _where() -> str:
    """Return date, commit and machine of a run."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, check=True, capture_output=True
    )
    day, short = datetime.now(UTC).strftime("%Y-%m-%d"), commit.stdout.decode().strip()
    return f"{day}, commit {short}, CPython {platform.python_version()}, {platform.machine()}"


if __name__ == "__main__":
    main()
