"""Keyed run: the rows of a run's entries by pseudonym, as one object.

    offsets   u64 for each bucket and one more: where it begins in the object; the last: the end
    tree      32-byte hashes of the tree over the buckets, by level of C2SP tlog-tiles: the leaf
              hashes, the roots of each 256 of them, and so on while there are more than one
    buckets   each: its located rows, pseudonym by pseudonym
              ‖ for each pseudonym: 16 bytes ‖ u64 number of rows ‖ 32 bytes content
              ‖ u32 number of pseudonyms; an empty bucket has no bytes

Runs of one level have offsets and tree of one size, so a reader finds a bucket by one range and
reads it, or the end of a large one, by a second.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import BinaryIO

from audit_ledger.errors import FormatError
from audit_ledger.records.index_row import PSEUDONYM_BYTES
from audit_ledger.runs.bucket import ROWS_LABEL, TAG_LABEL, bucket_bits, bucket_number, run_tag
from audit_ledger.runs.located_rows import LocatedRows, ReadRange, read_exactly, rows_of
from audit_ledger.runs.run_id import RunId
from audit_ledger.runs.run_row import LOCATED_BYTES, ROW_BYTES
from audit_ledger.tlog.rfc6962 import HASH_SIZE
from audit_ledger.tlog.tile_proofs import RightEdge, inclusion_proof
from audit_ledger.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, Tile

_U64 = struct.Struct(">Q")
_U32 = struct.Struct(">I")
_GROUP = struct.Struct(">16sQ32s")
_TAIL_BYTES = 64 * 1024  # nearly all buckets are smaller
_EMPTY_BUCKET = sha256(b"\x00").digest()


def _tile_position(level: int, index: int, bits: int) -> int:
    """Return where a tile of the tree over 2^bits buckets begins in the object."""
    below = sum(1 << (bits - TILE_HEIGHT * lower) for lower in range(level))
    offsets = ((1 << bits) + 1) * _U64.size
    return offsets + (below + index * TILE_WIDTH) * HASH_SIZE


def _first_bucket(bits: int) -> int:
    """Return where the buckets begin in the object."""
    return _tile_position(-(-bits // TILE_HEIGHT), 0, bits)


class KeyedRunWriter:
    """Writes a run to a seekable file, pseudonym by pseudonym.

    Memory: 40 bytes for each bucket of the run, and what one chunk of rows takes.
    """

    def __init__(self, run: RunId, out: BinaryIO) -> None:
        run_id = run.to_bytes()
        self._tag = sha256(TAG_LABEL + run_id)
        self._rows = sha256(ROWS_LABEL + run_id)
        self._level = run.coverage.level
        self._bits = bucket_bits(self._level)
        self._out = out
        self._position = out.seek(_first_bucket(self._bits))
        self._offsets = [self._position]  # of the buckets before, and of this one
        self._leaf_hashes: list[bytes] = []
        self._hashed: list[bytes] = []  # tags and contents of this bucket
        self._directory: list[bytes] = []
        self._last = b""

    def add(self, pseudonym: bytes, chunks: Iterable[bytes]) -> None:
        """Add a pseudonym (16 bytes), greater than the one before, and its located rows.

        `chunks`: the rows in ascending order, each chunk a number of whole ones. FormatError if
        the pseudonym is out of order, or has no row.
        """
        if pseudonym <= self._last or len(pseudonym) != PSEUDONYM_BYTES:
            raise FormatError("run: pseudonyms are not 16 bytes each, in ascending order")
        self._last = pseudonym
        number = bucket_number(pseudonym, self._level)
        if number != len(self._leaf_hashes):
            self._end_buckets(number)
        content = self._rows.copy()
        content.update(pseudonym)
        size = 0
        for chunk in chunks:
            self._out.write(chunk)
            content.update(chunk[:ROW_BYTES] if len(chunk) == LOCATED_BYTES else rows_of(chunk))
            size += len(chunk)
        if not size or size % LOCATED_BYTES:
            raise FormatError("run: a pseudonym without rows, or with a part of one")
        self._position += size
        content_hash = content.digest()
        tag = self._tag.copy()
        tag.update(pseudonym)
        self._hashed += (tag.digest(), content_hash)
        self._directory.append(_GROUP.pack(pseudonym, size // LOCATED_BYTES, content_hash))

    def finish(self) -> bytes:
        """Write what stands in front of the buckets. Return the root, 32 bytes."""
        self._end_buckets(1 << self._bits)
        self._out.seek(0)
        self._out.write(struct.pack(f">{len(self._offsets)}Q", *self._offsets))
        edge = RightEdge(0, {})
        for tile, hashes in edge.extend(self._leaf_hashes):
            if tile.level * TILE_HEIGHT < self._bits:  # above is the root, which is not stored
                self._out.seek(_tile_position(tile.level, tile.index, self._bits))
                self._out.write(hashes)
        return edge.root()

    def _end_buckets(self, number: int) -> None:
        """End the bucket being written, and the empty ones before bucket `number`."""
        if self._directory:
            data = b"".join(self._directory) + _U32.pack(len(self._directory))
            self._out.write(data)
            self._position += len(data)
            self._leaf_hashes.append(sha256(b"\x00" + b"".join(self._hashed)).digest())
            self._offsets.append(self._position)
            self._hashed, self._directory = [], []
        empty = number - len(self._leaf_hashes)
        self._leaf_hashes += [_EMPTY_BUCKET] * empty
        self._offsets += [self._position] * empty


@dataclass(frozen=True)
class RowGroup:
    """The rows of one pseudonym in a run: their position in the object, number, and content."""

    pseudonym: bytes
    start: int
    rows: int
    content: bytes

    @property
    def end(self) -> int:
        """The position behind the last row."""
        return self.start + self.rows * LOCATED_BYTES


@dataclass(frozen=True)
class BucketProof:
    """What a run contains about one pseudonym: see `audit_ledger.runs.bucket.verify_bucket`."""

    bucket: bytes
    proof: list[bytes]
    rows: bytes


class KeyedRun:
    """Reads a run by ranges. Nothing that it returns is verified, only that the parts fit.

    Raises FormatError where they do not.
    """

    def __init__(self, run: RunId, read: ReadRange) -> None:
        self._run = run
        self._level = run.coverage.level
        self._bits = bucket_bits(self._level)
        self._read = read

    def rows(
        self, pseudonym: bytes, first: bytes, last: bytes, *, newest_first: bool
    ) -> Iterator[bytes]:
        """Yield the located rows of a pseudonym whose rows are from `first` to `last`, in order."""
        bucket = self._bucket(bucket_number(pseudonym, self._level))
        group = bucket.group(pseudonym)
        if group is None:
            return
        located = LocatedRows(bucket.read, group.start, group.rows)
        yield from located.between(first, last, newest_first=newest_first)

    def prove(self, pseudonym: bytes) -> BucketProof:
        """Return the bucket of a pseudonym, its inclusion proof, and the rows of the pseudonym."""
        number = bucket_number(pseudonym, self._level)
        bucket = self._bucket(number)
        run_id = self._run.to_bytes()
        hashed = b"".join(run_tag(run_id, g.pseudonym) + g.content for g in bucket.groups)
        group = bucket.group(pseudonym)
        rows = b"" if group is None else rows_of(bucket.read(group.start, group.end))
        return BucketProof(hashed, inclusion_proof(number, 1 << self._bits, self._tile), rows)

    def buckets(self) -> Iterator["Bucket"]:
        """Yield all buckets in order."""
        size = ((1 << self._bits) + 1) * _U64.size
        offsets = [
            offset for (offset,) in _U64.iter_unpack(read_exactly(self._read, 0, size, "offsets"))
        ]
        for start, end in pairwise(offsets):
            yield Bucket(start, end, self._read)

    def _bucket(self, number: int) -> "Bucket":
        place = number * _U64.size
        pair = read_exactly(self._read, place, place + 2 * _U64.size, "offsets")
        (start,), (end,) = _U64.iter_unpack(pair)
        return Bucket(start, end, self._read)

    def _tile(self, tile: Tile) -> bytes:
        start = _tile_position(tile.level, tile.index, self._bits)
        return read_exactly(self._read, start, start + tile.width * HASH_SIZE, "tree")


class Bucket:
    """A bucket: its groups, and the end of its bytes, which was read with them."""

    def __init__(self, start: int, end: int, read: ReadRange) -> None:
        self._read = read
        self._tail_start = max(start, end - _TAIL_BYTES)
        self._tail = read_exactly(read, self._tail_start, end, "buckets")
        self.groups = self._groups(start, end)

    def group(self, pseudonym: bytes) -> RowGroup | None:
        """Return the rows of a pseudonym; None if it has none."""
        return next((g for g in self.groups if g.pseudonym == pseudonym), None)

    def read(self, start: int, end: int) -> bytes:
        """Return bytes of the bucket."""
        if start >= self._tail_start:
            return self._tail[start - self._tail_start : end - self._tail_start]
        return read_exactly(self._read, start, end, "rows")

    def _groups(self, start: int, end: int) -> list[RowGroup]:
        if start == end:
            return []
        if end - start < _U32.size:
            raise FormatError("run: a bucket ends before its number of pseudonyms")
        (number,) = _U32.unpack(self.read(end - _U32.size, end))
        directory = end - _U32.size - number * _GROUP.size
        if not number or directory < start:
            raise FormatError("run: a bucket has not as many pseudonyms as it states")
        groups, position = [], start
        for pseudonym, rows, content in _GROUP.iter_unpack(self.read(directory, end - _U32.size)):
            groups.append(RowGroup(pseudonym, position, rows, content))
            position += rows * LOCATED_BYTES
        if position != directory:
            raise FormatError("run: a bucket has not as many rows as it states")
        return groups
