"""Files about patients, which only their owner may read."""

import os
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, TypeVar

from audit_ledger.client.errors import InvalidInputError

_T = TypeVar("_T")


def write_for_owner(path: Path, data: bytes) -> None:
    """Write a file as a whole, over an earlier one."""
    with open_for_owner(path, os.O_TRUNC) as file:
        file.write(data)


def open_for_owner(path: Path, how: int) -> BinaryIO:
    """Open a file to write to, made if it is not there; `how`: os.O_TRUNC or os.O_APPEND.

    If others could read it, they no longer can, before anything is written.
    """

    def opened() -> BinaryIO:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "wb")
        if S_ISREG(os.fstat(file.fileno()).st_mode):
            os.fchmod(file.fileno(), 0o600)
        return file

    return _as_invalid_input(path, opened)


def sync_folder(path: Path) -> None:
    """Have the names of a folder's files on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def make_folder_for_owner(path: Path) -> None:
    """Make a folder, if it is not there."""
    _as_invalid_input(path, lambda: path.mkdir(mode=0o700, parents=True, exist_ok=True))


def _as_invalid_input(path: Path, do: Callable[[], _T]) -> _T:
    try:
        return do()
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from None
