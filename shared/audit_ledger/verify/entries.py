"""Entries and tiles of a log, verified in one pass on as many processes as there is work for.

Reading, hashing and checking is done by workers, a range of bundles at a time (`entry_range.py`);
what they find is put together in order, here, into the levels above (`tree.py`).
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future

from audit_ledger.tlog.tiles import TILE_WIDTH
from audit_ledger.verify.bundle_range import RangeResult, RangeTask, check_range
from audit_ledger.verify.sources import Source
from audit_ledger.verify.tree import Tree, TreeResult
from audit_ledger.verify.workers import InProcess, Workers

BUNDLES_IN_RANGE = 64
_GIVE_UP_AFTER = 8  # ranges in a row (131,072 entries) of which nothing can be read

Progress = Callable[[int, int], None]
"""Told how many entries of how many are done."""


def verify_entries(
    source: Source,
    size: int,
    workers: int = 1,
    *,
    origin: str | None = None,
    sizes: Sequence[int] = (),
    expected_root: bytes | None = None,
    progress: Progress | None = None,
) -> TreeResult:
    """Verify entries and tiles of a log of `size` entries, on as many processes as `workers`.

    `origin`: of the ledger; None for a log of anything else, whose entries are only hashed.
    `sizes`: where roots are asked for, beside `size` itself. `expected_root`: of the checkpoint;
    it decides about the last, partial bundle, above which there is no tile.
    """
    if workers == 1:
        return check_tree(InProcess(), source, size, origin, sizes, expected_root, progress)
    with Workers(workers, source) as pool:
        return check_tree(pool, source, size, origin, sizes, expected_root, progress)


def check_tree(
    pool: Executor,
    source: Source,
    size: int,
    origin: str | None,
    sizes: Sequence[int],
    expected_root: bytes | None,
    progress: Progress | None,
) -> TreeResult:
    """Do what `verify_entries` says on a pool that is there already."""
    asked = tuple(sorted({s for s in sizes if 0 <= s < size} | {size}))
    tree = Tree(source, size, asked, expected_root)
    tasks = _tasks(source, size, asked, origin)
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
    source: Source, size: int, asked: tuple[int, ...], origin: str | None
) -> Iterator[RangeTask]:
    """Cut the log into ranges, each with the sizes that end in it."""
    bundles = -(-size // TILE_WIDTH)
    at = 0
    for first in range(0, bundles, BUNDLES_IN_RANGE):
        end = min(first + BUNDLES_IN_RANGE, bundles)
        start = at
        while at < len(asked) and asked[at] <= end * TILE_WIDTH:
            at += 1
        yield RangeTask(source, size, first, end, asked[start:at], origin)


def _ranges_ahead(pool: Executor) -> int:
    return pool.ahead if isinstance(pool, Workers) else 1
