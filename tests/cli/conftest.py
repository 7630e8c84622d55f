"""A desk for every test of the command, with a home folder of its own."""

from pathlib import Path

import pytest

from tests.cli.ledger_command import Desk, make_desk


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """A fresh ledger, its policy, and nothing remembered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("LEDGER_TOKEN", raising=False)
    return make_desk(tmp_path, capsys)
