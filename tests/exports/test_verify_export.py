"""Every way to tamper with an export is found, and told exactly."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from audit_ledger.errors import FormatError
from audit_ledger.exports.manifest import (
    MANIFEST,
    decode_manifest,
    encode_manifest,
)
from audit_ledger.exports.verify_export import verify_export
from tests.exports.exported import SampleLedger, exported, pieces_of

Files = dict[str, bytes]
Told = list[tuple[str, str, int | None, int | None]]
CSV, ENTRIES = "events.csv", "events.csv.entries"


def lines(files: Files, name: str) -> list[bytes]:
    return files[name].splitlines(keepends=True)


def edited(name: str, edit: Callable[[list[bytes]], object]) -> Callable[[Files], None]:
    """Change the lines of one file."""

    def apply(files: Files) -> None:
        parts = lines(files, name)
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
    """Change the manifest, spelled as ours."""

    def apply(files: Files) -> None:
        document = json.loads(files[MANIFEST])
        change(document)
        files[MANIFEST] = json.dumps(document, separators=(",", ":")).encode() + b"\n"

    return apply


def vouched(files: Files) -> Files:
    """Change a line and the file that vouches for it."""
    edited(CSV, lambda p: put(p, 3, p[3].replace(b"ehr", b"her")))(files)
    edited(ENTRIES, lambda p: put(p, 2, p[2][:-2] + b"0\n"))(files)
    return files


# What is done to the CSV export (line 1 is the header, line n is of entry n - 1), and what is told:
# code, file, line, entry.
TAMPERINGS: dict[str, tuple[Callable[[Files], object], Told]] = {
    "nothing": (lambda files: None, []),
    "a line changed": (
        edited(CSV, lambda p: put(p, 4, p[4].replace(b"ehr", b"her"))),
        [("line-changed", CSV, 5, 4)],
    ),
    "the last line's end is gone": (
        edited(CSV, lambda p: put(p, 64, p[64][:-2])),
        [("line-changed", CSV, 65, 64)],
    ),
    "a line missing": (edited(CSV, lambda p: p.pop(4)), [("line-missing", CSV, 5, 4)]),
    "the first line missing": (edited(CSV, lambda p: p.pop(1)), [("line-missing", CSV, 2, 1)]),
    "the last line missing": (edited(CSV, lambda p: p.pop()), [("line-missing", CSV, 65, 64)]),
    "a line added": (
        edited(CSV, lambda p: p.insert(4, b"9,made up\r\n")),
        [("line-added", CSV, 5, None)],
    ),
    "a line twice": (edited(CSV, lambda p: p.append(p[4])), [("line-added", CSV, 66, None)]),
    "bytes at the end": (
        edited(CSV, lambda p: p.append(b"x")),
        [("line-added", CSV, 66, None)],
    ),
    "two lines swapped": (
        edited(CSV, lambda p: swap(p, 4, 5)),
        [("line-reordered", CSV, 5, 5)],
    ),
    "the first line moved to the end": (
        edited(CSV, lambda p: p.append(p.pop(1))),
        [("line-reordered", CSV, 65, 1)],
    ),
    "the header changed": (
        edited(CSV, lambda p: put(p, 0, p[0].replace(b"portal", b"sender"))),
        [("header-changed", CSV, 1, None)],
    ),
    "the header missing": (edited(CSV, lambda p: p.pop(0)), [("header-missing", CSV, 1, None)]),
    "the header moved": (
        edited(CSV, lambda p: p.append(p.pop(0))),
        [("header-reordered", CSV, 65, None)],
    ),
    "several at once": (
        edited(CSV, edit_several),
        [
            ("line-added", CSV, 11, None),
            ("line-changed", CSV, 32, 30),
            ("line-missing", CSV, 62, 60),
        ],
    ),
    "a file missing": (lambda files: files.pop(CSV), [("file-missing", CSV, None, None)]),
    "what vouches for lines missing": (
        lambda files: files.pop(ENTRIES),
        [("file-missing", ENTRIES, None, None)],
    ),
    "both missing": (
        lambda files: (files.pop(CSV), files.pop(ENTRIES)),
        [("file-missing", CSV, None, None), ("file-missing", ENTRIES, None, None)],
    ),
    "a file changed, what vouches missing": (
        lambda files: vouched(files).pop(ENTRIES),
        [("file-altered", CSV, None, None), ("file-missing", ENTRIES, None, None)],
    ),
    "a file missing, what vouches changed": (
        lambda files: vouched(files).pop(CSV),
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
    "a file too many": (
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
    "what vouches for lines changed": (
        edited(ENTRIES, lambda p: put(p, 2, b"7" + p[2][1:])),
        [("entries-altered", ENTRIES, None, None)],
    ),
    "what vouches for lines is none": (
        edited(ENTRIES, lambda p: put(p, 2, b"nonsense\n")),
        [("entries-altered", ENTRIES, None, None)],
    ),
    "what vouches for lines has a line without end": (
        edited(ENTRIES, lambda p: put(p, 2, b"0" * 100_000)),
        [("entries-altered", ENTRIES, None, None)],
    ),
    "a line and what vouches for it": (
        vouched,
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
    "the manifest: other spelling": (
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
    "the manifest: a file less": (
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


@pytest.mark.parametrize("name", TAMPERINGS)
@pytest.mark.parametrize("piece_bytes", [333, 1 << 20])
def test_each_tampering_is_told_exactly(export: Files, name: str, piece_bytes: int) -> None:
    """What, in which file, in which line, of which entry; however the files come in pieces."""
    tamper, expected = TAMPERINGS[name]
    files = dict(export)
    tamper(files)
    assert (files == export) == (name == "nothing")
    pieces = pieces_of(files, piece_bytes)
    found = list(verify_export(pieces, files[MANIFEST], sha256(export[MANIFEST]).digest()))
    assert [(str(f.code), f.file, f.line, f.entry) for f in found] == expected


@pytest.mark.parametrize("piece_bytes", [1, 333, 1 << 20])
@pytest.mark.parametrize(("found", "made"), [(b"\r\n", b"\n"), (b"\n", b"\r\n")])
@pytest.mark.parametrize("name", [CSV, ENTRIES, "receipts", "checkpoint"])
def test_line_ends_that_a_transfer_changed_are_one_finding(
    export: Files, name: str, found: bytes, made: bytes, piece_bytes: int
) -> None:
    """Each line would differ; what differs is said once. RFC 4180 has CR LF, the others LF."""
    files = {**export, name: export[name].replace(found, made)}
    if files == export:
        return
    (finding,) = verify_export(pieces_of(files, piece_bytes), files[MANIFEST])
    assert finding.file == name
    assert finding.message.startswith("only its line ends (LF, CR LF) are not those of the export")


def test_a_line_that_changed_too_is_found_whatever_the_line_ends(export: Files) -> None:
    """Other line ends hide nothing."""
    files = dict(export)
    edited(CSV, lambda p: put(p, 4, b"another\r\n"))(files)
    files[CSV] = files[CSV].replace(b"\r\n", b"\n")
    found = list(verify_export(pieces_of(files, 333), files[MANIFEST]))
    assert len(found) > 1
    assert all("only its line ends" not in finding.message for finding in found)


def test_a_finding_quotes_nothing_of_an_event(export: Files) -> None:
    """It may end up in a log."""
    files = dict(export)
    edited(CSV, lambda p: put(p, 4, b"Mr Secret\r\n"))(files)
    (finding,) = verify_export({n: [d] for n, d in files.items()}, files[MANIFEST])
    assert finding.message == "line 5 (entry 4) is not what was exported"


def changed(change: Callable[[Any], object]) -> Callable[[Files], bytes]:
    """A manifest made by another writer than ours."""

    def apply(files: Files) -> bytes:
        copy = dict(files)
        in_manifest(change)(copy)
        return copy[MANIFEST]

    return apply


MALFORMED: dict[str, Callable[[Files], bytes]] = {
    "no JSON": lambda files: b"{",
    "nothing": lambda files: b"",
    "not UTF-8": lambda files: files[MANIFEST].replace(b"csv", b"\xff"),
    "no line break": lambda files: files[MANIFEST][:-1],
    "another version": changed(lambda m: m.update(version="audit-ledger/export/v2")),
    "a key too many": changed(lambda m: m.update(more=1)),
    "a key less": changed(lambda m: m.pop("origin")),
    "a hash too short": changed(lambda m: m["files"][0].update(sha256="ab")),
    "a hash in capitals": changed(lambda m: m["files"][0].update(header="AB" * 32)),
    "an entries hash too short": changed(lambda m: m["files"][0]["lines"].update(sha256="ab")),
    "a negative count": changed(lambda m: m["files"][0]["lines"].update(count=-1)),
    "a negative size": changed(lambda m: m.update(size=-1)),
    "a path that leads elsewhere": changed(lambda m: m["files"][0].update(name="../passwd")),
    "a hidden path": changed(lambda m: m["files"][0].update(name=".ssh")),
    "a name twice": changed(lambda m: m["files"].append(m["files"][0])),
    "itself": changed(lambda m: m["files"][0].update(name=MANIFEST)),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_other_manifests_are_refused(export: Files, name: str) -> None:
    """Exactly what the encoder writes is read."""
    data = MALFORMED[name](export)
    with pytest.raises(FormatError, match=r"^manifest: "):
        decode_manifest(data)
    (finding,) = verify_export({}, data)
    assert finding.code == "manifest-malformed"


def test_a_manifest_reads_back(export: Files) -> None:
    """And shows nothing of the search when it ends up in a message."""
    manifest = decode_manifest(export[MANIFEST])
    assert encode_manifest(manifest) == export[MANIFEST]
    assert repr(manifest) == "Manifest(entries=64)"
