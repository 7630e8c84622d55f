"""Worker processes, and their stand-in for work too small to be worth starting them."""

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from threading import active_count
from typing import ParamSpec, TypeVar

from audit_ledger.verify.sources import Source

P = ParamSpec("P")
T = TypeVar("T")

_MAX_WORKERS = 16


def available_workers() -> int:
    """Return how many processes this one may keep busy."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        count = os.cpu_count() or 1
    return min(count, _MAX_WORKERS)


class Workers(ProcessPoolExecutor):
    """A pool of processes that reads from a source.

    Forked where that is safe, for it takes no time: on Linux, before this process has threads
    (whose locks would be copied as they are) or connections (which would be shared). Otherwise each
    process starts a new interpreter.
    """

    def __init__(self, count: int, source: Source) -> None:
        is_safe = sys.platform == "linux" and active_count() == 1 and not source.is_remote
        context = get_context("fork" if is_safe else "spawn")
        super().__init__(count, mp_context=context, initializer=_leave_interrupts_to_the_parent)
        self.ahead = 3 * count


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class InProcess(Executor):
    """Runs each task at once in this process."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a task. Unlike a process pool, raise its error here."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
