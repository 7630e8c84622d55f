r"""Manifest: the content of an export, so that a third party detects any change.

    {"version":"audit-ledger/export/v1","origin":"audit.example.org/st-elsewhere","size":73894,
     "search":{…},"format":"csv","entries":2,"files":[{"name":"events.csv","media_type":"text/csv",
     "bytes":1873,"sha256":"<hex>","header":"<hex>","lines":{"count":2,"name":"events.csv.entries",
     "sha256":"<hex>"}},…]}⏎

These keys in this order, no white space except the line break at the end. `size`: the published
size that the export is pinned to; `search`: the caller's search; `header`: SHA-256 of the file's
first line if it is of no entry. `lines`: the number of other lines, and the `.entries` file with
entry and SHA-256 of each, so that the manifest of any export is small.

How a third party verifies: the SHA-256 of the manifest identifies the export. They receive it apart
from the files: in a letter, or, as an RFC 6920 URI, in the ledger's event about the export.
`verify_export` compares every file with the manifest. The receipts, verified with a policy (by
`ledger` or any C2SP tool), prove the entries; if a record is disclosed, the entry's commitment
proves the record, and the format yields the same line from it.
"""

import re
from typing import Final, Literal

import msgspec

from audit_ledger.errors import FormatError
from audit_ledger.events.strict_json import JsonObject
from audit_ledger.private_repr import PrivateRepr

MANIFEST: Final = "manifest.json"
VERSION: Final = "audit-ledger/export/v1"

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Lines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of a file's lines of entries, and name and hash of its `.entries` file."""

    count: int
    name: str
    sha256: str


class File(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """A file of an export; hashes in hex."""

    name: str
    media_type: str
    size_bytes: int = msgspec.field(name="bytes")
    sha256: str
    header: str | None = None
    lines: Lines | None = None


class Manifest(PrivateRepr, msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A manifest. `entries`: the number of exported ones."""

    SHOWN = ("entries",)
    version: Literal["audit-ledger/export/v1"] = VERSION
    origin: str
    size: int
    search: JsonObject
    format: str
    entries: int
    files: tuple[File, ...]

    def to_bytes(self) -> bytes:
        """Return the bytes of `manifest.json`."""
        return _encoder.encode(self) + b"\n"


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Manifest)


def parse_manifest(data: bytes) -> Manifest:
    """Parse the bytes of `Manifest.to_bytes`; raise FormatError without quotes for others."""
    try:
        manifest = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise FormatError("manifest: not JSON with exactly the keys of a manifest") from None
    if manifest.to_bytes() != data:
        raise FormatError("manifest: not spelled as the encoder spells it")
    names, hashes, counts = [MANIFEST], [], [manifest.size, manifest.entries]
    for file in manifest.files:
        names.append(file.name)
        hashes += [file.sha256] if file.header is None else [file.sha256, file.header]
        counts.append(file.size_bytes)
        if file.lines is not None:
            names.append(file.lines.name)
            hashes.append(file.lines.sha256)
            counts.append(file.lines.count)
    if len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        raise FormatError("manifest: file names that are not plain, or twice the same")
    if not all(map(_SHA256.fullmatch, hashes)):
        raise FormatError("manifest: a SHA-256 that is not 64 lower-case hex digits")
    if min(counts) < 0:
        raise FormatError("manifest: a negative number")
    return manifest
