"""`ledger verify` returns the right exit code and a report that names each fault."""

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
from tests.cli.published_ledger import Workspace
from tests.conftest import REPOSITORY
from tests.verify.writer import MINUTE, ORIGIN, Keys, Writer

VERIFIED, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3


def test_a_ledger_is_verified(workspace: Workspace) -> None:
    """The first line is the verdict; its meaning and its limits follow."""
    result = workspace.verify()
    assert (result.code, result.err) == (VERIFIED, "")
    lines = result.out.splitlines()
    assert lines[0] == f"verified: {ORIGIN}"
    assert lines[1].startswith("  600 entries, 2 digests, newest signed time ")
    assert "not covered:" in lines


def test_missing_events_are_reported_as_the_digest_states_them(workspace: Workspace) -> None:
    """Nobody else can count them, since the records are sealed."""
    writer = Writer(begin=int(time.time()) - 3 * MINUTE)
    writer.publish()
    writer.add_events(599)
    writer.missing = 2
    writer.publish()
    writer.add_events(1)
    writer.publish()
    shutil.rmtree(workspace.ledger)
    writer.objects.write_to(workspace.ledger)
    line = "  2 numbered events missing in the first 600 entries, as the ledger states"
    assert line in workspace.verify().out.splitlines()
    report = workspace.verify("--json").report
    assert (report["followed"], report["missing_events"], report["missing_portals"]) == (600, 2, 1)


def test_json_output_is_one_report(workspace: Workspace) -> None:
    """Standard output contains nothing else."""
    result = workspace.verify("--json")
    report = result.report
    assert result.code == VERIFIED
    assert (report["answer"], report["origin"], report["size"]) == ("verified", ORIGIN, 600)
    assert report["findings"] == []
    assert report["digests"] == 2


def test_a_finding_states_object_fault_and_entries(workspace: Workspace) -> None:
    """It is one line of text, or one JSON object."""
    tile = workspace.ledger / "tile" / "0" / "001"
    tile.write_bytes(tile.read_bytes()[:100])
    result = workspace.verify()
    assert result.code == FAILED
    (line,) = (line for line in result.out.splitlines() if "tile" in line)
    assert line == ("  tile-malformed: tile/0/001: 100 bytes, expected 8192 (entries 259 to 511)")
    (finding,) = workspace.verify("--json").report["findings"]
    assert finding == {
        "answer": "failed",
        "code": "tile-malformed",
        "where": "tile/0/001",
        "entries": [259, 511],
        "message": "tile/0/001: 100 bytes, expected 8192",
    }


Damage = Callable[[Workspace], object]


def cosigning_only(other: str | None = None) -> Policy:
    """Return a policy with the ML-DSA key as log, and maybe an Ed25519 key of another ledger."""
    key = Keys().policy().witnesses["ledger-mldsa44"].key
    return Policy((Log(key), *(Keys(b"other").policy(other).logs if other else ())))


def replace_folder_by_file(workspace: Workspace) -> None:
    shutil.rmtree(workspace.ledger)
    workspace.ledger.write_text("x")


def replace_policy_by_folder(workspace: Workspace) -> None:
    workspace.policy.unlink()
    workspace.policy.mkdir()


