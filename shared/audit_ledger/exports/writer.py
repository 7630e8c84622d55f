"""Write an export, event by event, in pieces: memory contains only hashes."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.exports.formats import FORMATS, FileKind
from audit_ledger.exports.line_files import ENTRIES_SUFFIX, entries_line
from audit_ledger.exports.manifest import MANIFEST, File, Lines, Manifest
from audit_ledger.exports.receipt_lines import CHECKPOINT, RECEIPTS, Receipt, split_receipt

Piece = tuple[str, bytes]  # the name of a file, and bytes to append to it

_TEXT: Final = "text/plain; charset=utf-8"
_RECEIPTS_KIND: Final = FileKind(_TEXT)


class ExportWriter:
    """Writes one export. The caller appends each piece to the file of its name, in order.

    An empty piece creates its file. `format_name`: one of FORMATS; `origin`: the ledger's; `size`:
    the published size that the export is pinned to and that bounds its entries; `search`: as JSON.
    """

    def __init__(
        self, format_name: str, *, origin: str, size: int, search: Mapping[str, Any]
    ) -> None:
        if format_name not in FORMATS:
            raise FormatError(f"export: the format is none of {', '.join(FORMATS)}")
        self._format_name = format_name
        self._format = FORMATS[format_name]
        self._origin = origin
        self._size = size
        self._search = msgspec.json.decode(msgspec.json.encode(search))
        self._checkpoint: bytes | None = None
        self._files: dict[str, _LineFile] = {}
        self._entries: set[int] = set()

    def add(self, seq: int, name: str, line: bytes, receipt: Receipt | None = None) -> list[Piece]:
        """Return the pieces of an entry's line in the file `name`; entries come once, in any order.

        All receipts must have one checkpoint, of this origin and size. Raise FormatError with the
        entry if it does not fit, the format has no such file, or `line` is not one line; nothing
        of it is written then.
        """
        if seq >= self._size:
            raise FormatError(f"entry {seq} is not within the published {self._size}")
        if name not in self._format.files:
            raise FormatError(f"entry {seq}: the format {self._format_name} has no such file")
        if line.find(b"\n") != len(line) - 1:
            raise FormatError(f"entry {seq}: not one line")
        if seq in self._entries:
            raise FormatError(f"entry {seq} came before")
        if receipt is not None and receipt.seq != seq:
            raise FormatError(f"entry {seq}: the receipt is of entry {receipt.seq}")
        receipt_line = None if receipt is None else self._receipt_line(receipt)
        self._entries.add(seq)
        pieces = self._append(name, self._format.files[name], seq, line)
        if receipt_line is not None:
            pieces += self._append(RECEIPTS, _RECEIPTS_KIND, seq, receipt_line)
        return pieces

    def finish(self) -> list[Piece]:
        """Return the pieces after the last event, of which the last is the whole manifest."""
        pieces: list[Piece] = []
        for name, kind in self._format.files.items():
            if kind.header and name not in self._files:
                pieces += self._open(name, kind)
        files = [file.to_file() for file in self._files.values()]
        if self._checkpoint is not None:
            pieces.append((CHECKPOINT, self._checkpoint))
            files.append(
                File(
                    name=CHECKPOINT,
                    media_type=_TEXT,
                    size_bytes=len(self._checkpoint),
                    sha256=sha256(self._checkpoint).hexdigest(),
                )
            )
        manifest = Manifest(
            origin=self._origin,
            size=self._size,
            search=self._search,
            format=self._format_name,
            entries=len(self._entries),
            files=tuple(files),
        )
        return [*pieces, (MANIFEST, manifest.to_bytes())]

    def _receipt_line(self, receipt: Receipt) -> bytes:
        """Return a receipt's line; its checkpoint must be that of the first receipt."""
        line, checkpoint = split_receipt(receipt)
        if self._checkpoint is None:
            # C2SP tlog-checkpoint: origin and size are its first lines.
            if not checkpoint.startswith(f"{self._origin}\n{self._size}\n".encode()):
                raise FormatError(
                    f"entry {receipt.seq}: the receipt is not of the origin and size of the export"
                )
            self._checkpoint = checkpoint
        elif checkpoint != self._checkpoint:
            raise FormatError(f"entry {receipt.seq}: the receipt has another checkpoint")
        return line

    def _open(self, name: str, kind: FileKind) -> list[Piece]:
        self._files[name] = _LineFile(name, kind)
        return [(name, kind.header), (name + ENTRIES_SUFFIX, b"")] if kind.header else []

    def _append(self, name: str, kind: FileKind, seq: int, line: bytes) -> list[Piece]:
        pieces = [] if name in self._files else self._open(name, kind)
        entry = entries_line(seq, line)
        self._files[name].take(line, entry)
        return [*pieces, (name, line), (name + ENTRIES_SUFFIX, entry)]


class _LineFile:
    """A file while it is written, for the manifest."""

    def __init__(self, name: str, kind: FileKind) -> None:
        self._name = name
        self._kind = kind
        self._hash = sha256(kind.header)
        self._size_bytes = len(kind.header)
        self._count = 0
        self._entries_hash = sha256()

    def take(self, line: bytes, entry: bytes) -> None:
        self._hash.update(line)
        self._size_bytes += len(line)
        self._count += 1
        self._entries_hash.update(entry)

    def to_file(self) -> File:
        header = self._kind.header
        return File(
            name=self._name,
            media_type=self._kind.media_type,
            size_bytes=self._size_bytes,
            sha256=self._hash.hexdigest(),
            header=sha256(header).hexdigest() if header else None,
            lines=Lines(self._count, self._name + ENTRIES_SUFFIX, self._entries_hash.hexdigest()),
        )
