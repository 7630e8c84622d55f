"""Merging: 16 runs of one level become one of the next, pseudonym by pseudonym."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from audit_ledger.runs.keyed_run import Bucket, KeyedRun, KeyedRunWriter, RowGroup
from audit_ledger.runs.located_rows import LocatedRows, merge_rows, split_rows
from audit_ledger.runs.run_id import RunId
from audit_ledger.runs.run_row import LOCATED_BYTES
from audit_ledger.runs.time_run import TimeRun, write_time_run

_MAX_SORTED_BYTES = 4 * 1024 * 1024  # rows of one pseudonym that are sorted in memory


def merge_keyed_runs(run: RunId, parts: Sequence[KeyedRun], out: BinaryIO) -> bytes:
    """Write the run that contains the rows of `parts`, in order of entry; return its root.

    Memory: the tables of the run, and a bucket of each part.
    """
    writer = KeyedRunWriter(run, out)
    for buckets in zip(*(part.buckets() for part in parts), strict=True):
        groups: dict[bytes, list[tuple[Bucket, RowGroup]]] = {}
        for bucket in buckets:
            for group in bucket.groups:
                groups.setdefault(group.pseudonym, []).append((bucket, group))
        for pseudonym in sorted(groups):
            writer.add(pseudonym, _merged(groups[pseudonym]))
    return writer.finish()


def merge_time_runs(run: RunId, parts: Sequence[TimeRun], out: BinaryIO) -> bytes:
    """Write the run that contains the rows of `parts`; return its root."""
    count = sum(part.count for part in parts)
    return write_time_run(run, merge_rows(part.pages() for part in parts), count, out)


def _merged(places: list[tuple[Bucket, RowGroup]]) -> Iterator[bytes]:
    """Yield the located rows of one pseudonym, sorted, in chunks."""
    if (
        len(places) == 1
        or sum(group.rows for _, group in places) * LOCATED_BYTES > _MAX_SORTED_BYTES
    ):
        yield from merge_rows(
            LocatedRows(bucket.read, group.start, group.rows).pages() for bucket, group in places
        )
        return
    rows: list[bytes] = []
    for bucket, group in places:
        rows += split_rows(bucket.read(group.start, group.end))
    rows.sort()
    yield b"".join(rows)
