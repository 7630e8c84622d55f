"""A bar on standard error, where a person looks at it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[int, int], None]
"""Takes how many entries are done, and of how many; 0 where nobody knows."""


@contextmanager
def progress_bar(doing: str) -> Iterator[Show | None]:
    """Return what moves the bar, None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = (doing, BarColumn(), MofNCompleteColumn(), "entries", TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=None)

        def show(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of or None)

        yield show


@contextmanager
def show_waiting(what: str) -> Iterator[None]:
    """Say on standard error, where a person looks, what is waited for."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status(what):
        yield
