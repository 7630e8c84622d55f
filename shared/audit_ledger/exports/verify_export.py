"""Compare an export with its manifest, and report every difference exactly.

This needs no key and no network. It proves neither that the manifest is the original one (its
digest does, which must be received apart), nor that the ledger has the entries (the receipts do).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from hashlib import sha256
from itertools import chain
from typing import Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.exports.formats import FORMATS
from audit_ledger.exports.line_diff import Difference, LineChange, differences
from audit_ledger.exports.line_files import (
    ENTRIES_SUFFIX,
    differs_in_line_ends_only,
    line_digests,
    read_entries,
)
from audit_ledger.exports.manifest import MANIFEST, File, Lines, Manifest, parse_manifest
from audit_ledger.exports.receipt_lines import CHECKPOINT, RECEIPTS

_HEADER: Final = -1  # the label of a header, among lines labelled with their entries


class ExportCode(StrEnum):
    """The kinds of findings. Scripts may rely on the values."""

    MANIFEST_ALTERED = "manifest-altered"  # not the manifest with that digest
    MANIFEST_MALFORMED = "manifest-malformed"  # not a manifest: nothing else can be checked
    FILE_MISSING = "file-missing"
    FILE_UNKNOWN = "file-unknown"  # a file that the manifest does not name
    FILE_ALTERED = "file-altered"  # other bytes, and no line can be named
    ENTRIES_ALTERED = "entries-altered"  # likewise, of an `.entries` file
    COUNT_DIFFERS = "count-differs"  # the manifest contradicts itself
    FORMAT_DIFFERS = "format-differs"  # a file that the format does not have, or not like this
    HEADER_CHANGED = "header-changed"
    HEADER_MISSING = "header-missing"
    HEADER_REORDERED = "header-reordered"
    LINE_CHANGED = "line-changed"
    LINE_MISSING = "line-missing"
    LINE_ADDED = "line-added"
    LINE_REORDERED = "line-reordered"
    RECEIPT_REJECTED = "receipt-rejected"  # it does not prove its entry, or a line has none


class ExportFinding(msgspec.Struct, frozen=True):
    """A finding. `line`: from 1, in the file as found; `entry`: that of the line."""

    code: ExportCode
    file: str
    message: str
    line: int | None = None
    entry: int | None = None


_LINE_CODES: Final = {
    LineChange.CHANGED: (
        ExportCode.LINE_CHANGED,
        ExportCode.HEADER_CHANGED,
        "is not what was exported",
    ),
    LineChange.MISSING: (ExportCode.LINE_MISSING, ExportCode.HEADER_MISSING, "is missing"),
    LineChange.ADDED: (ExportCode.LINE_ADDED, ExportCode.LINE_ADDED, "was not exported"),
    LineChange.REORDERED: (
        ExportCode.LINE_REORDERED,
        ExportCode.HEADER_REORDERED,
        "stood elsewhere",
    ),
}


def verify_export(
    files: Mapping[str, Iterable[bytes]], manifest: bytes, digest: bytes | None = None
) -> Iterator[ExportFinding]:
    """Yield the differences between an export's files and its manifest.

    `files`: by name, the pieces of each file, of any size, which are iterated two files at a time,
    and again if a file differs; `digest`: of the manifest, 32 bytes, if known.
    """
    if digest is not None and sha256(manifest).digest() != digest:
        message = "its SHA-256 is not that of the export"
        if differs_in_line_ends_only([manifest], digest.hex()):
            message += ": only its line ends (LF, CR LF) differ, a transfer changed them"
        yield ExportFinding(ExportCode.MANIFEST_ALTERED, MANIFEST, message)
    try:
        described = parse_manifest(manifest)
    except FormatError as error:
        yield ExportFinding(ExportCode.MANIFEST_MALFORMED, MANIFEST, str(error))
        return
    yield from _of_another_format(described)
    of_events = [file for file in described.files if file.name in _events_of(described)]
    counted = sum(file.lines.count for file in of_events if file.lines is not None)
    if counted != described.entries:
        message = f"{described.entries} entries, and its files have {counted}"
        yield ExportFinding(ExportCode.COUNT_DIFFERS, MANIFEST, message)
    names = {MANIFEST}
    for file in described.files:
        names |= {file.name} if file.lines is None else {file.name, file.lines.name}
        yield from _check_file(files, file)
    for name in files:
        if name not in names:
            yield ExportFinding(ExportCode.FILE_UNKNOWN, name, "the manifest names no such file")


def _events_of(manifest: Manifest) -> Collection[str]:
    export_format = FORMATS.get(manifest.format)
    return () if export_format is None else export_format.files


def _of_another_format(manifest: Manifest) -> Iterator[ExportFinding]:
    """Yield findings about files that are not as the format requires.

    Receipts prove lines, but neither their header nor other files.
    """
    export_format = FORMATS.get(manifest.format)
    if export_format is None:
        yield ExportFinding(
            ExportCode.FORMAT_DIFFERS, MANIFEST, "its format is none that is known here"
        )
        return
    for file in manifest.files:
        if file.name in (RECEIPTS, CHECKPOINT):
            continue
        kind = export_format.files.get(file.name)
        if kind is None:
            why = "the format has no such file"
        elif file.header != (sha256(kind.header).hexdigest() if kind.header else None):
            why = "its header is not the format's"
        elif file.lines is None or file.lines.name != file.name + ENTRIES_SUFFIX:
            why = f"no {file.name}{ENTRIES_SUFFIX} vouches for its lines"
        else:
            continue
        yield ExportFinding(ExportCode.FORMAT_DIFFERS, file.name, why)


def _check_file(files: Mapping[str, Iterable[bytes]], file: File) -> Iterator[ExportFinding]:
    expected = {file.name: (file.sha256, ExportCode.FILE_ALTERED)}
    if file.lines is not None:
        expected[file.lines.name] = (file.lines.sha256, ExportCode.ENTRIES_ALTERED)
    missing = [name for name in expected if name not in files]
    if file.lines is not None and not missing:
        yield from _check_lines(files, file, file.lines)
        return
    for name, (expected_sha256, code) in expected.items():
        if name in missing:
            yield ExportFinding(
                ExportCode.FILE_MISSING, name, "the manifest names it, and it is not there"
            )
            continue
        pieces = _Hashed(files[name])
        pieces.drain()
        if pieces.sha256 != expected_sha256:
            yield _line_ends(files, name, expected_sha256) or _altered(name, code)
        elif name == file.name:
            yield from _of_another_size(file, pieces)


def _check_lines(
    files: Mapping[str, Iterable[bytes]], file: File, lines: Lines
) -> Iterator[ExportFinding]:
    pieces, entries = _Hashed(files[file.name]), _Hashed(files[lines.name])
    written = _Counted(read_entries(lines.name, entries))
    header = () if file.header is None else ((_HEADER, bytes.fromhex(file.header)),)
    try:
        changed = list(differences(chain(header, written), line_digests(pieces)))
    except FormatError:  # a malformed entries file, whose hash differs as well
        changed = []
    pieces.drain()
    entries.drain()
    is_altered = pieces.sha256 != file.sha256
    line_ends = _line_ends(files, file.name, file.sha256) if is_altered else None
    if entries.sha256 != lines.sha256:
        code = ExportCode.ENTRIES_ALTERED
        yield _line_ends(files, lines.name, lines.sha256) or _altered(lines.name, code)
        if is_altered:
            yield line_ends or _altered(file.name)
        return
    if line_ends is not None:
        yield line_ends
        return
    if written.count != lines.count:
        yield ExportFinding(
            ExportCode.COUNT_DIFFERS,
            file.name,
            f"{written.count} lines were exported, and the manifest states {lines.count}",
        )
    for difference in changed:
        yield _line_finding(file, difference)
    if is_altered and not changed:
        yield _altered(file.name)
    if not is_altered:
        yield from _of_another_size(file, pieces)


def _line_ends(
    files: Mapping[str, Iterable[bytes]], name: str, expected_sha256: str
) -> ExportFinding | None:
    """Return one finding if only line ends differ: no line was changed."""
    if not differs_in_line_ends_only(files[name], expected_sha256):
        return None
    message = "only its line ends (LF, CR LF) are not those of the export: a transfer changed them"
    return ExportFinding(ExportCode.FILE_ALTERED, name, message)


def _of_another_size(file: File, pieces: "_Hashed") -> Iterator[ExportFinding]:
    if pieces.size_bytes != file.size_bytes:
        message = f"{pieces.size_bytes} bytes, and the manifest states {file.size_bytes}"
        yield ExportFinding(ExportCode.COUNT_DIFFERS, file.name, message)


def _line_finding(file: File, difference: Difference) -> ExportFinding:
    line_code, header_code, change = _LINE_CODES[difference.kind]
    line, label = difference.line, difference.label
    if label == _HEADER:
        return ExportFinding(header_code, file.name, f"the header {change}", line)
    of_entry = "" if label is None else f" (entry {label})"
    message = f"line {line}{of_entry} {change}"
    if difference.kind is LineChange.MISSING:
        message = f"the line of entry {label} is missing before line {line}"
    return ExportFinding(line_code, file.name, message, line, label)


def _altered(name: str, code: ExportCode = ExportCode.FILE_ALTERED) -> ExportFinding:
    return ExportFinding(code, name, "its SHA-256 is not that of the manifest")


class _Hashed:
    """Pieces of a file, hashed while they are read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._hash = sha256()
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._hash.update(piece)
            self.size_bytes += len(piece)
            yield piece

    def drain(self) -> None:
        for _ in self:
            pass

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class _Counted:
    """Entries, counted while they are read."""

    def __init__(self, entries: Iterable[tuple[int, bytes]]) -> None:
        self._entries = entries
        self.count = 0

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for entry in self._entries:
            self.count += 1
            yield entry
