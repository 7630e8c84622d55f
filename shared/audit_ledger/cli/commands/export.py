"""`ledger export`: what a search finds, in files that a third party can check, part by part.

Parts are kept in DIR/parts as they come, each a line, so that an export that is interrupted goes on
where it stopped; once all are there, the files are made of them, and DIR/parts goes.
"""

import os
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote, urlencode

import click
import msgspec

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.console import facts
from audit_ledger.cli.exit_codes import VERIFIED, IncompleteError, UsageError
from audit_ledger.cli.filters import with_filters
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON, FILE, with_connection
from audit_ledger.cli.progress import progress
from audit_ledger.client.api import Api, ConnectionOptions, json_of, open_api
from audit_ledger.client.files import NOT_JSON
from audit_ledger.client.http_client import PATIENT_PAUSES, ApiRequest
from audit_ledger.client.private_files import make_folder_for_owner, open_for_owner, sync_folder
from audit_ledger.client.shown_text import printable
from audit_ledger.errors import FormatError
from audit_ledger.exports.manifest import MANIFEST, decode_manifest, ni_uri
from audit_ledger.exports.receipt_lines import Receipt, read_receipts
from audit_ledger.exports.writer import ExportWriter

PARTS: Final = "parts"
_PATH: Final = "/export"


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of DIR/parts: which export they are of."""

    url: str
    query: str

    def __repr__(self) -> str:
        return "_Asked()"


class _Entry(msgspec.Struct, frozen=True):
    entry: int
    file: str
    line: str
    receipt: str | None = None

    def __repr__(self) -> str:
        return f"_Entry({self.entry})"


class _Part(msgspec.Struct, frozen=True):
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

    def __repr__(self) -> str:
        return f"_Part({len(self.entries)} entries)"


@click.command("export", cls=LedgerCommand)
@click.argument("folder", type=FILE, metavar="DIR")
@click.option(
    "--format", "form", type=click.Choice(["fhir", "csv", "ocsf"]), default="fhir", help="[fhir]"
)
@click.option(
    "--receipts",
    type=click.Choice(["record", "proof", "none"]),
    default="record",
    help="What proves each line: with its record, without, nothing. [record]",
)
@with_filters
@click.option("--sort", type=click.Choice(["-date", "date"]), default="date", help="[date]")
@AS_JSON
@with_connection
def command(
    connection: ConnectionOptions,
    folder: Path,
    form: str,
    receipts: str,
    filters: list[tuple[str, str]],
    sort: str,
    as_json: bool,
) -> int:
    """Export events into the files of DIR, with receipts and a manifest.

    fhir: NDJSON of what was submitted; csv: a table; ocsf: OCSF 1.x events as NDJSON. All of it is
    of one published size. Only you may read the files. Interrupted, the same command goes on.

    Who gets DIR checks it with `ledger verify-export`, and the manifest's digest, offline.
    """
    parameters = [("format", form), ("receipts", receipts), *filters, ("_sort", sort)]
    api = open_api(connection, os.environ, pauses=PATIENT_PAUSES)
    query = urlencode(parameters, safe="/:,", quote_via=quote)
    make_folder_for_owner(folder)
    parts = folder / PARTS
    _require_own_folder(folder)
    with open_for_owner(parts, os.O_APPEND) as file:
        _require_alone(folder, file)
        with progress("exporting") as show:
            done = 0
            for entries in _fetched(api, query, parts, file):
                done += entries
                if show:
                    show(done, 0)
            _assemble(folder, parts)
        parts.unlink()
    _report(folder, as_json=as_json)
    return VERIFIED


def _require_own_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but an export that was begun."""
    if not (folder / PARTS).exists() and not (folder / MANIFEST).exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: not empty; an export has a folder of its own")


def _require_alone(folder: Path, parts: BinaryIO) -> None:
    """Refuse a folder into which another run exports, or that holds a whole export."""
    try:
        flock(parts, LOCK_EX | LOCK_NB)
    except OSError:
        raise UsageError(f"{folder}: another export into it is running") from None
    if (folder / MANIFEST).exists():
        (folder / PARTS).unlink(missing_ok=True)  # it was stopped between its last two steps
        digest = ni_uri(sha256((folder / MANIFEST).read_bytes()).digest())
        raise UsageError(f"{folder}: holds an export already, of manifest {digest}")


def _fetched(api: Api, query: str, parts: Path, file: BinaryIO) -> Iterator[int]:
    """Append to `parts` what is not there yet; gives how many entries each part has."""
    asked = _Asked(api.url, query)
    last: _Part | None = None
    lines = _whole_lines(parts)
    begun = next(lines, None)
    if begun not in (None, msgspec.json.encode(asked)):
        raise UsageError(
            f"{parts.parent}: holds an unfinished export of something else; "
            f"ask for the same, or remove {PARTS}"
        )
    for line in lines:
        last = json_of(line, _Part, str(parts))
        yield len(last.entries)
    where = f"{api.url}: GET {_PATH}"
    while last is None or last.next is not None:
        cursor = "" if last is None else f"&{urlencode({'_cursor': last.next or ''})}"
        answered = api.ask(ApiRequest("GET", _PATH, query + cursor))
        part = json_of(answered.body, _Part, where)
        if last is not None and (part.pinned != last.pinned or part.next == last.next):
            raise IncompleteError(f"{where}: its parts are not of one export")
        if begun is None:
            begun = msgspec.json.encode(asked)
            _append(file, begun)
        _append(file, msgspec.json.format(answered.body, indent=-1))
        for warning in part.warnings:
            if last is None or warning not in last.warnings:
                click.echo(f"warning: {warning}", err=True)
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
                    for name, piece in writer.add_line(
                        entry.entry, entry.file, entry.line.encode(), receipt
                    ):
                        write(name, piece)
        except (FormatError, *NOT_JSON) as error:
            why = str(error) if isinstance(error, FormatError) else "not what the API gives"
            raise IncompleteError(f"{parts}: {why}") from None
        if writer is None:
            raise IncompleteError(f"{parts}: no part of an export")
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


def _report(folder: Path, *, as_json: bool) -> None:
    data = (folder / MANIFEST).read_bytes()
    manifest = decode_manifest(data)
    digest = sha256(data).digest()
    files = [(file.name, file.size_bytes) for file in manifest.files]
    if as_json:
        echo_json(
            {
                "folder": str(folder),
                "origin": manifest.origin,
                "size": manifest.size,
                "format": manifest.format,
                "entries": manifest.entries,
                "files": dict(files),
                "manifest_sha256": digest.hex(),
                "manifest": ni_uri(digest),
            }
        )
        return
    click.echo(printable(f"exported: {manifest.entries:,} entries of {manifest.origin}"))
    facts(
        [
            *((name, f"{size_bytes:,} bytes") for name, size_bytes in files),
            ("manifest", ni_uri(digest)),
        ]
    )
    click.echo(
        "Give the manifest's digest to whoever gets the files by another way than the files:"
    )
    click.echo(
        printable(
            f"  ledger verify-export {shlex.quote(str(folder))} --policy FILE "
            f"--digest '{ni_uri(digest)}'"
        )
    )
