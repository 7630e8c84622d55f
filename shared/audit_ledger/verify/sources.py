"""Sources: where a published ledger is read from. Paths are relative to the ledger's prefix.

A source returns an object's bytes, or None if there is none, or raises an error if it cannot know.
It does not check the bytes.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from audit_ledger.errors import UnreachableError

MAX_OBJECT_BYTES = 256 * (2 + 0xFFFF)
"""The largest object a tiled log has: an entry bundle full of the largest entries."""


class Source(Protocol):
    """A place from which a published ledger can be read.

    A source can be pickled, so that worker processes read for themselves.
    """

    @property
    def name(self) -> str:
        """The name for people."""

    @property
    def is_remote(self) -> bool:
        """Whether reading waits for a network, so that parallel reads are faster."""

    def read(self, path: str) -> bytes | None:
        """Return an object's bytes, None if there is none.

        Of an object over MAX_OBJECT_BYTES it returns only one byte more than that, which no parser
        accepts. Raises UnreachableError if it cannot know whether there is one.
        """

    def list_all(self) -> Iterator[str] | None:
        """Return the paths of all objects, in any order; None if the source cannot list.

        Raises UnreachableError.
        """


ReadOutcome = bytes | UnreachableError | None

_MAX_CONCURRENT_READS = 8
_FAILURES_IN_A_ROW = 8


def read_outcome(source: Source, path: str) -> ReadOutcome:
    """Read one object; return UnreachableError instead of raising it."""
    try:
        return source.read(path)
    except UnreachableError as error:
        return error


def read_many(source: Source, paths: Iterable[str]) -> Iterator[ReadOutcome]:
    """Read objects in order, several at once if the source is remote.

    After several failures in a row the others are not requested any more.
    """
    failures = 0
    for outcome in _read_ahead(source, paths) if source.is_remote else _read_each(source, paths):
        yield outcome
        failures = failures + 1 if isinstance(outcome, UnreachableError) else 0
        if failures == _FAILURES_IN_A_ROW:
            break
    else:
        return
    while True:
        yield UnreachableError(
            f"{source.name}: no answer several times in a row, not requested again"
        )


def _read_each(source: Source, paths: Iterable[str]) -> Iterator[ReadOutcome]:
    for path in paths:
        yield read_outcome(source, path)


def _read_ahead(source: Source, paths: Iterable[str]) -> Iterator[ReadOutcome]:
    with ThreadPoolExecutor(_MAX_CONCURRENT_READS) as threads:
        remaining = iter(paths)
        ahead = [
            threads.submit(read_outcome, source, path)
            for path in islice(remaining, 2 * _MAX_CONCURRENT_READS)
        ]
        while ahead:
            yield ahead.pop(0).result()
            ahead.extend(
                threads.submit(read_outcome, source, path) for path in islice(remaining, 1)
            )


# Opening a named pipe must not wait for its writer; Windows has other flags.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class Folder:
    """A folder of plain files: a mirror, a copy, a restored backup."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self.path)

    @property
    def is_remote(self) -> bool:
        """Always false."""
        return False

    def read(self, path: str) -> bytes | None:
        """Read a file; only regular ones are objects."""
        try:
            file = os.open(f"{self.path}/{path}", _OPEN_FLAGS)
        except (FileNotFoundError, NotADirectoryError):
            if not self.path.is_dir():
                raise UnreachableError(f"{self.path}: no such folder") from None
            return None
        except OSError as error:
            raise UnreachableError(f"{path}: {error.strerror}") from None
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise UnreachableError(f"{path}: not a file")
            return _read_all(file, status.st_size)
        except OSError as error:
            raise UnreachableError(f"{path}: {error.strerror}") from None
        finally:
            os.close(file)

    def list_all(self) -> Iterator[str]:
        """Walk the folder; whatever is not a folder is an object.

        Links to folders are not followed: they may form a circle, or lead out of the folder. Raises
        UnreachableError at one, because the objects below it are unknown.
        """
        below, links = [""], []
        while below:
            prefix = below.pop()
            try:
                with os.scandir(f"{self.path}/{prefix}") as entries:
                    for entry in entries:
                        path = prefix + entry.name
                        if not _is_folder(entry):
                            yield path
                        elif entry.is_symlink():
                            links.append(path)
                        else:
                            below.append(f"{path}/")
            except OSError as error:
                raise UnreachableError(f"{error.filename}: {error.strerror}") from None
        if links:
            raise UnreachableError(f"{links[0]}: a link to a folder, which is not followed")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links that lead around in a circle
        return False


def _read_all(file: int, size_bytes: int) -> bytes:
    """Read a file to its end, at most one byte over the limit."""
    data = os.read(file, min(size_bytes, MAX_OBJECT_BYTES) + 1)
    if len(data) == size_bytes:
        return data
    while len(data) <= MAX_OBJECT_BYTES and (more := os.read(file, 1 << 16)):
        data += more
    return data
