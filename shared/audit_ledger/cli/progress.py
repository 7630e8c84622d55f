"""A bar on standard error, where a person looks at it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from audit_ledger.client.upload import UploadProgress

Show = Callable[[int, int], None]
"""Takes how many entries are done, and of how many; 0 where nobody knows."""


@contextmanager
def progress(doing: str) -> Iterator[Show | None]:
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
def sending(total_bytes: int | None) -> Iterator[UploadProgress]:
    """Return a bar for input of so many bytes (None: unknown), or one that shows nothing."""
    if not sys.stderr.isatty():
        yield UploadProgress()
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn  # noqa: PLC0415

    said = TextColumn("{task.fields[said]}")
    columns = ("sending", BarColumn(), TaskProgressColumn(), said)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress_bar:
        task = progress_bar.add_task("sending", total=total_bytes, said="")

        class Bar(UploadProgress):
            before = end = 0

            def begin_file(self) -> None:
                self.before += self.end
                self.end = 0

            def read_up_to(self, end: int) -> None:
                self.end = end
                progress_bar.update(task, completed=self.before + end)

            def answered(self, accepted: int, refused: int) -> None:
                bad = f", {refused:,} refused" if refused else ""
                progress_bar.update(task, said=f"{accepted:,} accepted{bad}")

            def pausing(self, seconds: float, reason: str) -> None:
                progress_bar.update(task, said=f"{reason}; again in {seconds:.0f} s")

        yield Bar()


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on standard error, where a person looks, what is waited for."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status(what):
        yield
