"""The command in other terminals, pipes and locales, in a process of its own."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.published_ledger import Workspace
from tests.cli.stub_server import StubResponse, StubServer

COMMAND = [sys.executable, "-m", "audit_ledger.cli"]
NAME = "田中 Müller"
EVENT = {
    "resourceType": "AuditEvent",
    "type": {"code": "110110"},
    "recorded": "2026-11-30T09:00:00Z",
    "agent": [{"who": {"display": NAME}, "requestor": True}],
    "source": {"observer": {"display": "ehr"}},
}


def searchset(*events: object) -> dict[str, object]:
    entries = [
        {"fullUrl": f"https://x.example/AuditEvent/{number:064x}", "resource": event}
        for number, event in enumerate(events)
    ]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def ledger(
    *arguments: str | bytes, env: dict[str, str] | None = None, shell: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Run the command; `shell`: a pipe or redirection that follows it in a line of bash."""
    environment = {**os.environ, "no_proxy": "*", **(env or {})}
    if shell:
        line = f'set -o pipefail; "$@" {shell}'
        command: list[str | bytes] = ["bash", "-c", line, "bash", *COMMAND, *arguments]
    else:
        command = [*COMMAND, *arguments]
    result = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert b"Traceback" not in result.stderr + result.stdout
    return result


@pytest.fixture
def connection(stub: StubServer) -> tuple[str, ...]:
    """Options for a server with one event, by a user with a name that few encodings contain."""
    stub.respond = lambda _: StubResponse(200, searchset(EVENT))
    return ("--url", stub.url, "--token", "a.b.c")


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "cp437"},
    ],
    ids=lambda env: "-".join(env.values()),
)
def test_characters_outside_of_the_encoding_are_escaped(
    connection: tuple[str, ...], locale: dict[str, str]
) -> None:
    """Python's escapes are shown; JSON is always UTF-8 (RFC 8259, Section 8.1)."""
    result = ledger("search", *connection, env={**locale, "COLUMNS": "200"})
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"\\u7530\\u4e2d M" in result.stdout
    as_json = ledger("search", "--json", *connection, env=locale)
    assert as_json.returncode == 0
    (entry,) = json.loads(as_json.stdout)["entry"]
    assert entry["resource"]["agent"][0]["who"]["display"] == NAME


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=lambda env: "-".join(env.values()),
)
def test_the_default_encoding_is_utf_8(connection: tuple[str, ...], locale: dict[str, str]) -> None:
    """ASCII is the encoding of a locale that is not set (PEP 540)."""
    result = ledger("search", *connection, env={**locale, "COLUMNS": "200"})
    assert (result.returncode, result.stderr) == (0, b"")
    assert NAME.encode() in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "--patient", b"https://x.example|M\xfcller"),
        ("search", "--param", b"agent=M\xfcller"),
        ("report", "accesses", "--patient", b"M\xfcller"),
        ("export", "build", "--type", b"\xff"),
        ("show", b"\xff"),
        ("digests", "--from", b"2026\xff"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_arguments_that_are_not_utf_8_are_rejected(
    connection: tuple[str, ...], arguments: tuple[str | bytes, ...], tmp_path: Path
) -> None:
    """They are wrong usage, and the option is named."""
    result = ledger(*arguments, *connection)
    assert result.returncode == 2
    assert b"Error: Invalid value for" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "DIR", "--patient", "", "--from", "2026-11"),
        ("search", "--user=", "--from", "2026-11"),
        ("search", "--outcome", "", "--from", "2026-11"),
        ("search", "--from", "", "--patient", "1"),
        ("search", "--to", "", "--patient", "1"),
        ("report", "privacy", "--user", ""),
        ("report", "accesses", "--patient", "1", "--patient", ""),
        ("report", "accesses", "--patient", "1", "--from", ""),
        ("search", "--url", "", "--from", "2026-11"),
        ("search", "--profile", "", "--from", "2026-11"),
        ("search", "--token", "", "--from", "2026-11"),
    ],
)
def test_an_empty_value_is_rejected(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """`--patient "$WHO"` is empty if the variable is not set; nothing is requested."""
    monkeypatch.chdir(tmp_path)
    result = ledger(
        *arguments, "--json", env={"AUDIT_LEDGER_URL": stub.url, "AUDIT_LEDGER_TOKEN": "t"}
    )
    assert result.returncode == 2
    assert "expected a value" in json.loads(result.stdout)["error"]
    assert stub.requests == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_may_be_any_bytes(workspace: Workspace) -> None:
    """Paths on POSIX need not be text."""
    policy = Path(os.fsdecode(os.fsencode(workspace.path) + b"/p\xfclicy"))
    policy.write_bytes(workspace.policy.read_bytes())
    result = ledger("verify", str(workspace.ledger), "--policy", os.fsencode(policy), "--no-state")
    assert result.returncode == 0
    missing = ledger("verify", str(workspace.ledger), "--policy", b"n\xfcchts", "--no-state")
    assert missing.returncode == 2


@pytest.mark.parametrize("reader", ["| true", "| head -c 1 >/dev/null"])
def test_a_closed_pipe_is_not_a_failure(workspace: Workspace, reader: str) -> None:
    """The exit code is 141 as for SIGPIPE, or 0 if all was written, but never 1 (failed)."""
    for arguments in (
        ("verify", str(workspace.ledger), "--policy", str(workspace.policy), "--no-state"),
        (
            "verify",
            str(workspace.ledger),
            "--policy",
            str(workspace.policy),
            "--no-state",
            "--json",
        ),
        ("--help",),
        ("search", "--help"),
        ("completion", "bash"),
    ):
        assert ledger(*arguments, shell=reader).returncode in (0, 141), arguments


def test_a_closed_pipe_has_its_own_exit_code(connection: tuple[str, ...]) -> None:
    """Standard output is a pipe without a reader."""
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [*COMMAND, "search", *connection],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "no_proxy": "*"},
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (141, b"")


