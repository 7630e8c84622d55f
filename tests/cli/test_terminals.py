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

from tests.cli.ledger_command import Desk
from tests.cli.stub_server import Says, StubServer

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
    ran = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert b"Traceback" not in ran.stderr + ran.stdout
    return ran


@pytest.fixture
def place(stub: StubServer) -> tuple[str, ...]:
    """Where a search finds one event whose user has a name that few encodings have."""
    stub.answering = lambda _: Says(200, searchset(EVENT))
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
def test_what_an_encoding_lacks_is_escaped(place: tuple[str, ...], locale: dict[str, str]) -> None:
    """On the terminal as Python escapes it; JSON is UTF-8 everywhere (RFC 8259, Section 8.1)."""
    ran = ledger("search", *place, env={**locale, "COLUMNS": "200"})
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"\\u7530\\u4e2d M" in ran.stdout
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
def test_where_no_encoding_is_set_it_is_utf_8(
    place: tuple[str, ...], locale: dict[str, str]
) -> None:
    """ASCII is what a locale says that nobody has set (PEP 540)."""
    ran = ledger("search", *place, env={**locale, "COLUMNS": "200"})
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert NAME.encode() in ran.stdout


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
def test_text_that_is_not_utf_8_is_refused(
    place: tuple[str, ...], arguments: tuple[str | bytes, ...], tmp_path: Path
) -> None:
    """As wrong use: exit code 2, and the option is named."""
    ran = ledger(*arguments, *place)
    assert ran.returncode == 2
    assert b"Error: Invalid value for" in ran.stderr


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
def test_an_empty_value_is_refused_and_never_means_all(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """As `--patient "$WHO"` is with an unset variable: nothing is asked of the ledger."""
    monkeypatch.chdir(tmp_path)
    ran = ledger(
        *arguments, "--json", env={"AUDIT_LEDGER_URL": stub.url, "AUDIT_LEDGER_TOKEN": "t"}
    )
    assert ran.returncode == 2
    assert "expected a value" in json.loads(ran.stdout)["error"]
    assert stub.got == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_may_be_any_bytes(desk: Desk) -> None:
    """Paths are no text on POSIX."""
    odd = Path(os.fsdecode(os.fsencode(desk.path) + b"/p\xfclicy"))
    odd.write_bytes(desk.policy.read_bytes())
    ran = ledger("verify", str(desk.ledger), "--policy", os.fsencode(odd), "--no-state")
    assert ran.returncode == 0
    missing = ledger("verify", str(desk.ledger), "--policy", b"n\xfcchts", "--no-state")
    assert missing.returncode == 2


@pytest.mark.parametrize("reader", ["| true", "| head -c 1 >/dev/null"])
def test_a_closed_pipe_is_no_answer(desk: Desk, reader: str) -> None:
    """141 as of SIGPIPE, or 0 where all was written before: never 1, which means failed."""
    for arguments in (
        ("verify", str(desk.ledger), "--policy", str(desk.policy), "--no-state"),
        ("verify", str(desk.ledger), "--policy", str(desk.policy), "--no-state", "--json"),
        ("--help",),
        ("search", "--help"),
        ("completion", "bash"),
    ):
        assert ledger(*arguments, shell=reader).returncode in (0, 141), arguments


def test_a_reader_who_left_is_known_by_the_exit_code(place: tuple[str, ...]) -> None:
    """Standard output is a pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [*COMMAND, "search", *place],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, "no_proxy": "*"},
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (141, b"")


def test_a_closed_standard_output_is_said_before_anything_is_done(
    place: tuple[str, ...], stub: StubServer
) -> None:
    """One line, exit code 2, and nothing was requested."""
    ran = ledger("search", *place, shell=">&-")
    assert (ran.returncode, ran.stderr) == (2, b"ledger: standard output is closed\n")
    assert ledger("search", *place, shell="2>&-").returncode == 2
    assert stub.got == []


def test_a_closed_standard_input_is_no_empty_file(place: tuple[str, ...]) -> None:
    """Nothing was sent, which is not the same as nothing to send."""
    ran = ledger("send", "-", *place, shell="<&-")
    assert ran.returncode == 2
    assert b"standard input is closed" in ran.stderr


def test_a_full_disk_is_one_line(desk: Desk) -> None:
    """Exit code 3: whether it verifies was not written."""
    ran = ledger(
        "verify", str(desk.ledger), "--policy", str(desk.policy), "--no-state", shell=">/dev/full"
    )
    assert (ran.returncode, ran.stderr) == (3, b"ledger: No space left on device\n")


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
    ran = ledger(*arguments)
    error = json.loads(ran.stdout)
    assert error["exit_code"] == ran.returncode == 2
    assert error["error"] in ran.stderr.decode()


def test_a_failure_that_a_report_says_is_not_said_twice(desk: Desk, stub: StubServer) -> None:
    """Standard output holds one JSON document."""
    proof = desk.path / "proof"
    proof.write_text("nonsense")
    ran = ledger("receipt", "verify", str(proof), "--policy", str(desk.policy), "--json")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["answer"] == "failed"
    events = desk.path / "event.json"
    events.write_text(json.dumps(EVENT))
    stub.answering = lambda _: Says(403)
    sent = ledger("send", str(events), "--json", "--url", stub.url, "--token", "a.b.c")
    report = json.loads(sent.stdout)
    assert sent.returncode == 2
    assert (report["complete"], report["accepted"]) == (False, 0)
    assert report["error"] in sent.stderr.decode()
