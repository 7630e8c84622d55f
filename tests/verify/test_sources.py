"""A ledger is read from a folder, and many objects at once from any source."""

import os
import pickle
from itertools import islice
from pathlib import Path

import pytest

from audit_ledger.errors import UnreachableError
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.http_source import HttpSource
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.sources import MAX_OBJECT_BYTES, Folder, read_many
from tests.verify.writer import Keys, Objects, ledger_of


def test_a_ledger_verifies_from_a_folder(tmp_path: Path) -> None:
    """As from a mirror or a backup."""
    writer = ledger_of(300, 600)
    folder = Folder(writer.objects.write_to(tmp_path))
    assert verify_ledger(folder, Keys().policy(), writer.now, workers=1).answer is Verdict.VERIFIED
    assert sorted(folder.list_all()) == sorted(writer.objects.files)


def test_sources_can_be_pickled() -> None:
    """Each is equal afterwards."""
    for source in (Folder(Path("x")), HttpSource("https://ledger.example.org/", "t")):
        assert pickle.loads(pickle.dumps(source)) == source


def test_irregular_files_of_a_folder_are_errors(tmp_path: Path) -> None:
    """A folder or pipe is not waited for; a missing folder is not an empty ledger."""
    (tmp_path / "checkpoint").mkdir()
    os.mkfifo(tmp_path / "pipe")
    folder = Folder(tmp_path)
    for path in ("checkpoint", "pipe"):
        with pytest.raises(UnreachableError, match=path):
            folder.read(path)
    assert folder.read("tile/0/000") is None
    with pytest.raises(UnreachableError, match="no such folder"):
        Folder(tmp_path / "other").read("checkpoint")


def test_a_folder_below_a_link_is_unreachable(tmp_path: Path) -> None:
    """Its objects are not listed, so the verdict is incomplete; so is a loop."""
    writer = ledger_of(300, 600)
    folder, elsewhere = tmp_path / "ledger", tmp_path / "elsewhere"
    writer.objects.write_to(folder)
    (folder / "digests").rename(elsewhere)
    (elsewhere / "stray").write_bytes(b"x")
    (folder / "digests").symlink_to(elsewhere)
    report = verify_ledger(Folder(folder), Keys().policy(), writer.now, workers=1)
    assert report.answer is Verdict.INCOMPLETE
    assert "digests: a link to a folder" in report.findings[0].message
    (folder / "digests").unlink()
    elsewhere.rename(folder / "digests")
    (folder / "digests" / "stray").unlink()
    (folder / "around").symlink_to(folder)
    report = verify_ledger(Folder(folder), Keys().policy(), writer.now, workers=1)
    assert report.answer is Verdict.INCOMPLETE
    (folder / "around").unlink()
    (folder / "around").symlink_to("around")
    report = verify_ledger(Folder(folder), Keys().policy(), writer.now, workers=1)
    assert [(str(f.code), f.where) for f in report.findings] == [("unknown-object", "around")]


def test_folders_can_be_nested_deeper_than_python_calls(tmp_path: Path) -> None:
    """The walk does not recurse."""
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("a", dir_fd=folder)
        deeper = os.open("a", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    os.close(os.open("object", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    try:
        assert list(Folder(tmp_path).list_all()) == ["a/" * 1200 + "object"]
    finally:  # shutil.rmtree, which pytest would call, recurses
        for depth in range(1200, 0, -1):
            below = tmp_path / ("a/" * depth)
            (below / "object").unlink(missing_ok=True)
            below.rmdir()


def test_a_huge_file_is_read_up_to_the_largest_size(tmp_path: Path) -> None:
    """A sparse file of a terabyte takes no more memory than a bundle."""
    with (tmp_path / "checkpoint").open("wb") as file:
        file.truncate(1 << 40)
    data = Folder(tmp_path).read("checkpoint")
    assert data is not None
    assert len(data) == MAX_OBJECT_BYTES + 1


class Silent(Objects):
    """A place that stopped answering."""

    requests = 0

    def read(self, path: str) -> bytes | None:
        self.requests += 1
        raise UnreachableError(f"{path}: silence")


@pytest.mark.parametrize("is_remote", [False, True])
def test_a_silent_source_is_not_requested_any_more(is_remote: bool) -> None:
    """After eight failures in a row; every object still has a result."""
    source = Silent(is_remote=is_remote)
    outcomes = list(islice(read_many(source, map(str, range(1000))), 1000))
    assert len(outcomes) == 1000
    assert all(isinstance(outcome, UnreachableError) for outcome in outcomes)
    assert source.requests <= 40


def test_concurrent_reads_are_returned_in_order() -> None:
    """Objects are read ahead."""
    source = Objects({str(n): b"%d" % n for n in range(100)}, is_remote=True)
    assert list(read_many(source, map(str, range(100)))) == [b"%d" % n for n in range(100)]


def test_a_source_that_becomes_silent_is_incomplete() -> None:
    """The objects that were read are verified, the others are named without a wait for each."""
    writer = ledger_of(20_000)

    class Failing(Objects):
        requests = 0

        def read(self, path: str) -> bytes | None:
            if path.startswith(("tile/entries/0", "tile/0/0")) and path[-2:] >= "20":
                self.requests += 1
                raise UnreachableError(f"{path}: silence")
            return super().read(path)

    source = Failing(writer.objects.files)
    report = verify_ledger(source, Keys().policy(), writer.now, workers=1)
    assert report.answer is Verdict.INCOMPLETE
    assert {str(finding.code) for finding in report.findings} == {"unreachable"}
    spans = [finding.entries for finding in report.findings if finding.entries]
    assert min(first for first, _ in spans) == 20 * 256
    assert max(last for _, last in spans) == 19_999
