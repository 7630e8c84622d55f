"""Downloads of exports: files that a third party can check, with receipts and a manifest.

Parts are stored in DIR/parts as they come, one per line, so that an interrupted download continues
where it stopped; once all are there, the files are written from them, and DIR/parts is deleted.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote, urlencode

import msgspec

from audit_ledger.client.api import Api, json_of
from audit_ledger.client.errors import InvalidInputError, UnansweredError
from audit_ledger.client.files import NOT_JSON
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.client.private_files import make_folder_for_owner, open_for_owner, sync_folder
from audit_ledger.errors import FormatError
from audit_ledger.events.ni_uri import ni_uri
from audit_ledger.exports.manifest import MANIFEST
from audit_ledger.exports.receipt_lines import Receipt, read_receipts
from audit_ledger.exports.writer import ExportWriter
from audit_ledger.private_repr import PrivateRepr

PARTS: Final = "parts"
_PATH: Final = "/export"


class _ExportRequest(PrivateRepr, msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of DIR/parts: which export they are of."""

    url: str
    query: str


class _Entry(PrivateRepr, msgspec.Struct, frozen=True):
    SHOWN = ("entry",)
    entry: int
    file: str
    line: str
    receipt: str | None = None


class _Part(PrivateRepr, msgspec.Struct, frozen=True):
    SHOWN = ("size",)
    origin: str
    size: int
    format: str
    search: str
    checkpoint: str
    digest: str
    entries: list[_Entry]
    next: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def pinned(self) -> tuple[str, int, str, str, str, str]:
        """What all parts of an export share."""
        return (
            self.origin,
            self.size,
            self.format,
            self.search,
            self.checkpoint,
            self.digest,
        )


def download_export(
    api: Api,
    parameters: Sequence[tuple[str, str]],
    folder: Path,
    *,
    on_part: Callable[[int], None],
    on_warning: Callable[[str], None],
) -> None:
    """Write an export into a folder of its own, or continue one that was interrupted.

    `on_part` takes the number of entries so far. InvalidInputError: the folder contains something
    else, or another download into it is running.
    """
    query = urlencode(parameters, safe="/:,", quote_via=quote)
    make_folder_for_owner(folder)
    parts = folder / PARTS
    _require_own_folder(folder)
    with open_for_owner(parts, os.O_APPEND) as file:
        _require_alone(folder, file)
        done = 0
        for entries in _fetch_parts(api, query, parts, file, on_warning):
            done += entries
            on_part(done)
        _assemble(folder, parts)
        parts.unlink()


def _require_own_folder(folder: Path) -> None:
    """Refuse a folder with anything else than an unfinished export."""
    if not (folder / PARTS).exists() and not (folder / MANIFEST).exists() and any(folder.iterdir()):
        raise InvalidInputError(f"{folder}: not empty; an export has a folder of its own")


def _require_alone(folder: Path, parts: BinaryIO) -> None:
    """Refuse a folder into which another run exports, or with a whole export."""
    try:
        flock(parts, LOCK_EX | LOCK_NB)
    except OSError:
        raise InvalidInputError(f"{folder}: another export into it is running") from None
    if (folder / MANIFEST).exists():
        (folder / PARTS).unlink(missing_ok=True)  # it was stopped between its last two steps
        digest = ni_uri(sha256((folder / MANIFEST).read_bytes()).digest())
        raise InvalidInputError(f"{folder}: contains an export already, of manifest {digest}")


def _fetch_parts(
    api: Api, query: str, parts: Path, file: BinaryIO, on_warning: Callable[[str], None]
) -> Iterator[int]:
    """Append the missing parts to `parts`; return the number of entries of each part."""
    request = _ExportRequest(api.url, query)
    last: _Part | None = None
    lines = _whole_lines(parts)
    first_line = next(lines, None)
    if first_line not in (None, msgspec.json.encode(request)):
        raise InvalidInputError(
            f"{parts.parent}: contains an unfinished export of something else; "
            f"ask for the same, or remove {PARTS}"
        )
    for line in lines:
        last = json_of(line, _Part, str(parts))
        yield len(last.entries)
    where = f"{api.url}: GET {_PATH}"
    while last is None or last.next is not None:
        cursor = "" if last is None else f"&{urlencode({'_cursor': last.next or ''})}"
        response = api.request(ApiRequest("GET", _PATH, query + cursor))
        part = json_of(response.body, _Part, where)
        if last is not None and (part.pinned != last.pinned or part.next == last.next):
            raise UnansweredError(f"{where}: its parts are not of one export")
        if first_line is None:
            first_line = msgspec.json.encode(request)
            _append(file, first_line)
        _append(file, msgspec.json.format(response.body, indent=-1))
        for warning in part.warnings:
            if last is None or warning not in last.warnings:
                on_warning(warning)
        last = part
        yield len(part.entries)


def _append(file: BinaryIO, line: bytes) -> None:
    """Append a line, so that it is there before anything that follows from it."""
    file.write(line + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _whole_lines(parts: Path) -> Iterator[bytes]:
    """Return the lines, each without its end; what a crash left of the last is cut off."""
    with parts.open("r+b") as file:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                os.truncate(parts, end)
                return
            end += len(line)
            yield line[:-1]


def _assemble(folder: Path, parts: Path) -> None:
    """Make the files of the parts; the manifest, which is the last, under its own name at once."""
    writer: ExportWriter | None = None
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}

        def write(name: str, data: bytes) -> None:
            if name not in files:
                files[name] = stack.enter_context(open_for_owner(folder / name, os.O_TRUNC))
            files[name].write(data)

        lines = _whole_lines(parts)
        next(lines)
        try:
            for line in lines:
                part = msgspec.json.decode(line, type=_Part)
                if writer is None:
                    writer = ExportWriter(
                        part.format,
                        origin=part.origin,
                        size=part.size,
                        search={"query": part.search, "digest": part.digest},
                    )
                for entry in part.entries:
                    receipt = _receipt(entry, part.checkpoint.encode())
                    for name, piece in writer.add(
                        entry.entry, entry.file, entry.line.encode(), receipt
                    ):
                        write(name, piece)
        except (FormatError, *NOT_JSON) as error:
            why = str(error) if isinstance(error, FormatError) else "not what the API gives"
            raise UnansweredError(f"{parts}: {why}") from None
        if writer is None:
            raise UnansweredError(f"{parts}: no part of an export")
        *pieces, (_, manifest) = writer.finish()
        for name, piece in pieces:
            write(name, piece)
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    with open_for_owner(folder / f"{MANIFEST}.new", os.O_TRUNC) as file:
        _append(file, manifest.removesuffix(b"\n"))
    (folder / f"{MANIFEST}.new").replace(folder / MANIFEST)
    sync_folder(folder)


def _receipt(entry: _Entry, checkpoint: bytes) -> Receipt | None:
    if entry.receipt is None:
        return None
    (receipt,) = read_receipts([entry.receipt.encode()], checkpoint)
    return receipt
