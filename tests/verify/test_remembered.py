"""What was verified before is remembered, and nothing that contradicts it is verified again."""

from dataclasses import replace
from pathlib import Path

import pytest

from audit_ledger.errors import FormatError
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.verify.findings import Answer
from audit_ledger.verify.remembered import Memory, StateFile, StateFolder, default_state_folder
from audit_ledger.verify.verification import Report, verify
from tests.verify.writer import ORIGIN, Keys, Writer, ledger_of


def verified(writer: Writer, memory: Memory) -> Report:
    return verify(
        writer.objects, Keys().policy(), writer.now, memory=memory, workers=1, wait=lambda _: None
    )


def test_a_first_contact_is_said_and_remembered(tmp_path: Path) -> None:
    """The state file is the checkpoint itself, as it was signed."""
    memory = StateFile(tmp_path / "deep" / "state")
    writer = ledger_of(300)
    report = verified(writer, memory)
    assert (report.answer, report.remembered) == (Answer.VERIFIED, None)
    assert any("first contact" in note for note in report.not_covered)
    assert memory.path.read_bytes() == writer.objects.files["checkpoint"]
    assert [file.name for file in memory.path.parent.iterdir()] == ["state"]


def test_a_grown_ledger_is_verified_against_what_was_remembered(tmp_path: Path) -> None:
    """The root remembered is found at its size in the same pass; then the new one is kept."""
    memory = StateFile(tmp_path / "state")
    writer = ledger_of(300)
    verified(writer, memory)
    writer.add_events(77)
    writer.publish()
    report = verified(writer, memory)
    assert report.answer is Answer.VERIFIED
    assert report.remembered is not None
    assert report.remembered.size == 300
    assert not any("first contact" in note for note in report.not_covered)
    assert memory.load(ORIGIN) == report.checkpoint


def test_a_rolled_back_ledger_fails(tmp_path: Path) -> None:
    """It verifies in itself; the memory alone knows that entries are gone, and keeps knowing."""
    memory = StateFile(tmp_path / "state")
    verified(ledger_of(300, 400), memory)
    for _ in range(2):
        report = verified(ledger_of(300), memory)
        assert report.answer is Answer.FAILED
        (finding,) = report.findings
        assert (str(finding.code), finding.entries) == ("rolled-back", (300, 399))


@pytest.mark.parametrize("grown", [0, 5])
def test_a_forked_ledger_fails(tmp_path: Path, grown: int) -> None:
    """Another history of the same size, or a longer one, all well signed."""
    memory = StateFile(tmp_path / "state")
    verified(ledger_of(300), memory)
    fork = Writer()
    fork.add_events(150)
    fork.now += 1  # later entries have another time, and so other hashes
    fork.add_events(149 + grown)
    fork.publish()
    report = verified(fork, memory)
    assert report.answer is Answer.FAILED
    (finding,) = report.findings
    assert (str(finding.code), finding.entries) == ("forked", (0, 299))


def test_only_what_was_verified_is_remembered(tmp_path: Path) -> None:
    """A ledger that failed leaves no trace in the memory."""
    memory = StateFile(tmp_path / "state")
    writer = ledger_of(300)
    del writer.objects.files["tile/0/000"]
    assert verified(writer, memory).answer is Answer.INCOMPLETE
    assert memory.load(ORIGIN) is None


def test_each_origin_has_its_own_memory(tmp_path: Path) -> None:
    """One folder, a file for each ledger, whatever its name."""
    memory = StateFolder(tmp_path)
    for size, origin in ((5, "audit.example.org/a"), (7, "audit.example.org/b")):
        writer = Writer(origin)
        writer.add_events(size - 1)
        writer.publish()
        verify(writer.objects, Keys().policy(origin), writer.now, memory=memory, workers=1)
    sizes = [memory.load(f"audit.example.org/{name}") for name in ("a", "b", "c")]
    assert [known and known.size for known in sizes] == [5, 7, None]
    assert not list(tmp_path.glob("*/*")), "an origin must not name a folder"


@pytest.mark.parametrize("content", [b"", b"not a note", b"\xff\xfe", b"a\nb\n\n"])
def test_a_memory_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes) -> None:
    """It is never taken for a first contact."""
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(FormatError, match="state"):
        verified(ledger_of(3), StateFile(tmp_path / "state"))


def test_a_memory_of_another_ledger_is_an_error(tmp_path: Path) -> None:
    """The user named the wrong file."""
    memory = StateFile(tmp_path / "state")
    verified(ledger_of(3), memory)
    with pytest.raises(FormatError, match=f"remembers {ORIGIN}, this ledger is other"):
        memory.load("other")


def test_a_folder_in_the_place_of_the_state_file_is_an_error(tmp_path: Path) -> None:
    """One line, no traceback of the operating system's."""
    with pytest.raises(FormatError, match="Is a directory"):
        StateFile(tmp_path).load(ORIGIN)


def test_state_is_kept_where_users_programs_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG Base Directory Specification: only absolute paths count."""
    monkeypatch.setenv("HOME", "/home/me")
    for value in ("", "relative"):
        environment = {"XDG_STATE_HOME": value}
        expected = Path("/home/me/.local/state/audit-ledger/checkpoints")
        assert default_state_folder(environment) == expected
    environment = {"XDG_STATE_HOME": "/state"}
    assert default_state_folder(environment) == Path("/state/audit-ledger/checkpoints")


def test_an_empty_ledger_remembered_is_how_every_ledger_begins(tmp_path: Path) -> None:
    """Size 0 has a root too."""
    writer = ledger_of(3)
    empty = Checkpoint(ORIGIN, 0, bytes(32))
    memory = StateFile(tmp_path / "state")
    memory.save(writer.checkpoint(empty))
    report = verified(writer, memory)
    assert [str(finding.code) for finding in report.findings] == ["forked"]
    right = replace(empty, root=bytes.fromhex(EMPTY_SHA256))
    memory.save(writer.checkpoint(right))
    assert verified(writer, memory).answer is Answer.VERIFIED


EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
