"""What was verified before is remembered, and nothing that contradicts it is verified again."""

import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.policy import Policy
from audit_ledger.tlog.rfc6962 import leaf_hash
from audit_ledger.verify.checkpoint_store import CheckpointStore, KnownLedger, parse_known
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.state_files import StateFile, StateFolder, default_state_folder
from audit_ledger.verify.verification_report import VerificationReport
from tests.verify.writer import MINUTE, ORIGIN, Keys, Writer, ledger_of


def verified(
    writer: Writer, memory: CheckpointStore, policy: Policy | None = None
) -> VerificationReport:
    policy = policy or writer.keys.policy(writer.origin)
    return verify_ledger(
        writer.objects, policy, writer.now, store=memory, workers=1, wait=lambda _: None
    )


def found(report: VerificationReport) -> list[tuple[str, str, tuple[int, int] | None]]:
    return [(str(f.code), f.where, f.entries) for f in report.findings]


def known_of(writer: Writer) -> KnownLedger:
    assert writer.last is not None
    newest = sha256(writer.last_note).digest()
    note = writer.objects.files["checkpoint"]
    return KnownLedger(note, writer.last.name, newest, leaf_hash(writer.entries[0]))


def test_a_first_contact_is_reported_and_stored(tmp_path: Path) -> None:
    """The state is the signed checkpoint, the hash of the newest digest, and that of entry 0."""
    memory = StateFile(tmp_path / "deep" / "state")
    writer = ledger_of(300)
    report = verified(writer, memory)
    assert (report.answer, report.remembered) == (Verdict.VERIFIED, None)
    assert any("first contact" in note for note in report.not_covered)
    assert parse_known(memory.path.read_bytes()) == known_of(writer)
    assert memory.path.read_bytes().endswith(b"\ncheckpoint\n" + known_of(writer).note)
    assert [file.name for file in memory.path.parent.iterdir()] == ["state"]


def test_a_grown_ledger_is_verified_against_the_stored_state(tmp_path: Path) -> None:
    """The stored root is found at its size in the same pass; then the new state is stored."""
    memory = StateFile(tmp_path / "state")
    writer = ledger_of(300)
    verified(writer, memory)
    writer.add_events(77)
    writer.publish()
    report = verified(writer, memory)
    assert report.answer is Verdict.VERIFIED
    assert report.remembered is not None
    assert report.remembered.size == 300
    assert not any("first contact" in note for note in report.not_covered)
    known = memory.load(ORIGIN, Keys().policy())
    assert known is not None
    assert known.checkpoint == report.checkpoint


def test_a_rolled_back_ledger_fails(tmp_path: Path) -> None:
    """Only the stored state shows that entries are missing; it is not replaced."""
    memory = StateFile(tmp_path / "state")
    verified(ledger_of(300, 400), memory)
    for _ in range(2):
        report = verified(ledger_of(300), memory)
        assert report.answer is Verdict.FAILED
        assert found(report) == [("rolled-back", "checkpoint", (300, 399))]


@pytest.mark.parametrize("grown", [0, 5])
def test_a_forked_ledger_fails(tmp_path: Path, grown: int) -> None:
    """Another signed history of the same size, or a longer one."""
    memory = StateFile(tmp_path / "state")
    verified(ledger_of(300), memory)
    fork = Writer()
    fork.add_events(150)
    fork.now += 1  # later entries have another time, and so other hashes
    fork.add_events(149 + grown)
    fork.publish()
    report = verified(fork, memory)
    assert report.answer is Verdict.FAILED
    assert found(report)[0] == ("forked", "checkpoint", (0, 299))
    assert {code for code, _, _ in found(report)} == {"forked"}


def test_only_verified_state_is_stored(tmp_path: Path) -> None:
    """A ledger that failed leaves the state unchanged."""
    memory = StateFile(tmp_path / "state")
    writer = ledger_of(300)
    del writer.objects.files["tile/0/000"]
    assert verified(writer, memory).answer is Verdict.INCOMPLETE
    assert memory.read() is None