def test_a_closed_standard_output_is_reported_before_any_request(
    connection: tuple[str, ...], stub: StubServer
) -> None:
    """The exit code is 2, and nothing was requested."""
    result = ledger("search", *connection, shell=">&-")
    assert (result.returncode, result.stderr) == (2, b"ledger: standard output is closed\n")
    assert ledger("search", *connection, shell="2>&-").returncode == 2
    assert stub.requests == []


def test_a_closed_standard_input_is_an_error(connection: tuple[str, ...]) -> None:
    """It differs from an empty input."""
    result = ledger("send", "-", *connection, shell="<&-")
    assert result.returncode == 2
    assert b"standard input is closed" in result.stderr


def test_a_full_disk_is_reported_in_one_line(workspace: Workspace) -> None:
    """The exit code is 3, since the result could not be written."""
    result = ledger(
        "verify",
        str(workspace.ledger),
        "--policy",
        str(workspace.policy),
        "--no-state",
        shell=">/dev/full",
    )
    assert (result.returncode, result.stderr) == (3, b"ledger: No space left on device\n")


@pytest.mark.parametrize(("no_color", "has_escapes"), [("", True), ("1", False)])
def test_no_color_means_no_escape_sequences(
    connection: tuple[str, ...], no_color: str, has_escapes: bool
) -> None:
    """On a terminal, NO_COLOR counts if it is not empty (no-color.org)."""
    primary, secondary = pty.openpty()
    environment = {**os.environ, "no_proxy": "*", "TERM": "xterm", "NO_COLOR": no_color}
    with subprocess.Popen(
        [*COMMAND, "search", *connection], stdout=secondary, stderr=secondary, env=environment
    ) as process:
        os.close(secondary)
        output = b""
        try:
            while piece := os.read(primary, 4096):
                output += piece
        except OSError:  # EIO: the other end is closed
            pass
    os.close(primary)
    assert process.returncode == 0
    assert (b"\x1b[" in output) == has_escapes
    assert "田中".encode() in output


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--json"),
        ("verify", "nowhere", "--policy", "nothing", "--json"),
        ("search", "--json", "--url", "http://127.0.0.1:1", "--token", "a b"),
        ("search", "--json", "--action", "dance"),
        ("report", "accesses", "--format", "json", "--url", "ftp://x", "--token", "a"),
        ("nothing-of-this-name", "--json"),
    ],
)
def test_errors_are_json_where_json_was_requested(arguments: tuple[str, ...]) -> None:
    """One object has the message and the exit code; standard error is the same as ever."""
    result = ledger(*arguments)
    error = json.loads(result.stdout)
    assert error["exit_code"] == result.returncode == 2
    assert error["error"] in result.stderr.decode()


def test_a_failure_in_a_json_report_is_not_repeated(workspace: Workspace, stub: StubServer) -> None:
    """Standard output is one JSON document."""
    proof = workspace.path / "proof"
    proof.write_text("nonsense")
    result = ledger("receipt", "verify", str(proof), "--policy", str(workspace.policy), "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["answer"] == "failed"
    events = workspace.path / "event.json"
    events.write_text(json.dumps(EVENT))
    stub.respond = lambda _: StubResponse(403)
    sent = ledger("send", str(events), "--json", "--url", stub.url, "--token", "a.b.c")
    report = json.loads(sent.stdout)
    assert sent.returncode == 2
    assert (report["complete"], report["accepted"]) == (False, 0)
    assert report["error"] in sent.stderr.decode()
