"""The command in terminals, pipes and locales that others have: a line or an exit code, never more.

Each runs in a process of its own, as a shell would start it.
"""

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
    """Run the command; `shell`: what follows it in a line of bash, a pipe or a redirection."""
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
def place(stub: StubServer) -> tuple[str, ...]:
    """Where a search finds one event whose user has a name that few encodings have."""
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
    place: tuple[str, ...], locale: dict[str, str]
) -> None:
    """On the terminal as Python escapes it; JSON is UTF-8 everywhere (RFC 8259, Section 8.1)."""
    result = ledger("search", *place, env={**locale, "COLUMNS": "200"})
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"\\u7530\\u4e2d M" in result.stdout
    as_json = ledger("search", "--json", *place, env=locale)
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
def test_the_default_encoding_is_utf_8(place: tuple[str, ...], locale: dict[str, str]) -> None:
    """ASCII is what a locale says that nobody has set (PEP 540)."""
    result = ledger("search", *place, env={**locale, "COLUMNS": "200"})
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
    place: tuple[str, ...], arguments: tuple[str | bytes, ...], tmp_path: Path
) -> None:
    """As wrong use: exit code 2, and the option is named."""
    result = ledger(*arguments, *place)
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
    """As `--patient "$WHO"` is with an unset variable: nothing is asked of the ledger."""
    monkeypatch.chdir(tmp_path)
    result = ledger(
        *arguments, "--json", env={"AUDIT_LEDGER_URL": stub.url, "AUDIT_LEDGER_TOKEN": "t"}
    )
    assert result.returncode == 2
    assert "expected a value" in json.loads(result.stdout)["error"]
    assert stub.requests == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_may_be_any_bytes(workspace: Workspace) -> None:
    """Paths are no text on POSIX."""
    odd = Path(os.fsdecode(os.fsencode(workspace.path) + b"/p\xfclicy"))
    odd.write_bytes(workspace.policy.read_bytes())
    result = ledger("verify", str(workspace.ledger), "--policy", os.fsencode(odd), "--no-state")
    assert result.returncode == 0
    missing = ledger("verify", str(workspace.ledger), "--policy", b"n\xfcchts", "--no-state")
    assert missing.returncode == 2


@pytest.mark.parametrize("reader", ["| true", "| head -c 1 >/dev/null"])
def test_a_closed_pipe_is_not_a_failure(workspace: Workspace, reader: str) -> None:
    """141 as of SIGPIPE, or 0 where all was written before: never 1, which means failed."""
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


def test_a_closed_pipe_has_its_own_exit_code(place: tuple[str, ...]) -> None:
    """Standard output is a pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [*COMMAND, "search", *place],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "no_proxy": "*"},
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (141, b"")


def test_a_closed_standard_output_is_reported_before_any_request(
    place: tuple[str, ...], stub: StubServer
) -> None:
    """One line, exit code 2, and nothing was requested."""
    result = ledger("search", *place, shell=">&-")
    assert (result.returncode, result.stderr) == (2, b"ledger: standard output is closed\n")
    assert ledger("search", *place, shell="2>&-").returncode == 2
    assert stub.requests == []


def test_a_closed_standard_input_is_an_error(place: tuple[str, ...]) -> None:
    """Nothing was sent, which is not the same as nothing to send."""
    result = ledger("send", "-", *place, shell="<&-")
    assert result.returncode == 2
    assert b"standard input is closed" in result.stderr


def test_a_full_disk_is_reported_in_one_line(workspace: Workspace) -> None:
    """Exit code 3: whether it verifies was not written."""
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
    place: tuple[str, ...], no_color: str, has_escapes: bool
) -> None:
    """On a terminal (no-color.org: when present and not empty)."""
    primary, secondary = pty.openpty()
    environment = {**os.environ, "no_proxy": "*", "TERM": "xterm", "NO_COLOR": no_color}
    with subprocess.Popen(
        [*COMMAND, "search", *place], stdout=secondary, stderr=secondary, env=environment
    ) as process:
        os.close(secondary)
        shown = b""
        try:
            while piece := os.read(primary, 4096):
                shown += piece
        except OSError:  # EIO: the other end is closed
            pass
    os.close(primary)
    assert process.returncode == 0
    assert (b"\x1b[" in shown) == has_escapes
    assert "田中".encode() in shown


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
    """One object on standard output with the message and the exit code; the line as ever."""
    result = ledger(*arguments)
    error = json.loads(result.stdout)
    assert error["exit_code"] == result.returncode == 2
    assert error["error"] in result.stderr.decode()


def test_a_failure_in_a_json_report_is_not_repeated(workspace: Workspace, stub: StubServer) -> None:
    """Standard output holds one JSON document."""
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
