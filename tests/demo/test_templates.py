"""The app is synthesized once for what it is made of, and again when that changes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.demo import templates
from infra.demo.hospital import ST_ELSEWHERE


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders that were synthesized into, by something that takes less than seconds."""
    folders: list[Path] = []

    def synthesize(outdir: Path, *, settings: Mapping[str, Any]) -> Path:
        (outdir / "manifest.json").write_text(json.dumps(settings))
        folders.append(outdir)
        return outdir

    monkeypatch.setattr(templates, "synthesize", synthesize)
    return folders


def test_the_same_app_is_synthesized_once(tmp_path: Path, made: list[Path]) -> None:
    first, is_first_new = templates.cloud_assembly(tmp_path)
    again, is_again_new = templates.cloud_assembly(tmp_path)
    assert (first, is_first_new, is_again_new, len(made)) == (again, True, False, 1)
    assert (first / "manifest.json").is_file()


def test_other_settings_replace_the_assembly(
    tmp_path: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = templates.cloud_assembly(tmp_path)
    monkeypatch.setattr(templates, "SETTINGS", {**templates.SETTINGS, "domain": "other.example"})
    second, is_new = templates.cloud_assembly(tmp_path)
    assert is_new
    assert second != first
    assert list(tmp_path.iterdir()) == [second]


def test_replaces_an_unfinished_synthesis(tmp_path: Path, made: list[Path]) -> None:
    first, _ = templates.cloud_assembly(tmp_path)
    (first / "manifest.json").unlink()
    (first / "half-written").touch()
    again, is_new = templates.cloud_assembly(tmp_path)
    assert is_new
    assert (again / "manifest.json").is_file()


def test_the_demo_declares_the_ledgers_of_its_hospital() -> None:
    declared = {
        ledger["id"]: {portal["id"] for portal in ledger["portals"]}
        for ledger in templates.SETTINGS["ledgers"]
    }
    assert declared == {"st-elsewhere": {"ehr", "app"}, "riverside-lab": {"lab"}}
    assert declared == {name: set(portals) for name, portals in ST_ELSEWHERE.ledgers.items()}
