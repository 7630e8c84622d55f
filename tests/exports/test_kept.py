"""Exports that were made by older versions of this code verify with this one.

A line of an export is made again from its record, to see that it says the same; so what a format
writes for a record can never change. Who must change it gives the format another name, or
keeps the old way among `Format.earlier`, for those who hold such exports.
"""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from audit_ledger.cli.main import run
from audit_ledger.events.ni_uri import ni_uri
from audit_ledger.exports.formats import FORMATS

KEPT = sorted((Path(__file__).parent / "kept").glob("v*/*/manifest.json"))


def test_every_format_was_kept() -> None:
    """None is known that no older export shows to be what it was."""
    assert {json.loads(path.read_bytes())["format"] for path in KEPT} == {*FORMATS}


@pytest.mark.parametrize("manifest", KEPT, ids=["-".join(path.parts[-3:-1]) for path in KEPT])
def test_what_was_exported_verifies_for_ever(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line is what its record says, and proved to be in the ledger by its receipt."""
    export, digest = manifest.parent, ni_uri(sha256(manifest.read_bytes()).digest())
    policy = export.parent / "policy"
    arguments = ["verify-export", export, "--policy", policy, "--digest", digest, "--json"]
    code = run([str(argument) for argument in arguments])
    told = json.loads(capsys.readouterr().out)
    assert (code, told["findings"]) == (0, [])
    assert told["proved"] == told["records_shown"] == 5
