"""Entries and tiles of a log, verified in one pass on as many processes as there is work for.

Workers read, hash and check a range of bundles at a time (`bundle_range.py`). This module combines
their results in order into the levels above (`tree.py`).
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future

from audit_ledger.tlog.tiles import TILE_WIDTH
from audit_ledger.verify.bundle_range import RangeResult, RangeTask, check_range
from audit_ledger.verify.sources import Source
from audit_ledger.verify.tree import Tree, TreeResult
from audit_ledger.verify.workers import Workers

BUNDLES_IN_RANGE = 64
_GIVE_UP_AFTER = 8  # ranges in a row (131,072 entries) of which nothing can be read

Progress = Callable[[int, int], None]
"""Receives the number of entries verified so far and of all entries."""


def check_tree(
    pool: Executor,
    source: Source,
    size: int,
    *,
    origin: str | None = None,
    sizes: Sequence[int] = (),
    expected_root: bytes | None = None,
    progress: Progress | None = None,
) -> TreeResult:
    """Verify entries and tiles of a log of `size` entries on the workers of `pool`.

    `origin`: of the ledger; None for a log of any other entries, which are only hashed.
    `sizes`: further sizes at which the root is computed. `expected_root`: the checkpoint's root; it
    decides about the last, partial bundle, above which there is no tile.
    """
    root_sizes = tuple(sorted({s for s in sizes if 0 <= s < size} | {size}))
    tree = Tree(source, size, root_sizes, expected_root)
    tasks = _tasks(source, size, root_sizes, origin)
    ahead: deque[Future[RangeResult]] = deque()
    blind = 0
    try:
        while True:
            while len(ahead) < _ranges_ahead(pool) and (task := next(tasks, None)):
                ahead.append(pool.submit(check_range, task))
            if not ahead:
                break
            result = ahead.popleft().result()
            tree.add_range(result)
            if progress:
                progress(tree.result.looked_at, size)
            blind = 0 if result.objects_read else blind + 1
            is_enough = blind == (1 if result.unreachable else _GIVE_UP_AFTER)
            if is_enough and tree.result.looked_at < size:
                tree.give_up()
                return tree.result
    finally:
        for future in ahead:
            future.cancel()
    tree.close()
    return tree.result


def _tasks(
    source: Source, size: int, root_sizes: tuple[int, ...], origin: str | None
) -> Iterator[RangeTask]:
    """Cut the log into ranges, each with the sizes that end in it."""
    bundles = -(-size // TILE_WIDTH)
    at = 0
    for first in range(0, bundles, BUNDLES_IN_RANGE):
        end = min(first + BUNDLES_IN_RANGE, bundles)
        start = at
        while at < len(root_sizes) and root_sizes[at] <= end * TILE_WIDTH:
            at += 1
        yield RangeTask(source, size, first, end, root_sizes[start:at], origin)


def _ranges_ahead(pool: Executor) -> int:
    return pool.ahead if isinstance(pool, Workers) else 1
