"""Exports of older versions of this code verify with this version.

A line of an export is written again from its record and compared, so what a format writes for a
record can never change. A changed format needs another name, or its former lines among
`ExportFormat.earlier`.
"""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from audit_ledger.cli.main import run
from audit_ledger.events.ni_uri import ni_uri
from audit_ledger.exports.formats import FORMATS

MANIFESTS = sorted((Path(__file__).parent / "earlier").glob("v*/*/manifest.json"))


def test_stored_exports_cover_every_format() -> None:
    """Otherwise a format could change unnoticed."""
    assert {json.loads(path.read_bytes())["format"] for path in MANIFESTS} == {*FORMATS}


@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=["-".join(path.parts[-3:-1]) for path in MANIFESTS]
)
def test_exports_of_earlier_versions_verify(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line agrees with its record and is proven by its receipt."""
    export, digest = manifest.parent, ni_uri(sha256(manifest.read_bytes()).digest())
    policy = export.parent / "policy"
    arguments = ["verify-export", export, "--policy", policy, "--digest", digest, "--json"]
    code = run([str(argument) for argument in arguments])
    report = json.loads(capsys.readouterr().out)
    assert (code, report["findings"]) == (0, [])
    assert report["proved"] == report["records_shown"] == 5