DAMAGES: dict[str, tuple[Damage, int, str]] = {
    "no such folder": (
        lambda workspace: shutil.rmtree(workspace.ledger),
        INCOMPLETE,
        "no such folder",
    ),
    "a folder without a checkpoint": (
        lambda workspace: (workspace.ledger / "checkpoint").unlink(),
        INCOMPLETE,
        "checkpoint: no checkpoint here: not a published ledger, or not where it begins",
    ),
    "a file in the place of a folder": (
        replace_folder_by_file,
        INCOMPLETE,
        "no such folder",
    ),
    "no such policy file": (
        lambda workspace: workspace.policy.unlink(),
        USAGE,
        "policy: No such file",
    ),
    "an invalid policy file": (
        lambda workspace: workspace.policy.write_text("log example\n"),
        USAGE,
        "policy, line 1: ",
    ),
    "a policy without a quorum": (
        lambda workspace: workspace.policy.write_text(""),
        USAGE,
        "policy: no quorum line",
    ),
    "a policy without a log": (
        lambda workspace: workspace.policy.write_text("quorum none\n"),
        USAGE,
        "no log line with an Ed25519 key (type 0x01)",
    ),
    "a policy whose logs cosign only": (
        lambda workspace: workspace.policy.write_bytes(cosigning_only().to_bytes()),
        USAGE,
        "no log line with an Ed25519 key (type 0x01)",
    ),
    "a policy with an Ed25519 key of another ledger only": (
        lambda workspace: workspace.policy.write_bytes(
            cosigning_only("audit.example.org/other").to_bytes()
        ),
        USAGE,
        f"no log line with an Ed25519 key (type 0x01) of {ORIGIN}",
    ),
    "a policy of another ledger": (
        lambda workspace: workspace.policy.write_bytes(Keys(b"other").policy("other").to_bytes()),
        FAILED,
        "not signed by any log of that origin in the policy",
    ),
    "a folder as policy file": (
        replace_policy_by_folder,
        USAGE,
        "policy: Is a directory",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damaged_input_is_reported_in_one_line(workspace: Workspace, name: str) -> None:
    """The line names the place, and the exit code the kind of fault."""
    damage, code, expected = DAMAGES[name]
    damage(workspace)
    result = workspace.verify()
    lines = (result.out + result.err).splitlines()
    assert (result.code, len(lines)) == (code, 1)
    assert expected in lines[0]
    assert str(workspace.path) in lines[0]


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
def test_invalid_options_are_wrong_usage(workspace: Workspace, options: list[str]) -> None:
    """The exit code is 2, and nothing is verified."""
    result = workspace.verify(*options)
    assert (result.code, result.out) == (USAGE, "")


@pytest.mark.parametrize("source", ["ftp://example.org/x", "s3://", "http://"])
def test_an_unknown_kind_of_source_is_wrong_usage(workspace: Workspace, source: str) -> None:
    """The network is not used."""
    result = workspace.run("verify", source, "--policy", workspace.policy)
    assert result.code == USAGE
    assert source in result.err


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
def test_no_password_in_a_url_is_printed(workspace: Workspace, source: str, as_json: bool) -> None:
    """Such a URL is wrong usage, for `receipt make` too."""
    for command in (
        ["verify", source, "--policy", workspace.policy],
        ["receipt", "make", source, "0"],
    ):
        options = ["--json"] if as_json and command[0] == "verify" else []
        result = workspace.run(*command, *options)
        assert result.code == USAGE
        assert "secret" not in result.out + result.err
        assert len(result.err.splitlines()) == 1


def test_an_unreachable_source_is_incomplete(workspace: Workspace) -> None:
    """No server listens there."""
    result = workspace.run("verify", "http://127.0.0.1:9/x", "--policy", workspace.policy)
    assert result.code == INCOMPLETE
    assert "http://127.0.0.1:9/x" in result.out


def test_a_copy_is_verified_as_of_a_time(workspace: Workspace) -> None:
    """It is stale long after its signed time, valid at that time, and too new before it."""
    for at, code in (
        ("2126-01-01T00:00:00Z", INCOMPLETE),
        ("2025-01-01T00:00:00Z", FAILED),
    ):
        assert workspace.verify("--at", at).code == code
    signed = workspace.verify("--json").report["signed_time"]
    assert workspace.verify("--at", signed).code == VERIFIED


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_report_on_an_old_copy_advises_options(
    workspace: Workspace, options: list[str]
) -> None:
    """It names --at with a time, and --no-state too if a newer state is remembered."""
    state = workspace.path / "mine"
    signed = workspace.verify("--json", "--state", state).report["signed_time"]
    stale = workspace.verify("--at", "2126-01-01T00:00:00Z", *options)
    assert f"a copy is judged as of when it was made with --at {signed}" in stale.out
    latest = next((workspace.ledger / "digests").rglob("*-300")).read_bytes()
    for file in (workspace.ledger / "digests").rglob("*-600"):
        file.unlink()
    (workspace.ledger / "digests" / "latest").write_bytes(latest)
    older = parse_signed_digest(latest).digest.checkpoint
    (workspace.ledger / "checkpoint").write_bytes(older)
    result = workspace.verify("--state", state, *options)
    (advice,) = re.findall(r"with (--no-state --at [0-9TZ:-]+)", result.out)
    assert workspace.verify(*advice.split()).code == VERIFIED
    assert "--at" not in workspace.verify("--state", workspace.path / "other", *options).out


@pytest.mark.parametrize(
    "name", [b"\xff", b"tile/0/\xc3\x28", b"digests/\xed\xa0\x80", "\u2028".encode()]
)
def test_names_of_files_that_are_not_utf8_are_escaped(workspace: Workspace, name: bytes) -> None:
    """JSON and text both escape them; the name stays recognizable."""
    Path(os.fsdecode(os.path.join(os.fsencode(workspace.ledger), name))).touch()
    result = workspace.verify("--json")
    assert result.code == FAILED
    (finding,) = result.report["findings"]
    shown = os.fsdecode(name).encode("utf-8", "backslashreplace").decode()
    assert (finding["code"], finding["where"]) == ("unknown-object", shown)
    as_text = workspace.verify()
    assert as_text.code == FAILED
    assert all(character.isprintable() or character == "\n" for character in as_text.out)


def test_a_folder_whose_name_is_not_utf8_can_be_verified(workspace: Workspace) -> None:
    """The report names it, escaped."""
    folder = Path(os.fsdecode(os.fsencode(workspace.path) + b"/l\xff"))
    workspace.ledger.rename(folder)
    result = workspace.run("verify", folder, "--policy", workspace.policy, "--json")
    assert (result.code, result.report["source"]) == (VERIFIED, f"{workspace.path}/l\\udcff")


def test_the_last_verified_checkpoint_is_remembered(workspace: Workspace) -> None:
    """The default is one file per origin in the user's state folder."""
    assert "before this first contact" in workspace.verify().out
    files = list((workspace.path / "state").rglob("*"))
    (state,) = (file.read_bytes() for file in files if file.is_file())
    assert state.endswith(b"\ncheckpoint\n" + (workspace.ledger / "checkpoint").read_bytes())
    assert "size 600 was verified before" in workspace.verify().out


def test_no_state_writes_no_state_file(workspace: Workspace) -> None:
    """The report states that nothing is remembered."""
    result = workspace.verify("--no-state")
    assert "no earlier verification is remembered" in result.out
    assert not (workspace.path / "state").exists()


def test_a_rolled_back_ledger_fails(workspace: Workspace) -> None:
    """The state file contains the newer checkpoint."""
    state = workspace.path / "mine"
    assert workspace.verify("--state", state).code == VERIFIED
    latest = next((workspace.ledger / "digests").rglob("*-300")).read_bytes()
    (workspace.ledger / "digests" / "latest").write_bytes(latest)
    older = parse_signed_digest(latest).digest.checkpoint
    (workspace.ledger / "checkpoint").write_bytes(older)
    result = workspace.verify("--state", state, "--json")
    assert result.code == FAILED
    assert result.report["findings"][0]["code"] == "rolled-back"


@pytest.mark.parametrize("size", [b"601", b"599"])
def test_a_damaged_state_file_is_wrong_usage(workspace: Workspace, size: bytes) -> None:
    """One line names it, and it is not changed."""
    state = workspace.path / "mine"
    assert workspace.verify("--state", state).code == VERIFIED
    damaged = state.read_bytes().replace(b"\n600\n", b"\n" + size + b"\n")
    state.write_bytes(damaged)
    result = workspace.verify("--state", state)
    assert (result.code, result.out, len(result.err.splitlines())) == (USAGE, "", 1)
    assert f"state {state}: damaged" in result.err
    assert state.read_bytes() == damaged


def test_a_special_file_as_state_is_rejected(workspace: Workspace) -> None:
    """A link to a device is rejected too, and is not replaced."""
    os.mkfifo(workspace.path / "pipe")
    (workspace.path / "link").symlink_to("/dev/null")
    for name in ("pipe", "link"):
        result = workspace.verify("--state", workspace.path / name)
        assert (result.code, result.out) == (USAGE, "")
        assert f"{name}: not a regular file" in result.err
    assert (workspace.path / "link").is_symlink()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff"])
def test_an_invalid_state_file_is_wrong_usage(workspace: Workspace, content: bytes) -> None:
    """It neither counts as a first contact nor is overwritten."""
    state = workspace.path / "mine"
    state.write_bytes(content)
    result = workspace.verify("--state", state)
    assert (result.code, result.out, len(result.err.splitlines())) == (USAGE, "", 1)
    assert str(state) in result.err
    assert state.read_bytes() == content


def test_an_unwritable_state_file_is_reported(workspace: Workspace) -> None:
    """Its folder is a file."""
    (workspace.path / "file").write_text("")
    result = workspace.verify("--state", workspace.path / "file" / "state")
    assert (result.code, len(result.err.splitlines())) == (USAGE, 1)
    assert str(workspace.path / "file") in result.err


def test_a_third_party_log_verifies(workspace: Workspace, shared_dir: Path) -> None:
    """It needs `--tlog-only` and a policy written by hand."""
    vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    workspace.policy.write_text(f"log {vkey}\nquorum none\n")
    log = shared_dir / "vectors" / "tlog-tiles"
    result = workspace.run("verify", log, "--policy", workspace.policy, "--tlog-only", "--no-state")
    assert result.code == VERIFIED
    assert result.out.startswith("verified: example.com/log/testdata\n  15 entries, ")
    result = workspace.run("verify", log, "--policy", workspace.policy, "--no-state")
    assert result.code == FAILED, "its entries are plain words"


def test_the_command_runs_as_a_program(workspace: Workspace) -> None:
    """It starts worker processes, and does not succeed with a closed pipe as output."""
    command = [sys.executable, "-m", "audit_ledger.cli", "verify", str(workspace.ledger)]
    command += ["--policy", str(workspace.policy), "--json"]
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


def test_verify_imports_neither_boto3_nor_rich(workspace: Workspace) -> None:
    """They are for S3 and for tables alone."""
    code = (
        "import sys; from audit_ledger.cli.main import run; "
        f"code = run({['verify', str(workspace.ledger), '--policy', str(workspace.policy)]!r}); "
        "print(sorted({'boto3', 'botocore', 'rich'} & set(sys.modules)), code, file=sys.stderr)"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "shared")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == "[] 0\n"
