"""Verification of an export finds every kind of alteration and reports it exactly."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from audit_ledger.errors import FormatError
from audit_ledger.exports.manifest import (
    MANIFEST,
    parse_manifest,
)
from audit_ledger.exports.verify_export import verify_export
from tests.exports.exported import SampleLedger, exported, pieces_of

Files = dict[str, bytes]
Findings = list[tuple[str, str, int | None, int | None]]
CSV, ENTRIES = "events.csv", "events.csv.entries"


def edited(name: str, edit: Callable[[list[bytes]], object]) -> Callable[[Files], None]:
    """Return an alteration that edits the lines of one file."""

    def apply(files: Files) -> None:
        parts = files[name].splitlines(keepends=True)
        edit(parts)
        files[name] = b"".join(parts)

    return apply


def edit_several(parts: list[bytes]) -> None:
    parts.pop(60)
    parts[30] = b"other\r\n"
    parts.insert(10, b"new\r\n")


def swap(parts: list[bytes], one: int, other: int) -> None:
    parts[one], parts[other] = parts[other], parts[one]


def put(parts: list[bytes], place: int, line: bytes) -> None:
    parts[place] = line


def in_manifest(change: Callable[[Any], object]) -> Callable[[Files], None]:
    """Return an alteration of the manifest, encoded as the writer encodes it."""

    def apply(files: Files) -> None:
        document = json.loads(files[MANIFEST])
        change(document)
        files[MANIFEST] = json.dumps(document, separators=(",", ":")).encode() + b"\n"

    return apply


def changed_with_entry(files: Files) -> Files:
    """Change a line, and its line in the entries file."""
    edited(CSV, lambda p: put(p, 3, p[3].replace(b"ehr", b"her")))(files)
    edited(ENTRIES, lambda p: put(p, 2, p[2][:-2] + b"0\n"))(files)
    return files


# An edit of the CSV file (line 1 is the header, line n is of entry n - 1) and its findings: code,
# line, entry.
LINE_EDITS: dict[str, tuple[Callable[[list[bytes]], object], list[tuple[str, int, int | None]]]] = {
    "a line changed": (
        lambda p: put(p, 4, p[4].replace(b"ehr", b"her")),
        [("line-changed", 5, 4)],
    ),
    "the last line without its end": (
        lambda p: put(p, 64, p[64][:-2]),
        [("line-changed", 65, 64)],
    ),
    "a line missing": (lambda p: p.pop(4), [("line-missing", 5, 4)]),
    "the first line missing": (lambda p: p.pop(1), [("line-missing", 2, 1)]),
    "the last line missing": (lambda p: p.pop(), [("line-missing", 65, 64)]),
    "a line added": (lambda p: p.insert(4, b"9,invented\r\n"), [("line-added", 5, None)]),
    "a repeated line": (lambda p: p.append(p[4]), [("line-added", 66, None)]),
    "bytes at the end": (lambda p: p.append(b"x"), [("line-added", 66, None)]),
    "two lines swapped": (lambda p: swap(p, 4, 5), [("line-reordered", 5, 5)]),
    "the first line moved to the end": (
        lambda p: p.append(p.pop(1)),
        [("line-reordered", 65, 1)],
    ),
    "the header changed": (
        lambda p: put(p, 0, p[0].replace(b"portal", b"sender")),
        [("header-changed", 1, None)],
    ),
    "the header missing": (lambda p: p.pop(0), [("header-missing", 1, None)]),
    "the header moved": (lambda p: p.append(p.pop(0)), [("header-reordered", 65, None)]),
    "several edits": (
        edit_several,
        [("line-added", 11, None), ("line-changed", 32, 30), ("line-missing", 62, 60)],
    ),
}
# An alteration of the export and its findings: code, file, line, entry.
ALTERATIONS: dict[str, tuple[Callable[[Files], object], Findings]] = {
    "nothing": (lambda files: None, []),
    **{
        name: (edited(CSV, edit), [(code, CSV, line, entry) for code, line, entry in findings])
        for name, (edit, findings) in LINE_EDITS.items()
    },
    "a file missing": (lambda files: files.pop(CSV), [("file-missing", CSV, None, None)]),
    "the entries file missing": (
        lambda files: files.pop(ENTRIES),
        [("file-missing", ENTRIES, None, None)],
    ),
    "both files missing": (
        lambda files: (files.pop(CSV), files.pop(ENTRIES)),
        [("file-missing", CSV, None, None), ("file-missing", ENTRIES, None, None)],
    ),
    "a file changed, its entries file missing": (
        lambda files: changed_with_entry(files).pop(ENTRIES),
        [("file-altered", CSV, None, None), ("file-missing", ENTRIES, None, None)],
    ),
    "a file missing, its entries file changed": (
        lambda files: changed_with_entry(files).pop(CSV),
        [("file-missing", CSV, None, None), ("entries-altered", ENTRIES, None, None)],
    ),
    "the checkpoint missing": (
        lambda files: files.pop("checkpoint"),
        [("file-missing", "checkpoint", None, None)],
    ),
    "the checkpoint changed": (
        lambda files: files.update(checkpoint=files["checkpoint"] + b"\n"),
        [("file-altered", "checkpoint", None, None)],
    ),
    "an additional file": (
        lambda files: files.update({"events2.csv": b""}),
        [("file-unknown", "events2.csv", None, None)],
    ),
    "a receipt missing": (
        edited("receipts", lambda p: p.pop(6)),
        [("line-missing", "receipts", 7, 7)],
    ),
    "a receipt changed": (
        edited("receipts", lambda p: put(p, 6, p[6].replace(b"A", b"B"))),
        [("line-changed", "receipts", 7, 7)],
    ),
    "the entries file changed": (
        edited(ENTRIES, lambda p: put(p, 2, b"7" + p[2][1:])),
        [("entries-altered", ENTRIES, None, None)],
    ),
    "the entries file malformed": (
        edited(ENTRIES, lambda p: put(p, 2, b"nonsense\n")),
        [("entries-altered", ENTRIES, None, None)],
    ),
    "the entries file with a line without end": (
        edited(ENTRIES, lambda p: put(p, 2, b"0" * 100_000)),
        [("entries-altered", ENTRIES, None, None)],
    ),
    "a line and its entries line": (
        changed_with_entry,
        [("entries-altered", ENTRIES, None, None), ("file-altered", CSV, None, None)],
    ),
    "the manifest: another size": (
        in_manifest(lambda m: m.update(size=m["size"] + 1)),
        [("manifest-altered", MANIFEST, None, None)],
    ),
    "the manifest: another search": (
        in_manifest(lambda m: m["search"].update(to="2027-01-01T00:00:00Z")),
        [("manifest-altered", MANIFEST, None, None)],
    ),
    "the manifest: other white space": (
        lambda files: files.update({MANIFEST: files[MANIFEST].replace(b",", b", ")}),
        [
            ("manifest-altered", MANIFEST, None, None),
            ("manifest-malformed", MANIFEST, None, None),
        ],
    ),
    "the manifest: another hash": (
        in_manifest(lambda m: m["files"][0].update(sha256="0" * 64)),
        [("manifest-altered", MANIFEST, None, None), ("file-altered", CSV, None, None)],
    ),
    "the manifest: another count": (
        in_manifest(lambda m: m["files"][0]["lines"].update(count=63)),
        [
            ("manifest-altered", MANIFEST, None, None),
            ("count-differs", MANIFEST, None, None),
            ("count-differs", CSV, None, None),
        ],
    ),
    "the manifest: other bytes": (
        in_manifest(lambda m: m["files"][0].update(bytes=63)),
        [("manifest-altered", MANIFEST, None, None), ("count-differs", CSV, None, None)],
    ),
    "the manifest: one file fewer": (
        in_manifest(lambda m: m["files"].pop(0)),
        [
            ("manifest-altered", MANIFEST, None, None),
            ("count-differs", MANIFEST, None, None),
            ("file-unknown", CSV, None, None),
            ("file-unknown", ENTRIES, None, None),
        ],
    ),
}


@pytest.fixture(scope="session")
def export(ledger: SampleLedger) -> Files:
    """A CSV export with receipts."""
    return exported(ledger, "csv")


@pytest.mark.parametrize("name", ALTERATIONS)
@pytest.mark.parametrize("piece_bytes", [333, 1 << 20])
def test_each_alteration_is_reported_exactly(export: Files, name: str, piece_bytes: int) -> None:
    """What, in which file and line, of which entry, for pieces of any size."""
    alter, expected = ALTERATIONS[name]
    files = dict(export)
    alter(files)
    assert (files == export) == (name == "nothing")
    pieces = pieces_of(files, piece_bytes)
    findings = verify_export(pieces, files[MANIFEST], sha256(export[MANIFEST]).digest())
    assert [(str(f.code), f.file, f.line, f.entry) for f in findings] == expected


@pytest.mark.parametrize("piece_bytes", [1, 1 << 20])
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (CSV, b"\r\n", b"\n"),
        (CSV, b"\n", b"\r\n"),
        (ENTRIES, b"\n", b"\r\n"),
        ("receipts", b"\n", b"\r\n"),
        ("checkpoint", b"\n", b"\r\n"),
    ],
)
def test_changed_line_ends_are_one_finding(
    export: Files, name: str, old: bytes, new: bytes, piece_bytes: int
) -> None:
    """Every line would differ. RFC 4180 requires CR LF, the other files have LF."""
    files = {**export, name: export[name].replace(old, new)}
    (finding,) = verify_export(pieces_of(files, piece_bytes), files[MANIFEST])
    assert finding.file == name
    assert finding.message.startswith("only its line ends (LF, CR LF) are not those of the export")


def test_changed_line_ends_hide_no_changed_line(export: Files) -> None:
    """Lines are reported, not line ends."""
    files = dict(export)
    edited(CSV, lambda p: put(p, 4, b"another\r\n"))(files)
    files[CSV] = files[CSV].replace(b"\r\n", b"\n")
    findings = list(verify_export(pieces_of(files, 333), files[MANIFEST]))
    assert len(findings) > 1
    assert all("only its line ends" not in finding.message for finding in findings)


def test_finding_does_not_quote_an_event(export: Files) -> None:
    """It may end up in a log."""
    files = dict(export)
    edited(CSV, lambda p: put(p, 4, b"Mr Secret\r\n"))(files)
    (finding,) = verify_export({n: [d] for n, d in files.items()}, files[MANIFEST])
    assert finding.message == "line 5 (entry 4) is not what was exported"


def changed(change: Callable[[Any], object]) -> Callable[[Files], bytes]:
    """Return a manifest with this change."""

    def apply(files: Files) -> bytes:
        copy = dict(files)
        in_manifest(change)(copy)
        return copy[MANIFEST]

    return apply


MALFORMED: dict[str, Callable[[Files], bytes]] = {
    "not JSON": lambda files: b"{",
    "empty": lambda files: b"",
    "not UTF-8": lambda files: files[MANIFEST].replace(b"csv", b"\xff"),
    "no line break": lambda files: files[MANIFEST][:-1],
    "another version": changed(lambda m: m.update(version="audit-ledger/export/v2")),
    "an additional key": changed(lambda m: m.update(more=1)),
    "a missing key": changed(lambda m: m.pop("origin")),
    "a hash too short": changed(lambda m: m["files"][0].update(sha256="ab")),
    "a hash in upper case": changed(lambda m: m["files"][0].update(header="AB" * 32)),
    "an entries hash too short": changed(lambda m: m["files"][0]["lines"].update(sha256="ab")),
    "a negative count": changed(lambda m: m["files"][0]["lines"].update(count=-1)),
    "a negative size": changed(lambda m: m.update(size=-1)),
    "a path to another folder": changed(lambda m: m["files"][0].update(name="../passwd")),
    "a hidden path": changed(lambda m: m["files"][0].update(name=".ssh")),
    "a name twice": changed(lambda m: m["files"].append(m["files"][0])),
    "the manifest itself": changed(lambda m: m["files"][0].update(name=MANIFEST)),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_rejects_malformed_manifests(export: Files, name: str) -> None:
    """Only what the encoder writes is accepted."""
    data = MALFORMED[name](export)
    with pytest.raises(FormatError, match=r"^manifest: "):
        parse_manifest(data)
    (finding,) = verify_export({}, data)
    assert finding.code == "manifest-malformed"


def test_manifest_reads_back(export: Files) -> None:
    """Its repr does not contain the search."""
    manifest = parse_manifest(export[MANIFEST])
    assert manifest.to_bytes() == export[MANIFEST]
    assert repr(manifest) == "Manifest(entries=64)"
