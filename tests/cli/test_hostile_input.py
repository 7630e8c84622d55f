"""Hostile names and mistyped input neither control a terminal nor cause a traceback."""

import errno
import json
from pathlib import Path

import pytest

from audit_ledger.cli.main import run
from audit_ledger.verify.state_files import StateFile
from tests.conftest import DemoRun

ESCAPES = "\x1b[2J\x1b[32mverified"


def test_names_of_planted_files_are_escaped(
    demo: DemoRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report contains no control character and no line of such a name."""
    copy = tmp_path / "copy"
    for file in (demo.build / "published/st-elsewhere").rglob("*"):
        if file.is_file():
            place = copy / file.relative_to(demo.build / "published/st-elsewhere")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    (copy / ESCAPES).touch()
    (copy / "a\nverified: all").touch()
    policy = demo.build / "st-elsewhere.policy"
    assert run(["verify", str(copy), "--policy", str(policy), "--no-state"]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert not [line for line in out.splitlines() if line.startswith("verified")]
    assert "\\x1b[2J" in out


@pytest.mark.parametrize(
    "url", ["https://[::1", "http://ex..ample/", "http://127.0.0.1:9/é", "https://", "http://"]
)
def test_an_invalid_url_is_reported_in_one_line(
    demo: DemoRun, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    """The exit code is 2, and there is no traceback."""
    policy = demo.build / "st-elsewhere.policy"
    assert run(["verify", url, "--policy", str(policy), "--no-state"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("record", [{}, {"index_row": None, "record": None, "row_blind": None}])
def test_an_empty_record_file_is_rejected(
    demo: DemoRun, tmp_path: Path, capsys: pytest.CaptureFixture[str], record: dict[str, None]
) -> None:
    """A user who passes a file expects that it is checked."""
    source, policy = demo.build / "published/st-elsewhere", demo.build / "st-elsewhere.policy"
    proof, file = tmp_path / "entry.tlog-proof", tmp_path / "record.json"
    assert run(["receipt", "make", str(source), "7", "-o", str(proof)]) == 0
    file.write_text(json.dumps(record))
    options = ["--policy", str(policy), "--record", str(file)]
    assert run(["receipt", "verify", str(proof), *options]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unwritable_state_does_not_suppress_the_report(
    demo: DemoRun,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The exit code is 2, since the next run would have no checkpoint to compare with."""

    def full(state: StateFile, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(state.path))

    monkeypatch.setattr(StateFile, "save", full)
    source, policy = demo.build / "published/st-elsewhere", demo.build / "st-elsewhere.policy"
    state = tmp_path / "state"
    assert run(["verify", str(source), "--policy", str(policy), "--state", str(state)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("verified: ")
    assert err == f"ledger: cannot remember what was verified: {state}: No space left on device\n"
