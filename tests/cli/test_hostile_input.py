"""What others named, and what was mistyped, neither steers a terminal nor ends in a traceback."""

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
    """No control character, and no line of their own, reaches the report."""
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
    """Exit 2, never a traceback."""
    policy = demo.build / "st-elsewhere.policy"
    assert run(["verify", url, "--policy", str(policy), "--no-state"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("given", [{}, {"index_row": None, "record": None, "row_blind": None}])
def test_an_empty_record_file_is_rejected(
    demo: DemoRun, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: dict[str, None]
) -> None:
    """Whoever gives one wants it checked."""
    source, policy = demo.build / "published/st-elsewhere", demo.build / "st-elsewhere.policy"
    proof, record = tmp_path / "entry.tlog-proof", tmp_path / "record.json"
    assert run(["receipt", "make", str(source), "7", "-o", str(proof)]) == 0
    record.write_text(json.dumps(given))
    options = ["--policy", str(policy), "--record", str(record)]
    assert run(["receipt", "verify", str(proof), *options]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unwritable_state_does_not_suppress_the_report(
    demo: DemoRun,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The report first, then one line and exit 2: the next run would know of no checkpoint."""

    def full(state: StateFile, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(state.path))

    monkeypatch.setattr(StateFile, "save", full)
    source, policy = demo.build / "published/st-elsewhere", demo.build / "st-elsewhere.policy"
    state = tmp_path / "state"
    assert run(["verify", str(source), "--policy", str(policy), "--state", str(state)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("verified: ")
    assert err == f"ledger: cannot remember what was verified: {state}: No space left on device\n"