def test_each_origin_has_its_own_state_file(tmp_path: Path) -> None:
    """In one folder, whatever its name."""
    memory = StateFolder(tmp_path)
    for size, origin in ((5, "audit.example.org/a"), (7, "audit.example.org/b")):
        writer = Writer(origin)
        writer.add_events(size - 1)
        writer.publish()
        verify_ledger(writer.objects, Keys().policy(origin), writer.now, store=memory, workers=1)
    known = [
        memory.load(origin, Keys().policy(origin))
        for origin in (f"audit.example.org/{name}" for name in ("a", "b", "c"))
    ]
    assert [k and k.checkpoint.size for k in known] == [5, 7, None]
    assert not list(tmp_path.glob("*/*")), "an origin must not name a folder"


def damaged_at(offset: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 or len(data) :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "no state": lambda _: b"not a state",
    "not UTF-8": lambda _: b"\xff\xfe",
    "a bare checkpoint": lambda data: parse_known(data).note,
    "cut short": lambda data: data[:-1],
    "made longer": lambda data: data + b"\n",
    "creation changed": damaged_at(35),
    "digest's hash changed": damaged_at(150),
    "size changed": lambda data: data.replace(b"\n300\n", b"\n301\n"),
    "a bit of the signature changed": damaged_at(-20),
    "size changed, checksum made to fit": lambda data: replace(
        parse_known(data), note=parse_known(data).note.replace(b"\n300\n", b"\n301\n")
    ).to_bytes(),
    "signed by a stranger": lambda data: replace(
        parse_known(data),
        note=Writer(keys=Keys(b"x")).checkpoint(parse_known(data).checkpoint),
    ).to_bytes(),
    "checksum changed": lambda data: data.replace(b"sha256 ", b"sha256 A", 1),
    "a digest without a name": lambda data: data.replace(b"digest digests/", b"digest other/"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_state_file_is_an_error_and_no_finding(tmp_path: Path, what: str) -> None:
    """It is no first contact and no fork; the file is not changed."""
    memory = StateFile(tmp_path / "state")
    writer = ledger_of(300)
    verified(writer, memory)
    content = DAMAGE[what](memory.path.read_bytes())
    assert content != memory.path.read_bytes()
    memory.path.write_bytes(content)
    with pytest.raises(FormatError, match="state"):
        verified(writer, memory)
    assert memory.path.read_bytes() == content


def test_a_state_file_of_another_ledger_is_an_error(tmp_path: Path) -> None:
    """The user named the wrong file."""
    memory = StateFile(tmp_path / "state")
    verified(ledger_of(3), memory)
    with pytest.raises(FormatError, match=f"remembers {ORIGIN}, this ledger is other"):
        memory.load("other", Keys().policy())


def link_to_a_pipe(path: Path) -> None:
    os.mkfifo(f"{path}2")
    path.symlink_to(f"{path}2")


def unreadable(path: Path) -> dict[str, Callable[[], object]]:
    return {
        "a folder": path.mkdir,
        "a pipe": lambda: os.mkfifo(path),
        "a device": lambda: path.symlink_to("/dev/null"),
        "a link to a pipe": lambda: link_to_a_pipe(path),
        "a link to itself": lambda: path.symlink_to(path),
    }


@pytest.mark.parametrize("what", unreadable(Path()))
def test_a_state_file_that_is_no_regular_file_is_an_error(tmp_path: Path, what: str) -> None:
    """It is not waited for; the error names it, on loading and saving."""
    path = tmp_path / "state"
    unreadable(path)[what]()
    with pytest.raises(FormatError, match="state"):
        StateFile(path).load(ORIGIN, Keys().policy())
    with pytest.raises((FormatError, OSError)):
        StateFile(path).save(known_of(ledger_of(3)), Keys().policy())


@pytest.mark.parametrize("target", ["here", "deep/there"])
def test_symbolic_links_are_followed(tmp_path: Path, target: str) -> None:
    """The target is written, even if it does not exist yet, and the link remains."""
    link = tmp_path / "state"
    link.symlink_to(target)
    writer = Writer()
    for size in (3, 5):
        writer.add_events(size - len(writer.entries))
        writer.publish()
        assert verified(writer, StateFile(link)).answer is Verdict.VERIFIED
        assert link.is_symlink()
        stored = parse_known((tmp_path / target).read_bytes())
        assert stored.checkpoint.size == size


def test_of_two_concurrent_verifications_the_larger_size_is_stored(tmp_path: Path) -> None:
    """The slower one read the smaller size, and ends last."""
    memory = StateFile(tmp_path / "state")
    small, large = ledger_of(300), ledger_of(300, 400)
    for writer in (small, large, small):
        memory.save(known_of(writer), Keys().policy())
        memory.save(known_of(writer), Keys().policy())
    known = memory.read()
    assert known == known_of(large)


def test_of_two_states_of_one_size_the_later_digest_is_stored(tmp_path: Path) -> None:
    """A heartbeat adds a digest and no entry."""
    memory = StateFile(tmp_path / "state")
    writer = ledger_of(300)
    before = known_of(writer)
    writer.publish()
    memory.save(known_of(writer), Keys().policy())
    memory.save(before, Keys().policy())
    assert memory.read() == known_of(writer)


class Overtaken(StateFile):
    """A memory that another verification, which read a newer ledger, fills just before it is read.

    With the heads in hand, nothing tells this from a ledger that was put back since.
    """

    writer: Writer
    grown: int

    def load(self, origin: str, policy: Policy) -> KnownLedger | None:
        if self.grown >= 0:
            grown, self.__dict__["grown"] = self.grown, -1
            self.writer.add_events(grown)
            self.writer.publish()
            assert verified(self.writer, StateFile(self.path)).answer is Verdict.VERIFIED
        return super().load(origin, policy)


@pytest.mark.parametrize("grown", [0, 5])
def test_an_overtaken_verification_reads_the_ledger_again(tmp_path: Path, grown: int) -> None:
    """It verifies the new entries, or the heartbeat, and reports no finding."""
    writer, memory = ledger_of(300), Overtaken(tmp_path / "state")
    memory.__dict__ |= {"writer": writer, "grown": grown}
    report = verify_ledger(
        writer.objects, Keys().policy(), writer.now + MINUTE, store=memory, wait=lambda _: None
    )
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    assert report.checkpoint is not None
    assert report.checkpoint.size == 300 + grown


def test_concurrent_verifications_of_two_histories_are_a_fork(tmp_path: Path) -> None:
    """Of one size and creation, with two signed roots."""
    memory = StateFile(tmp_path / "state")
    memory.save(known_of(ledger_of(300)), Keys().policy())
    fork = Writer()
    fork.now += 1
    fork.add_events(299)
    fork.publish()
    with pytest.raises(VerificationError, match="forked"):
        memory.save(known_of(fork), Keys().policy())
    other = Writer(begin=1_795_327_080 + MINUTE)
    other.publish()
    with pytest.raises(FormatError, match="another ledger"):
        memory.save(known_of(other), Keys().policy())


def test_a_ledger_created_again_with_the_same_keys_is_no_fork(tmp_path: Path) -> None:
    """Of any size: another creation is one finding, not missing entries."""
    for size in (3, 300, 500):
        memory = StateFile(tmp_path / f"state{size}")
        verified(ledger_of(300), memory)
        recreated = Writer(begin=1_795_327_080 + MINUTE)
        recreated.add_events(size - 1)
        recreated.publish()
        report = verified(recreated, memory)
        assert report.answer is Verdict.FAILED
        assert found(report)[0] == ("begun-anew", "checkpoint", (0, 0))
        assert not {"forked", "rolled-back"} & {code for code, _, _ in found(report)[:1]}


def test_a_ledger_created_again_with_other_keys_is_another_ledger(tmp_path: Path) -> None:
    """As by `make local`: a first contact, which reports that there was another."""
    memory = StateFolder(tmp_path)
    verified(ledger_of(300), memory)
    recreated = Writer(keys=Keys(b"others"))
    recreated.publish()
    report = verified(recreated, memory)
    assert (report.answer, report.findings, report.remembered) == (Verdict.VERIFIED, (), None)
    assert any("signed by other keys" in note for note in report.not_covered)
    assert verified(ledger_of(300), memory).remembered is not None, "the first is not forgotten"
    with pytest.raises(FormatError, match="of other keys"):
        StateFile(next(tmp_path.iterdir())).load(ORIGIN, Keys(b"third").policy())


def test_the_stored_state_survives_a_rotation_of_keys(tmp_path: Path) -> None:
    """While the policy has both keys, the ledger must continue what the old key signed."""
    old, new = Keys(), Keys(b"new").policy()
    both = old.policy()
    group = replace(both.groups["ledger"], threshold=1, members=("ledger-mldsa44", "new"))
    witnesses = {**both.witnesses, "new": new.witnesses["ledger-mldsa44"]}
    both = Policy((*both.logs, *new.logs), witnesses, {"ledger": group}, "ledger")
    memory = StateFolder(tmp_path)
    verified(ledger_of(300, 400), memory, old.policy())
    shorter = ledger_of(300)
    shorter.keys = Keys(b"new")
    shorter.objects.files["checkpoint"] = shorter.checkpoint(known_of(shorter).checkpoint)
    report = verified(shorter, memory, both)
    assert ("rolled-back", "checkpoint", (300, 399)) in found(report)


def test_a_removed_heartbeat_is_detected_by_its_digest(tmp_path: Path) -> None:
    """No entry is missing: only the stored hash of the digest shows it."""
    memory = StateFile(tmp_path / "state")
    writer = ledger_of(300)
    before = dict(writer.objects.files)
    writer.publish()
    verified(writer, memory)
    writer.objects.files = before
    report = verified(writer, memory)
    assert found(report) == [("rolled-back", "digests/latest", None)]


def test_another_digest_than_the_stored_one_is_a_fork(tmp_path: Path) -> None:
    """Of the same name and tree, signed by the same keys; or skipped by later ones."""
    for grown in (0, 5):
        memory = StateFile(tmp_path / f"state{grown}")
        writer = Writer()
        writer.add_events(299)
        writer.publish()
        verified(writer, memory)
        assert writer.last is not None
        name = writer.last.name
        other = Writer()
        other.add_events(299)
        other.publish(lambda digest: replace(digest, blocks=digest.blocks + 1))
        if grown:
            other.add_events(grown)
            other.publish()
        report = verified(other, memory)
        assert found(report) == [("forked", name, None)]


@pytest.mark.parametrize("more", ["of nobody", "its own, once more"])
def test_a_signature_line_added_to_a_digest_is_no_fork(tmp_path: Path, more: str) -> None:
    """A copy can have more signature lines; the stored digest has one."""
    writer, memory = ledger_of(299), StateFile(tmp_path / "state")
    assert writer.last is not None
    own = writer.last_note.rpartition(b"\n\n")[2]
    line = own if more == "its own, once more" else "— somebody AAAAAQA=\n".encode()
    copy = writer.objects.copy()
    copy.files |= dict.fromkeys((writer.last.name, "digests/latest"), writer.last_note + line)
    report = verify_ledger(copy, Keys().policy(), writer.now, store=memory, wait=lambda _: None)
    assert {str(finding.code) for finding in report.findings} == {"digest-malformed"}
    assert verified(writer, memory).answer is Verdict.VERIFIED
    writer.add_events(5)
    writer.publish()
    assert verified(writer, memory).answer is Verdict.VERIFIED


def test_the_state_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only absolute paths count."""
    monkeypatch.setenv("HOME", "/home/me")
    for value in ("", "relative"):
        environment = {"XDG_STATE_HOME": value}
        expected = Path("/home/me/.local/state/audit-ledger/verified")
        assert default_state_folder(environment) == expected
    environment = {"XDG_STATE_HOME": "/state"}
    assert default_state_folder(environment) == Path("/state/audit-ledger/verified")


def test_a_stored_empty_ledger_is_a_prefix_of_every_ledger(tmp_path: Path) -> None:
    """Size 0 has a root too."""
    writer = ledger_of(3)
    empty = Checkpoint(ORIGIN, 0, bytes(32))
    memory = StateFile(tmp_path / "state")
    memory.save(KnownLedger(writer.checkpoint(empty)), Keys().policy())
    report = verified(writer, memory)
    assert [str(finding.code) for finding in report.findings] == ["forked"]
    right = replace(empty, root=bytes.fromhex(EMPTY_SHA256))
    memory = StateFile(tmp_path / "right")
    memory.save(KnownLedger(writer.checkpoint(right)), Keys().policy())
    assert verified(writer, memory).answer is Verdict.VERIFIED


EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
