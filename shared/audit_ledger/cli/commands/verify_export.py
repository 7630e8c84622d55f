"""`ledger verify-export`: whether an export is what was made, and what the ledger has; offline."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import Any

import click

from audit_ledger.cli.command import LedgerCommand
from audit_ledger.cli.exit_codes import EXIT_CODES, UsageError
from audit_ledger.cli.export_proofs import Proofs
from audit_ledger.cli.files import read_policy
from audit_ledger.cli.json_output import echo_json
from audit_ledger.cli.parameters import AS_JSON, FILE
from audit_ledger.client.files import read_file
from audit_ledger.client.shown_text import printable
from audit_ledger.errors import FormatError
from audit_ledger.exports.manifest import MANIFEST, Manifest, decode_manifest
from audit_ledger.exports.verify_export import ExportCode, verify_export
from audit_ledger.verify.findings import Verdict

_PIECE_BYTES = 1 << 20
_SHOWN = 100
_NI = re.compile(r"ni:///sha-256;([A-Za-z0-9_-]{43})")
_HEX = re.compile(r"[0-9a-f]{64}")
_NOT_PROVED = "receipt-rejected"


@click.command("verify-export", cls=LedgerCommand)
@click.argument("folder", type=FILE, metavar="DIR")
@click.option("--policy", "policy_file", type=FILE, required=True, help="Whom to trust.")
@click.option("--digest", metavar="DIGEST", help="Of the manifest: ni:///sha-256;…, or hex.")
@AS_JSON
def command(folder: Path, policy_file: Path, digest: str | None, as_json: bool) -> int:
    """Verify an export offline: files, lines, and that the ledger has what they say.

    Exit codes: 0 verified, 1 failed (each finding is named), 2 usage, 3 incomplete.
    """
    policy = read_policy(policy_file)
    expected = None if digest is None else _digest(digest)
    files = _Files(folder)
    manifest_bytes = read_file(folder / MANIFEST)
    found: list[dict[str, Any]] = []
    count = 0
    for finding in verify_export(files, manifest_bytes, expected):
        count += 1
        if count <= _SHOWN:
            found.append(
                {
                    "code": finding.code,
                    "where": finding.file,
                    "entry": finding.entry,
                    "message": finding.message,
                }
            )
    is_readable = all(finding["code"] != ExportCode.MANIFEST_MALFORMED for finding in found)
    manifest = decode_manifest(manifest_bytes) if is_readable else None
    proofs: Proofs | None = None
    if manifest is not None and not count:
        proofs = Proofs(manifest, lambda name: _pieces(folder / name), policy)
        try:
            for entry, message in proofs.findings():
                count += 1
                if count <= _SHOWN:
                    where = {"code": _NOT_PROVED, "where": "receipts", "entry": entry}
                    found.append({**where, "message": message})
        except FormatError as error:
            count += 1
            where = {"code": _NOT_PROVED, "where": "receipts", "entry": None}
            found.append({**where, "message": str(error)})
    not_covered = _not_covered(manifest, proofs, expected)
    answer = _answer(count, proofs, is_made=expected is not None)
    if as_json:
        echo_json(_for_machines(answer, manifest, proofs, found, count, not_covered))
    else:
        for line in _for_people(answer, folder, manifest, proofs, found, count, not_covered):
            click.echo(printable(line))
    return EXIT_CODES[answer]


class _Files(dict[str, Iterator[bytes]]):
    """The folder's files by name, each read in pieces.

    Hidden files are no part of an export: file managers leave some.
    """

    def __init__(self, folder: Path) -> None:
        try:
            paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
            odd = [path for path in paths if not S_ISREG(path.lstat().st_mode)]
        except OSError as error:
            raise UsageError(f"{folder}: {error.strerror}") from None
        if odd:  # who made it may want a reader to hang, or to read another file
            raise UsageError(f"{odd[0]}: not a plain file")
        super().__init__({path.name: iter(()) for path in paths})
        self._folder = folder

    def __getitem__(self, name: str) -> Iterator[bytes]:
        return _pieces(self._folder / name)


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _digest(text: str) -> bytes:
    if form := _NI.fullmatch(text):
        return urlsafe_b64decode(f"{form[1]}=")
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    raise UsageError("--digest: expected ni:///sha-256;… or 64 hex digits")


def _answer(findings: int, proofs: Proofs | None, *, is_made: bool) -> Verdict:
    """Return the answer; `is_made`: the export is known to be the one that was made.

    Without that, lines whose records are not disclosed may say anything.
    """
    if findings:
        return Verdict.FAILED
    if proofs is not None and proofs.is_empty and is_made:
        return Verdict.VERIFIED
    if proofs is None or proofs.opinion is None or not proofs.opinion.satisfied:
        return Verdict.INCOMPLETE
    return Verdict.VERIFIED if is_made or proofs.shown == proofs.proved else Verdict.INCOMPLETE


def _not_covered(
    manifest: Manifest | None, proofs: Proofs | None, digest: bytes | None
) -> list[str]:
    if manifest is None or proofs is None:
        return []
    notes = {
        "whether this is the export that was made, of the search that it names, and which of its "
        "events came under an id that was taken: its digest was not given": digest is None,
        "whether the ledger has these entries: the export has no receipts": (
            proofs.opinion is None and not proofs.is_empty
        ),
        "what the entries' records say: they are not disclosed": (
            proofs.opinion is not None and not proofs.shown
        ),
        "whether there is more that the search would have found": True,
    }
    if proofs.opinion is not None and not proofs.opinion.satisfied:
        missing = ", ".join(proofs.opinion.missing)
        notes[f"whether it is witnessed as the policy asks; no cosignature by {missing}"] = True
    return [note for note, applies in notes.items() if applies]


def _for_people(
    answer: Verdict,
    folder: Path,
    manifest: Manifest | None,
    proofs: Proofs | None,
    found: list[dict[str, Any]],
    count: int,
    not_covered: list[str],
) -> Iterator[str]:
    yield f"{answer}: {folder if manifest is None else manifest.origin}"
    if manifest is not None and proofs is not None:
        yield f"  {manifest.entries:,} entries as {manifest.format}, of {manifest.size:,} published"
        yield f"  {proofs.proved:,} proved to be in the ledger, {proofs.shown:,} with their records"
    for finding in found:
        entry = "" if finding["entry"] is None else f" (entry {finding['entry']})"
        message = finding["message"]
        suffix = "" if finding["entry"] is not None and "(entry" in message else entry
        yield f"  {finding['code']}: {finding['where']}: {message}{suffix}"
    if count > len(found):
        yield f"  and {count - len(found):,} more"
    if not_covered:
        yield "not covered:"
        yield from (f"  {note}" for note in not_covered)


def _for_machines(
    answer: Verdict,
    manifest: Manifest | None,
    proofs: Proofs | None,
    found: list[dict[str, Any]],
    count: int,
    not_covered: list[str],
) -> dict[str, object]:
    return {
        "answer": answer,
        "origin": manifest and manifest.origin,
        "size": manifest and manifest.size,
        "entries": manifest and manifest.entries,
        "proved": 0 if proofs is None else proofs.proved,
        "records_shown": 0 if proofs is None else proofs.shown,
        "findings": found,
        "findings_left_out": count - len(found),
        "not_covered": not_covered,
    }
