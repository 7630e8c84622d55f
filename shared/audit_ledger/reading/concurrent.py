"""Concurrent reads: waiting for AWS takes the time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

MAX_CONCURRENT_READS = 8  # boto3's clients have ten connections

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_concurrently(read: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Return the results of `read`, in order; raise what it raises."""
    if len(items) < 2:
        return list(map(read, items))
    with ThreadPoolExecutor(MAX_CONCURRENT_READS) as threads:
        running = [threads.submit(copy_context().run, read, each) for each in items]
        return [each.result() for each in running]
