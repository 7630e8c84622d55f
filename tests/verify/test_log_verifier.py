"""Logs of other makers: everything but entry format, links and digests."""

import shutil
from pathlib import Path

import pytest

from audit_ledger.tlog.policy import parse_policy
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.log_verifier import verify_log
from audit_ledger.verify.sources import Folder
from audit_ledger.verify.verification_report import VerificationReport
from tests.verify.writer import Keys, ledger_of

VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
NOW = 1_795_327_080


def verified(folder: Path) -> VerificationReport:
    policy = parse_policy(f"log {VKEY}\nquorum none\n".encode())
    return verify_log(Folder(folder), policy, NOW, workers=1)


@pytest.fixture
def log(shared_dir: Path, tmp_path: Path) -> Path:
    """A copy of the log, to damage or to put back to an earlier checkpoint."""
    return Path(shutil.copytree(shared_dir / "vectors" / "tlog-tiles", tmp_path / "log"))


@pytest.mark.parametrize("size", range(16))
def test_a_log_of_others_verifies_at_each_size(log: Path, size: int) -> None:
    """transparency-dev's test log, by each of its checkpoints."""
    shutil.copy(log / f"checkpoint.{size}", log / "checkpoint")
    report = verified(log)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    assert report.checkpoint is not None
    assert report.checkpoint.size == size
    notes = " ".join(report.not_covered)
    assert "digests" in notes
    assert "no signature of its own keys states a time" in notes


@pytest.mark.parametrize(
    ("path", "code", "entries"),
    [
        ("tile/entries/000.p/15", "entry-altered", (0, 0)),
        ("tile/0/000.p/15", "tile-altered", (0, 0)),
    ],
)
def test_a_changed_byte_in_a_log_of_others_is_named(
    log: Path, path: str, code: str, entries: tuple[int, int]
) -> None:
    """The third byte of either file belongs to its first entry."""
    data = bytearray((log / path).read_bytes())
    data[2] ^= 1
    (log / path).write_bytes(data)
    report = verified(log)
    (finding,) = (f for f in report.findings if f.where == path)
    assert report.answer is Verdict.FAILED
    assert (str(finding.code), finding.entries) == (code, entries)


def test_a_ledger_verifies_as_a_log_like_any_other(tmp_path: Path) -> None:
    """Its digests are not verified, its signatures and freshness are."""
    writer = ledger_of(300)
    for path in [path for path in writer.objects.files if path.startswith("digests/")]:
        del writer.objects.files[path]
    policy = Keys().policy()
    for later, answer in ((0, Verdict.VERIFIED), (76 * 60, Verdict.INCOMPLETE)):
        report = verify_log(writer.objects, policy, writer.now + later, workers=1)
        assert report.answer is answer
