"""Forks: every try starts from one and the same state of the world, and none sees another.

moto keeps its state in this process, so a fork has a copy of all of it: tables, keys, buckets, and
the containers of our functions. What a fork changes goes when it ends.
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
    """What was raised in a fork, with the traceback there."""


def in_forks(
    jobs: Iterable[Callable[[], Result]], at_once: int = BATCH_SIZE
) -> Iterator[tuple[int, Result]]:
    """Run each job in a fork of this process; gives (number of the job, result) as they end.

    ForkFailedError for the first that raises.
    """
    waiting = enumerate(jobs)
    with selectors.DefaultSelector() as selector:
        running: dict[int, tuple[int, int, bytearray]] = {}  # by pipe: job, process, what it said
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()  # a collection in a fork would copy every page that it looks at
        try:
            while True:
                while len(running) < at_once and (job := next(waiting, None)) is not None:
                    pipe, process = _start(job[1])
                    selector.register(pipe, selectors.EVENT_READ)
                    running[pipe] = (job[0], process, bytearray())
                if not running:
                    return
                for key, _ in selector.select():
                    number, process, said = running[key.fd]
                    piece = os.read(key.fd, 1 << 16)
                    said += piece
                    if piece:
                        continue
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    del running[key.fd]
                    os.waitpid(process, 0)
                    yield number, _result(bytes(said))
        finally:
            gc.unfreeze()
            for pipe, (_, process, _) in running.items():
                os.close(pipe)
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)


def _start(job: Callable[[], Any]) -> tuple[int, int]:
    """Fork; gives the pipe to read from and the process."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _run(job, writing)
    os.close(writing)
    return reading, process


def _run(job: Callable[[], Any], writing: int) -> NoReturn:
    """Say the result and go, whatever happens: pytest goes on in the parent alone."""
    try:
        gc.disable()
        try:
            said = (True, job())
        except BaseException:  # noqa: BLE001  the parent raises it
            said = (False, traceback.format_exc())
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(said, pipe)
        sys.stdout.flush()
    finally:
        os._exit(0)


def _result(said: bytes) -> Any:
    if not said:
        raise ForkFailedError("the fork ended without a word")
    is_result, value = pickle.loads(said)
    if not is_result:
        raise ForkFailedError(value)
    return value
