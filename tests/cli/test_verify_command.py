"""`ledger verify`: the right exit code, a report that names the place, and never a traceback."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from audit_ledger.ledger.signed_digest import parse_signed_digest
from audit_ledger.tlog.policy import Log, Policy
from tests.cli.ledger_command import Desk
from tests.conftest import REPOSITORY
from tests.verify.writer import MINUTE, ORIGIN, Keys, Writer

VERIFIED, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3


def test_a_ledger_is_verified(desk: Desk) -> None:
    """A few lines for people: the answer first, then what it means and what it does not."""
    ran = desk.verify()
    assert (ran.code, ran.err) == (VERIFIED, "")
    lines = ran.out.splitlines()
    assert lines[0] == f"verified: {ORIGIN}"
    assert lines[1].startswith("  600 entries, 2 digests, newest signed time ")
    assert "not covered:" in lines


def test_what_never_came_is_said_as_the_ledger_says_it(desk: Desk) -> None:
    """Its own count, as its newest digest has it: nobody can recount what is sealed."""
    writer = Writer(begin=int(time.time()) - 3 * MINUTE)
    writer.publish()
    writer.add_events(599)
    writer.missing = 2
    writer.publish()
    writer.add_events(1)
    writer.publish()
    shutil.rmtree(desk.ledger)
    writer.objects.write_to(desk.ledger)
    said = "  2 numbered events never came, of the first 600 entries, it states"
    assert said in desk.verify().out.splitlines()
    report = desk.verify("--json").report
    assert (report["followed"], report["missing_events"], report["missing_portals"]) == (600, 2, 1)


def test_machines_get_json(desk: Desk) -> None:
    """On standard output, and nothing else there."""
    ran = desk.verify("--json")
    report = ran.report
    assert ran.code == VERIFIED
    assert (report["answer"], report["origin"], report["size"]) == ("verified", ORIGIN, 600)
    assert report["findings"] == []
    assert report["digests"] == 2


def test_a_finding_says_what_where_and_which_entries(desk: Desk) -> None:
    """One line for people, one object for machines."""
    tile = desk.ledger / "tile" / "0" / "001"
    tile.write_bytes(tile.read_bytes()[:100])
    ran = desk.verify()
    assert ran.code == FAILED
    (line,) = (line for line in ran.out.splitlines() if "tile" in line)
    assert line == ("  tile-malformed: tile/0/001: 100 bytes, expected 8192 (entries 259 to 511)")
    (finding,) = desk.verify("--json").report["findings"]
    assert finding == {
        "answer": "failed",
        "code": "tile-malformed",
        "where": "tile/0/001",
        "entries": [259, 511],
        "message": "tile/0/001: 100 bytes, expected 8192",
    }


Damage = Callable[[Desk], object]


def cosigning_only(other: str | None = None) -> Policy:
    """The ledger's ML-DSA key as its log; with an Ed25519 key of some other ledger, or none."""
    key = Keys().policy().witnesses["ledger-mldsa44"].key
    return Policy((Log(key), *(Keys(b"other").policy(other).logs if other else ())))


def file_for_folder(desk: Desk) -> None:
    shutil.rmtree(desk.ledger)
    desk.ledger.write_text("x")


def folder_for_policy(desk: Desk) -> None:
    desk.policy.unlink()
    desk.policy.mkdir()


