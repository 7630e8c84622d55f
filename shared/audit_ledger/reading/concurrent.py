"""Reading several things at once, where waiting for AWS is what takes the time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

MAX_CONCURRENT_READS = 8  # boto3's clients hold ten connections

_Wanted = TypeVar("_Wanted")
_Result = TypeVar("_Result")


def map_concurrently(
    read: Callable[[_Wanted], _Result], wanted: Sequence[_Wanted]
) -> list[_Result]:
    """Return what `read` gives for each, in order, raising what it raises."""
    if len(wanted) < 2:
        return list(map(read, wanted))
    with ThreadPoolExecutor(MAX_CONCURRENT_READS) as threads:
        running = [threads.submit(copy_context().run, read, each) for each in wanted]
        return [each.result() for each in running]
