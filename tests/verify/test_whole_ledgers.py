"""Ledgers that nobody touched are verified, at every size where tiles change their shape."""

import pytest

from audit_ledger.verify.findings import FindingCode, Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.verification_report import VerificationReport
from tests.verify.writer import MINUTE, Keys, Objects, Writer, ledger_of


def report_of(objects: Objects, now: int, workers: int = 1) -> VerificationReport:
    return verify_ledger(objects, Keys().policy(), now, workers=workers, wait=lambda _: None)


@pytest.mark.parametrize("size", [1, 2, 9, 10, 11, 99, 101, 255, 256, 257, 511, 512, 513, 1001])
def test_every_shape_of_the_tree_is_verified(size: int) -> None:
    """Partial, full and just filled tiles, and every number of digits of seq."""
    writer = ledger_of(size)
    report = report_of(writer.objects, writer.now)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    assert report.checkpoint is not None
    assert (report.checkpoint.size, report.digests) == (size, 1)


def test_a_ledger_with_two_levels_of_full_tiles_is_verified() -> None:
    """65,537 entries: the first hash of level 2 rests on a full tile of level 1."""
    writer = ledger_of(300, 65_536, 65_537)
    assert "tile/2/000.p/1" in writer.objects.files
    report = report_of(writer.objects, writer.now)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())


def test_many_small_publications_are_verified() -> None:
    """Every digest's root is found in one pass, wherever in a bundle its size ends."""
    sizes = [1, 2, 3, 100, 255, 256, 257, 258, 300, 511, 512, 600, 1000]
    writer = ledger_of(*sizes)
    report = report_of(writer.objects, writer.now)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    assert report.digests == len(sizes)


def test_control_entries_are_verified_and_recounted() -> None:
    """A bundle with control entries takes the exact path, with the same result."""
    writer = Writer()
    for count in (1, 300, 40):
        writer.add_events(count)
        writer.add_control()
        writer.publish()
    report = report_of(writer.objects, writer.now)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())


def test_a_heartbeat_is_a_digest_without_entries() -> None:
    """The hourly digest of an idle ledger."""
    writer = ledger_of(300)
    for _ in range(2):
        writer.now += 59 * MINUTE
        writer.publish()
    report = report_of(writer.objects, writer.now)
    assert (report.answer, report.digests) == (Verdict.VERIFIED, 3)


def test_worker_processes_return_the_same_report() -> None:
    """Ranges of other processes are linked to each other."""
    writer = ledger_of(20_000, 40_000)
    report = report_of(writer.objects, writer.now, workers=2)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    data = bytearray(writer.objects.files["tile/entries/100"])
    data[1000] ^= 1
    writer.objects.files["tile/entries/100"] = bytes(data)
    report = report_of(writer.objects, writer.now, workers=2)
    assert [finding.code for finding in report.findings] == [FindingCode.ENTRY_ALTERED]


def test_an_old_partial_tile_beside_the_present_one_is_no_finding() -> None:
    """Partial tiles of earlier checkpoints are deleted only once they are full."""
    writer = ledger_of(100, 200)
    assert {"tile/0/000.p/100", "tile/0/000.p/200"} <= set(writer.objects.files)
    assert report_of(writer.objects, writer.now).answer is Verdict.VERIFIED


def test_the_report_lists_what_it_did_not_cover() -> None:
    """Verified does not mean more than it covers."""
    writer = ledger_of(10)
    notes = " ".join(report_of(writer.objects, writer.now).not_covered)
    assert "receipt" in notes
    assert "blocks" in notes
    assert "no independent witness cosigned" in notes
    assert "no earlier verification is remembered" in notes
    assert "cannot list" not in notes
    writer.objects.can_list = False
    assert "cannot list" in " ".join(report_of(writer.objects, writer.now).not_covered)


def test_a_publication_during_the_first_reads_is_read_again() -> None:
    """The earlier checkpoint and the later digest are no finding."""
    writer = ledger_of(300)
    before = writer.objects.files["checkpoint"]
    writer.add_events(50)
    writer.publish()
    waits: list[float] = []

    class Growing(Objects):
        def read(self, path: str) -> bytes | None:
            is_first = path == "checkpoint" and len(waits) == 1
            return before if is_first else super().read(path)

    source = Growing(writer.objects.files)
    report = verify_ledger(source, Keys().policy(), writer.now, workers=1, wait=waits.append)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    assert report.checkpoint is not None
    assert (report.checkpoint.size, len(waits)) == (350, 2)
