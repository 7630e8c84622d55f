"""`ledger verify-export`: whether an export is what was made, and what the ledger has; offline."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

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
from audit_ledger.exports.manifest import MANIFEST, Manifest, parse_manifest
from audit_ledger.exports.verify_export import ExportCode, ExportFinding, verify_export
from audit_ledger.verify.findings import Verdict

_PIECE_BYTES = 1 << 20
_SHOWN = 100
_NI = re.compile(r"ni:///sha-256;([A-Za-z0-9_-]{43})")
_HEX = re.compile(r"[0-9a-f]{64}")


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
    result = _Result(folder, expected)
    for finding in verify_export(files, manifest_bytes, expected):
        result.add(finding)
    if all(finding.code != ExportCode.MANIFEST_MALFORMED for finding in result.listed):
        result.manifest = parse_manifest(manifest_bytes)
        if not result.count:
            result.proofs = Proofs(result.manifest, lambda name: _pieces(folder / name), policy)
            result.verify(result.proofs)
    if as_json:
        echo_json(result.for_machines())
    else:
        for line in result.for_people():
            click.echo(printable(line))
    return EXIT_CODES[result.answer]


@dataclass
class _Result:
    """What was found of an export: the first findings, and how many there are.

    `digest`: None where the export is not known to be the one that was made.
    """

    folder: Path
    digest: bytes | None
    manifest: Manifest | None = None
    proofs: Proofs | None = None
    listed: list[ExportFinding] = field(default_factory=list)
    count: int = 0

    def add(self, finding: ExportFinding) -> None:
        self.count += 1
        if self.count <= _SHOWN:
            self.listed.append(finding)

    def verify(self, proofs: Proofs) -> None:
        """Verify the receipts. The error that ends them is listed beyond any number."""
        try:
            for entry, message in proofs.findings():
                self.add(_rejected(message, entry))
        except FormatError as error:
            self.count += 1
            self.listed.append(_rejected(str(error), None))

    @property
    def answer(self) -> Verdict:
        """The answer. Unless the digest is known, lines without a record may say anything."""
        if self.count:
            return Verdict.FAILED
        proofs, is_made = self.proofs, self.digest is not None
        if proofs is not None and proofs.is_empty and is_made:
            return Verdict.VERIFIED
        if proofs is None or proofs.opinion is None or not proofs.opinion.satisfied:
            return Verdict.INCOMPLETE
        is_shown = proofs.shown == proofs.proved
        return Verdict.VERIFIED if is_made or is_shown else Verdict.INCOMPLETE

    @property
    def not_covered(self) -> list[str]:
        """What the answer does not mean."""
        proofs = self.proofs
        if self.manifest is None or proofs is None:
            return []
        notes = {
            "whether this is the export that was made, of the search that it names, and which of "
            "its events came under an id that was taken: its digest was not given": (
                self.digest is None
            ),
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

    def for_people(self) -> Iterator[str]:
        manifest, proofs = self.manifest, self.proofs
        yield f"{self.answer}: {self.folder if manifest is None else manifest.origin}"
        if manifest is not None and proofs is not None:
            entries = f"{manifest.entries:,} entries as {manifest.format}"
            yield f"  {entries}, of {manifest.size:,} published"
            shown = f"{proofs.shown:,} with their records"
            yield f"  {proofs.proved:,} proved to be in the ledger, {shown}"
        for finding in self.listed:
            is_said = finding.entry is None or "(entry" in finding.message
            entry = "" if is_said else f" (entry {finding.entry})"
            yield f"  {finding.code}: {finding.file}: {finding.message}{entry}"
        if self.count > len(self.listed):
            yield f"  and {self.count - len(self.listed):,} more"
        if self.not_covered:
            yield "not covered:"
            yield from (f"  {note}" for note in self.not_covered)

    def for_machines(self) -> dict[str, object]:
        manifest, proofs = self.manifest, self.proofs
        return {
            "answer": self.answer,
            "origin": manifest and manifest.origin,
            "size": manifest and manifest.size,
            "entries": manifest and manifest.entries,
            "proved": 0 if proofs is None else proofs.proved,
            "records_shown": 0 if proofs is None else proofs.shown,
            "findings": [
                {"code": f.code, "where": f.file, "entry": f.entry, "message": f.message}
                for f in self.listed
            ],
            "findings_left_out": self.count - len(self.listed),
            "not_covered": self.not_covered,
        }


def _rejected(message: str, entry: int | None) -> ExportFinding:
    return ExportFinding(ExportCode.RECEIPT_REJECTED, "receipts", message, entry=entry)


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