WRONG: dict[str, tuple[Damage, int, str]] = {
    "no such folder": (
        lambda desk: shutil.rmtree(desk.ledger),
        INCOMPLETE,
        "no such folder",
    ),
    "a folder that is no ledger": (
        lambda desk: (desk.ledger / "checkpoint").unlink(),
        INCOMPLETE,
        "checkpoint: no checkpoint here: not a published ledger, or not where it begins",
    ),
    "a file in the place of a folder": (
        file_for_folder,
        INCOMPLETE,
        "no such folder",
    ),
    "no such policy file": (lambda desk: desk.policy.unlink(), USAGE, "policy: No such file"),
    "a policy file that is none": (
        lambda desk: desk.policy.write_text("log example\n"),
        USAGE,
        "policy, line 1: ",
    ),
    "a policy without a quorum": (
        lambda desk: desk.policy.write_text(""),
        USAGE,
        "policy: no quorum line",
    ),
    "a policy without a log": (
        lambda desk: desk.policy.write_text("quorum none\n"),
        USAGE,
        "no log line with an Ed25519 key (type 0x01)",
    ),
    "a policy whose logs cosign only": (
        lambda desk: desk.policy.write_bytes(cosigning_only().to_bytes()),
        USAGE,
        "no log line with an Ed25519 key (type 0x01)",
    ),
    "a policy with an Ed25519 key of another ledger only": (
        lambda desk: desk.policy.write_bytes(cosigning_only("audit.example.org/other").to_bytes()),
        USAGE,
        f"no log line with an Ed25519 key (type 0x01) of {ORIGIN}",
    ),
    "a policy of another ledger": (
        lambda desk: desk.policy.write_bytes(Keys(b"other").policy("other").to_bytes()),
        FAILED,
        "not signed by any log of that origin in the policy",
    ),
    "a folder as policy file": (
        folder_for_policy,
        USAGE,
        "policy: Is a directory",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_line(desk: Desk, what: str) -> None:
    """What and where; the exit code says whose fault it is."""
    damage, code, expected = WRONG[what]
    damage(desk)
    ran = desk.verify()
    said = (ran.out + ran.err).splitlines()
    assert (ran.code, len(said)) == (code, 1)
    assert expected in said[0]
    assert str(desk.path) in said[0]


@pytest.mark.parametrize(
    "options",
    [
        ["--at", "yesterday"],
        ["--at", "2026-02-30T00:00:00Z"],
        ["--state", "x", "--no-state"],
        ["--no-such-option"],
        ["and", "another"],
    ],
)
def test_wrong_use_is_usage(desk: Desk, options: list[str]) -> None:
    """Exit code 2, and nothing is verified."""
    ran = desk.verify(*options)
    assert (ran.code, ran.out) == (USAGE, "")


@pytest.mark.parametrize("source", ["ftp://example.org/x", "s3://", "http://"])
def test_a_source_of_no_known_kind_is_usage(desk: Desk, source: str) -> None:
    """Before the network is touched."""
    ran = desk.run("verify", source, "--policy", desk.policy)
    assert ran.code == USAGE
    assert source in ran.err


@pytest.mark.parametrize(
    "source",
    [
        "https://me:secret@ledger.example.org/x",
        "https://secret@ledger.example.org/x",
        "http://me:secret@127.0.0.1:9/x",
        "https://me:sec/ret:secret@ledger.example.org/x",
        "https://me:secret@:99999/x",
        "ftp://me:secret@ledger.example.org/x",
        "HTTPS://me:secret@ledger.example.org/x",
        "s3://key:secret@bucket/prefix",
        "https://ledger.example.org/x?X-Amz-Signature=secret",
        "https://ledger.example.org/x#secret",
        "https://me:secret@ledger.example.org/\xe9",
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_no_password_in_a_url_is_printed(desk: Desk, source: str, as_json: bool) -> None:
    """It is wrong use, said without the password; the same for making a receipt."""
    for command in (["verify", source, "--policy", desk.policy], ["receipt", "make", source, "0"]):
        options = ["--json"] if as_json and command[0] == "verify" else []
        ran = desk.run(*command, *options)
        assert ran.code == USAGE
        assert "secret" not in ran.out + ran.err
        assert len(ran.err.splitlines()) == 1


def test_a_place_that_does_not_answer_is_incomplete(desk: Desk) -> None:
    """Nobody listens there."""
    ran = desk.run("verify", "http://127.0.0.1:9/x", "--policy", desk.policy)
    assert ran.code == INCOMPLETE
    assert "http://127.0.0.1:9/x" in ran.out


def test_a_copy_is_judged_as_of_a_time(desk: Desk) -> None:
    """Stale today, fresh when it was made, from the future before that."""
    for at, code in (
        ("2126-01-01T00:00:00Z", INCOMPLETE),
        ("2025-01-01T00:00:00Z", FAILED),
    ):
        assert desk.verify("--at", at).code == code
    signed = desk.verify("--json").report["signed_time"]
    assert desk.verify("--at", signed).code == VERIFIED


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_who_judges_an_old_copy_is_told_how(desk: Desk, options: list[str]) -> None:
    """The option, with the time to give; and of a copy older than what is remembered, both."""
    state = desk.path / "mine"
    signed = desk.verify("--json", "--state", state).report["signed_time"]
    stale = desk.verify("--at", "2126-01-01T00:00:00Z", *options)
    assert f"a copy is judged as of when it was made with --at {signed}" in stale.out
    latest = next((desk.ledger / "digests").rglob("*-300")).read_bytes()
    for file in (desk.ledger / "digests").rglob("*-600"):
        file.unlink()
    (desk.ledger / "digests" / "latest").write_bytes(latest)
    older = parse_signed_digest(latest).digest.checkpoint
    (desk.ledger / "checkpoint").write_bytes(older)
    ran = desk.verify("--state", state, *options)
    (advice,) = re.findall(r"with (--no-state --at [0-9TZ:-]+)", ran.out)
    assert desk.verify(*advice.split()).code == VERIFIED
    assert "--at" not in desk.verify("--state", desk.path / "other", *options).out


@pytest.mark.parametrize(
    "name", [b"\xff", b"tile/0/\xc3\x28", b"digests/\xed\xa0\x80", "\u2028".encode()]
)
def test_names_of_files_that_are_not_utf8_are_escaped(desk: Desk, name: bytes) -> None:
    """For machines and for people; the name stays recognisable."""
    Path(os.fsdecode(os.path.join(os.fsencode(desk.ledger), name))).touch()
    ran = desk.verify("--json")
    assert ran.code == FAILED
    (finding,) = ran.report["findings"]
    shown = os.fsdecode(name).encode("utf-8", "backslashreplace").decode()
    assert (finding["code"], finding["where"]) == ("unknown-object", shown)
    people = desk.verify()
    assert people.code == FAILED
    assert all(character.isprintable() or character == "\n" for character in people.out)


def test_a_folder_whose_name_is_not_utf8_can_be_verified(desk: Desk) -> None:
    """And is named in the report, escaped."""
    folder = Path(os.fsdecode(os.fsencode(desk.path) + b"/l\xff"))
    desk.ledger.rename(folder)
    ran = desk.run("verify", folder, "--policy", desk.policy, "--json")
    assert (ran.code, ran.report["source"]) == (VERIFIED, f"{desk.path}/l\\udcff")


def test_the_last_verified_checkpoint_is_remembered(desk: Desk) -> None:
    """By default in the user's state folder, one file an origin."""
    assert "before this first contact" in desk.verify().out
    kept = list((desk.path / "state").rglob("*"))
    (state,) = (file.read_bytes() for file in kept if file.is_file())
    assert state.endswith(b"\ncheckpoint\n" + (desk.ledger / "checkpoint").read_bytes())
    assert "size 600 was verified before" in desk.verify().out


def test_no_state_leaves_none(desk: Desk) -> None:
    """And says that nothing is remembered."""
    ran = desk.verify("--no-state")
    assert "nothing is remembered" in ran.out
    assert not (desk.path / "state").exists()


def test_a_rolled_back_ledger_fails(desk: Desk) -> None:
    """The state file is what knows."""
    state = desk.path / "mine"
    assert desk.verify("--state", state).code == VERIFIED
    latest = next((desk.ledger / "digests").rglob("*-300")).read_bytes()
    (desk.ledger / "digests" / "latest").write_bytes(latest)
    older = parse_signed_digest(latest).digest.checkpoint
    (desk.ledger / "checkpoint").write_bytes(older)
    ran = desk.verify("--state", state, "--json")
    assert ran.code == FAILED
    assert ran.report["findings"][0]["code"] == "rolled-back"


@pytest.mark.parametrize("size", [b"601", b"599"])
def test_a_damaged_state_file_accuses_no_ledger(desk: Desk, size: bytes) -> None:
    """Wrong use, in one line that names it; it stays as it is."""
    state = desk.path / "mine"
    assert desk.verify("--state", state).code == VERIFIED
    damaged = state.read_bytes().replace(b"\n600\n", b"\n" + size + b"\n")
    state.write_bytes(damaged)
    ran = desk.verify("--state", state)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (USAGE, "", 1)
    assert f"state {state}: damaged" in ran.err
    assert state.read_bytes() == damaged


def test_a_pipe_as_state_file_is_not_waited_for(desk: Desk) -> None:
    """Nor is a device, and nothing takes its place."""
    os.mkfifo(desk.path / "pipe")
    (desk.path / "link").symlink_to("/dev/null")
    for name in ("pipe", "link"):
        ran = desk.verify("--state", desk.path / name)
        assert (ran.code, ran.out) == (USAGE, "")
        assert f"{name}: not a regular file" in ran.err
    assert (desk.path / "link").is_symlink()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff"])
def test_an_unreadable_state_file_is_usage(desk: Desk, content: bytes) -> None:
    """One line with its name; never taken for a first contact, never overwritten."""
    state = desk.path / "mine"
    state.write_bytes(content)
    ran = desk.verify("--state", state)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (USAGE, "", 1)
    assert str(state) in ran.err
    assert state.read_bytes() == content


def test_a_state_file_that_cannot_be_written_is_said(desk: Desk) -> None:
    """A folder that is a file."""
    (desk.path / "file").write_text("")
    ran = desk.verify("--state", desk.path / "file" / "state")
    assert (ran.code, len(ran.err.splitlines())) == (USAGE, 1)
    assert str(desk.path / "file") in ran.err


def test_a_log_of_others_verifies(desk: Desk, shared_dir: Path) -> None:
    """`--tlog-only`, with a policy written by hand."""
    vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    desk.policy.write_text(f"log {vkey}\nquorum none\n")
    log = shared_dir / "vectors" / "tlog-tiles"
    ran = desk.run("verify", log, "--policy", desk.policy, "--tlog-only", "--no-state")
    assert ran.code == VERIFIED
    assert ran.out.startswith("verified: example.com/log/testdata\n  15 entries, ")
    ran = desk.run("verify", log, "--policy", desk.policy, "--no-state")
    assert ran.code == FAILED, "its entries are plain words"


def test_the_command_runs_as_a_program(desk: Desk) -> None:
    """With worker processes, and a closed pipe at its output."""
    command = [sys.executable, "-m", "audit_ledger.cli", "verify", str(desk.ledger)]
    command += ["--policy", str(desk.policy), "--json"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "shared")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (VERIFIED, "")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        command, env=environment, stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert done.stderr == ""
    assert done.returncode != VERIFIED


def test_starting_up_imports_neither_boto3_nor_rich(desk: Desk) -> None:
    """They are for those who need them: S3 and terminals."""
    code = (
        "import sys; from audit_ledger.cli.main import run; "
        f"code = run(['verify', {str(desk.ledger)!r}, '--policy', {str(desk.policy)!r}]); "
        "print(sorted({'boto3', 'botocore', 'rich'} & set(sys.modules)), code, file=sys.stderr)"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "shared")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == "[] 0\n"
