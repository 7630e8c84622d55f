"""Forks: every trial starts from the same state, and none sees another.

moto has its state in this process, so a fork has a copy of all of it: tables, keys, buckets, and
the containers of the functions. The changes of a fork end with it.
"""

import gc
import os
import pickle
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar

Result = TypeVar("Result")

BATCH_SIZE = min(4, os.cpu_count() or 1)


class ForkFailedError(AssertionError):
    """An error in a fork, with its traceback."""


def in_forks(
    jobs: Iterable[Callable[[], Result]], at_once: int = BATCH_SIZE
) -> Iterator[tuple[int, Result]]:
    """Run each job in a fork of this process; yield (number of the job, result) as they end.

    Raise ForkFailedError for the first job that raises.
    """
    waiting = enumerate(jobs)
    with selectors.DefaultSelector() as selector:
        running: dict[int, tuple[int, int, bytearray]] = {}  # by pipe: job, process, output
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()  # a collection in a fork would copy every page that it visits
        try:
            while True:
                while len(running) < at_once and (job := next(waiting, None)) is not None:
                    pipe, process = _start(job[1])
                    selector.register(pipe, selectors.EVENT_READ)
                    running[pipe] = (job[0], process, bytearray())
                if not running:
                    return
                for key, _ in selector.select():
                    number, process, output = running[key.fd]
                    piece = os.read(key.fd, 1 << 16)
                    output += piece
                    if piece:
                        continue
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    del running[key.fd]
                    os.waitpid(process, 0)
                    yield number, _result(bytes(output))
        finally:
            gc.unfreeze()
            for pipe, (_, process, _) in running.items():
                os.close(pipe)
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)


def _start(job: Callable[[], Any]) -> tuple[int, int]:
    """Fork; return the pipe to read from and the process."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _run(job, writing)
    os.close(writing)
    return reading, process


def _run(job: Callable[[], Any], writing: int) -> NoReturn:
    """Write the result and exit, whatever happens: pytest continues in the parent alone."""
    try:
        gc.disable()
        try:
            result = (True, job())
        except BaseException:  # noqa: BLE001  the parent raises it
            result = (False, traceback.format_exc())
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(result, pipe)
        sys.stdout.flush()
    finally:
        os._exit(0)


def _result(output: bytes) -> Any:
    if not output:
        raise ForkFailedError("the fork ended without a result")
    is_result, value = pickle.loads(output)
    if not is_result:
        raise ForkFailedError(value)
    return value
