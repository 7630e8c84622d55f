"""Each way of tampering with a ledger that the real handlers created, and what detects it."""

from pathlib import Path

import pytest

from audit_ledger.aws.published_source import S3Source
from audit_ledger.cli.main import run as run_command
from audit_ledger.instants import format_instant
from audit_ledger.verify.ledger_verifier import verify_ledger
from functions.publisher.signing import Signer
from tests.attacks.case import GOES_ON, HEALS, Case
from tests.attacks.cases_receipts import IS_IN_THE_LEDGER, RECEIPT_ROWS, ReceiptRow, Shown, shown_of
from tests.attacks.ledger import COMMITTED, LATEST, SIZE, AttackedLedger
from tests.attacks.matrix import ROWS, answer_to
from tests.attacks.verdicts import found, look, publish
from tests.moto_state import published_files
from tests.verify.writer import Objects
from tests.world import LEDGER, NAME


def test_the_whole_ledger_is_verified_and_grows(ledger: AttackedLedger) -> None:
    """So the findings of the rows are about the tampering."""
    for size in (SIZE, COMMITTED):
        for remembering in (False, True):
            report = look(ledger, remembering=remembering)
            assert (report.answer, report.findings) == ("verified", ())
            assert report.checkpoint is not None
            assert report.checkpoint.size == size
        assert publish(ledger) == GOES_ON


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_verifier_and_the_publisher_detect_tampering(
    ledger: AttackedLedger, row: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly these findings; the publisher freezes for this reason, heals it or goes on."""
    row.tamper(ledger)
    first = look(ledger, later_seconds=row.later_seconds)
    assert found(first) == row.finds
    assert first.answer == answer_to(row.finds)
    second = look(ledger, remembering=True, later_seconds=row.later_seconds)
    assert found(second) == row.remembered_finds
    assert second.answer == answer_to(row.remembered_finds)

    if row.publisher not in (GOES_ON, HEALS):
        monkeypatch.setattr(Signer, "checkpoint", _signs)
        monkeypatch.setattr(Signer, "digest", _signs)
        assert publish(ledger) == row.publisher
        assert publish(ledger) == f"this ledger is {row.publisher}", "it stays frozen"
        return
    assert publish(ledger) == GOES_ON
    after = look(ledger, later_seconds=row.later_seconds)
    assert (after.answer == "verified") == (row.publisher == HEALS or not row.finds)


@pytest.mark.parametrize("row", [row for row in ROWS if row.finds], ids=lambda row: row.name)
def test_the_verifier_detects_tampering_without_a_listing(
    ledger: AttackedLedger, row: Case
) -> None:
    """Over plain HTTP nothing is listed: all but objects beside the ledger is detected."""
    row.tamper(ledger)
    report = look(ledger, later_seconds=row.later_seconds, can_list=False)
    assert report.answer == answer_to(row.finds_unlisted)


def _signs(*_: object) -> None:
    pytest.fail("the publisher signed a tampered ledger")


@pytest.fixture(scope="module")
def shown(shared_ledger: AttackedLedger) -> Shown:
    """The receipt of an entry, and what its holder may disclose."""
    shared_ledger.restore()
    return shown_of(shared_ledger)


def test_an_untouched_receipt_is_verified(shown: Shown) -> None:
    """With the record that the entry commits to."""
    assert shown.verdict() == IS_IN_THE_LEDGER


@pytest.mark.parametrize("row", RECEIPT_ROWS, ids=lambda row: row.way)
def test_a_tampered_receipt_is_refused(shown: Shown, row: ReceiptRow) -> None:
    """The error names the part that is wrong."""
    assert row.tamper(shown).verdict() == row.error


@pytest.mark.parametrize(
    "name",
    [
        "published entry: changed",
        "planted object: beside the tiles",
        "published files: all deleted",
    ],
)
def test_the_findings_are_the_same_for_the_bucket(ledger: AttackedLedger, name: str) -> None:
    """The matrix verifies a copy of the files; readers read S3."""
    row = next(row for row in ROWS if row.name == name)
    row.tamper(ledger)
    source = S3Source(f"{NAME}-published", LEDGER)
    report = verify_ledger(source, ledger.policy, ledger.now, workers=1, wait=lambda _: None)
    assert found(report) == row.finds


CLOUDTRAIL_EXITS_0 = ("digests: newest deleted", "digests: all deleted")


@pytest.mark.parametrize("name", CLOUDTRAIL_EXITS_0)
def test_deleted_digests_leave_the_verification_incomplete(
    ledger: AttackedLedger, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`aws cloudtrail validate-logs` exits 0 where `ledger verify` exits 3: incomplete."""
    next(row for row in ROWS if row.name == name).tamper(ledger)
    folder = Objects(published_files(LEDGER)).write_to(tmp_path / "ledger")
    policy = tmp_path / "policy"
    policy.write_bytes(ledger.policy.to_bytes())
    now = format_instant(ledger.now)
    command = ["verify", str(folder), "--policy", str(policy), "--no-state", "--at", now]
    assert run_command(command) == 3
    assert f"missing: {LATEST}" in capsys.readouterr().out
