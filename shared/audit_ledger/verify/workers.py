"""Worker processes, and their stand-in for work too small to be worth starting them."""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_MAX_WORKERS = 16


def available_workers() -> int:
    """Give how many processes this one may keep busy."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        count = os.cpu_count() or 1
    return min(count, _MAX_WORKERS)


class Workers(ProcessPoolExecutor):
    """Processes that start from scratch: forking one that runs threads (a progress bar's, an SDK's)
    can copy a lock that nobody will ever open."""

    def __init__(self, count: int) -> None:
        super().__init__(count, mp_context=get_context("spawn"))
        self.ahead = 3 * count


class InProcess(Executor):
    """Does the work at once and here."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it. What it raises is raised where the result is asked for, as with processes."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
