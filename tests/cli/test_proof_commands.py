"""`ledger receipt get`, `ledger digests` and `ledger document` fetch proofs from the API."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.cli.disclosed_record import DISCLOSED, publish_record, text
from tests.cli.stub_server import StubRequest, StubResponse, StubServer
from tests.cli.stubbed_command import StubbedCommand
from tests.verify.writer import Keys

DONE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
NOT_YET = StubResponse(202, {"status": "not covered"}, {"Retry-After": "60"})


@pytest.fixture
def receipt(runner: StubbedCommand) -> dict[str, Any]:
    """The API's response for entry 4 of a ledger with its policy in the file `policy`."""
    entry = publish_record(runner.path / "ledger", 4)
    (runner.path / "policy").write_bytes(Keys().policy().to_bytes())
    result = runner.run("receipt", "make", runner.path / "ledger", 4, with_connection=False)
    assert result.code == DONE
    return {
        "index": 4,
        "proof": result.out,
        "digest": None,
        "entry": text(entry),
        **DISCLOSED,
    }


def test_a_receipt_is_two_files_that_verify(
    runner: StubbedCommand, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """`ledger receipt verify --record` reads them; only their owner can."""
    stub.respond = lambda _: StubResponse(200, receipt)
    file, record = runner.path / "e.tlog-proof", runner.path / "e.tlog-proof.record.json"
    result = runner.run("receipt", "get", "e1", "-o", file)
    assert result.code == DONE
    assert stub.requests[0].target == "/AuditEvent/e1/receipt"
    assert file.read_text() == receipt["proof"]
    assert {path.stat().st_mode & 0o777 for path in (file, record)} == {0o600}
    verify = ("receipt", "verify", file, "--policy", runner.path / "policy", "--record", record)
    verified = runner.run(*verify, with_connection=False)
    assert verified.code == DONE
    assert "it commits to this record" in verified.out


def test_a_receipt_without_the_record_shows_the_row_alone(
    runner: StubbedCommand, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """The file has the commitment to the record, and neither the record nor its blind."""
    stub.respond = lambda _: StubResponse(200, receipt)
    file, record = runner.path / "e.tlog-proof", runner.path / "e.tlog-proof.record.json"
    policy = runner.path / "policy"
    result = runner.run("receipt", "get", "e1", "-o", file, "--without-record", "--policy", policy)
    assert (result.code, "it commits to this index row" in result.out) == (DONE, True)
    assert set(json.loads(record.read_text())) == {
        "entry",
        "index_row",
        "row_blind",
        "record_commitment",
    }
    assert receipt["record"] not in record.read_text()


def test_a_policy_verifies_the_receipt_on_download(
    runner: StubbedCommand, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """Another record fails, and is stored as evidence."""
    stub.respond = lambda _: StubResponse(200, receipt)
    get = ("receipt", "get", "e1", "-o", runner.path / "e", "--policy", runner.path / "policy")
    result = runner.run(*get)
    assert (result.code, "verified: entry 4" in result.out) == (DONE, True)
    stub.respond = lambda _: StubResponse(200, receipt | {"record": text(b"another")})
    result = runner.run(*get)
    assert result.code == FAILED
    assert "commits to another record" in result.err
    assert (runner.path / "e.record.json").exists()


def test_an_entry_without_checkpoint_is_awaited(
    runner: StubbedCommand, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """The server states the pauses."""
    stub.next_responses = [NOT_YET, NOT_YET, StubResponse(200, receipt)]
    assert runner.run("receipt", "get", "e1", "-o", runner.path / "e").code == DONE
    assert runner.pauses == [60, 60]


def test_an_event_in_the_queue_is_awaited(
    runner: StubbedCommand, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """The command retries a 404 for twenty seconds."""
    stub.next_responses = [
        StubResponse(404),
        StubResponse(404),
        NOT_YET,
        NOT_YET,
        StubResponse(200, receipt),
    ]
    assert runner.run("receipt", "get", "e1", "-o", runner.path / "e").code == DONE
    assert runner.pauses == [2, 3, 60, 60]
    runner.pauses.clear()
    stub.respond = lambda _: StubResponse(404)
    requests = len(stub.requests)
    assert "not found" in runner.error_line(USAGE, "receipt", "get", "e1", "-o", runner.path / "f")
    assert (runner.pauses, len(stub.requests) - requests) == ([2, 3, 5, 10], 5)
    runner.error_line(USAGE, "receipt", "get", "e1", "-o", runner.path / "f", "--wait", "1")
    assert len(stub.requests) - requests == 6


def test_waiting_ends_at_the_requested_time(
    runner: StubbedCommand, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is incomplete, and nothing is written."""
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("audit_ledger.client.http_client.sleep", pause)
    stub.respond = lambda _: NOT_YET
    message = runner.error_line(
        INCOMPLETE, "receipt", "get", "e1", "-o", runner.path / "e", "--wait", "100"
    )
    assert "no checkpoint covers it yet" in message
    assert (waited, len(stub.requests)) == ([60, 40], 3)
    runner.error_line(INCOMPLETE, "receipt", "get", "e1", "-o", runner.path / "e", "--wait", "0")
    assert len(stub.requests) == 4
    assert not (runner.path / "e").exists()


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (StubResponse(404), USAGE),
        (StubResponse(200, {"proof": "x"}), INCOMPLETE),
        (StubResponse(200, b"x"), INCOMPLETE),
    ],
)
def test_without_a_receipt_nothing_is_written(
    runner: StubbedCommand, stub: StubServer, response: StubResponse, code: int
) -> None:
    """One line states the reason."""
    stub.respond = lambda _: response
    runner.error_line(code, "receipt", "get", "e1", "-o", runner.path / "e")
    assert list(runner.path.iterdir()) == []


def test_an_unwritable_receipt_file_is_reported(
    runner: StubbedCommand, stub: StubServer, receipt: dict[str, Any]
) -> None:
    """There is a folder in its place."""
    stub.respond = lambda _: StubResponse(200, receipt)
    assert "Is a directory" in runner.error_line(USAGE, "receipt", "get", "e1", "-o", runner.path)


# ── digests ──


def digest(minute: int) -> dict[str, Any]:
    return {
        "name": f"digests/2026/11/22/20261122T05{minute:02}00Z-{minute}",
        "to": f"2026-11-22T05:{minute:02}:00Z",
        "size_after": 1000 + minute,
        "entries": 1,
        "control_entries": 0,
        "root": text(bytes([minute]) * 32),
        "note": "a signed note\n",
    }


def digests_by_the_hour(request: StubRequest) -> StubResponse:
    """Return at most 25 digests from `from` to `to`, inclusive; `next` is where the rest begins."""
    period = dict(parse_qsl(urlsplit(request.target).query))
    inside = [d for d in map(digest, range(60)) if period["from"] <= d["to"] <= period["to"]]
    more = {"next": inside[25]["to"]} if len(inside) > 25 else {}
    return StubResponse(200, {"digests": inside[:25], **more})


def test_digests_are_listed_page_after_page(runner: StubbedCommand, stub: StubServer) -> None:
    """Each is listed once, in order."""
    stub.respond = digests_by_the_hour
    period = ("--from", "2026-11-22T05:00:00Z", "--to", "2026-11-22T05:58:00Z")
    result = runner.run("digests", *period, "--json")
    assert [json.loads(line) for line in result.out.splitlines()] == [digest(n) for n in range(59)]
    assert len(stub.requests) == 3
    result = runner.run("digests", *period)
    assert result.code == DONE
    rows = [line.split() for line in result.out.splitlines()]
    assert rows[0] == ["until", "(UTC)", "size", "root"]
    assert rows[1] == ["2026-11-22", "05:00:00", "1,000", digest(0)["root"]]
    assert len(rows) == 60


def test_the_latest_digest_is_requested_without_a_period(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """A period beside it is wrong usage."""
    stub.respond = lambda _: StubResponse(200, digest(7))
    assert runner.run("digests", "--latest", "--json").report == digest(7)
    assert stub.requests[0].target == "/digests/latest"
    assert runner.run("digests", "--latest", "--to", "2026-11-22T05:00:00Z").code == USAGE
    assert runner.run("digests", "--from", "yesterday").code == USAGE


def test_digest_pages_that_repeat_end_the_command(runner: StubbedCommand, stub: StubServer) -> None:
    """The server returns a `next` that does not advance."""
    answer = {"digests": [digest(1)], "next": "2026-11-22T05:01:00Z"}
    stub.respond = lambda _: StubResponse(200, answer)
    assert "do not go on" in runner.error_line(INCOMPLETE, "digests")
    assert len(stub.requests) == 2


def test_an_empty_list_of_digests_is_no_error(runner: StubbedCommand, stub: StubServer) -> None:
    """A ledger may have been idle."""
    stub.respond = lambda _: StubResponse(200, {"digests": []})
    assert runner.run("digests").out == "no digest ended in that time\n"


# ── documents ──

CONTENT = b"A letter about Mrs Secret\n"
URI = "ni:///sha-256;" + urlsafe_b64encode(hashlib.sha256(CONTENT).digest()).decode().rstrip("=")
ENTRY = {"id": "e" * 64, "entry": 4711, "time": "2026-11-22T05:59:00Z", "action": "C"}


@pytest.fixture
def letter(runner: StubbedCommand) -> Path:
    file = runner.path / "letter-to-secret.pdf"
    file.write_bytes(CONTENT)
    return file


def test_only_the_digest_of_a_document_is_sent(
    runner: StubbedCommand, stub: StubServer, letter: Path
) -> None:
    """No byte of it is sent, nor its name."""
    stub.respond = lambda _: StubResponse(200, {"entries": [ENTRY]})
    result = runner.run("document", letter)
    assert result.code == DONE
    (request,) = stub.requests
    assert (request.method, request.target) == ("POST", "/documents/verify")
    assert json.loads(request.body) == {"digest": URI}
    assert not {"Secret", "letter"} & set(re.findall(r"\w+", f"{request}"))
    lines = result.out.splitlines()
    assert lines[0] == URI
    assert lines[2].split() == ["2026-11-22", "05:59:00", "create", "4,711"]
    assert lines[3].strip() == ENTRY["id"]
    shown = runner.run("document", letter, "--json").report
    assert shown == {"digest": URI, "entries": [ENTRY], "more": False}


def test_further_entries_of_a_document_are_reported(
    runner: StubbedCommand, stub: StubServer, letter: Path
) -> None:
    """If the caller may see none of those read, the result is incomplete."""
    stub.respond = lambda _: StubResponse(200, {"entries": [ENTRY], "more": True})
    result = runner.run("document", letter)
    assert (result.code, result.out.splitlines()[-1]) == (DONE, "and more")
    stub.respond = lambda _: StubResponse(200, {"entries": [], "more": True})
    result = runner.run("document", letter)
    assert (result.code, result.out.splitlines()[-1].split(":")[0]) == (INCOMPLETE, "cannot tell")


def test_the_digest_uri_follows_rfc_6920(runner: StubbedCommand, stub: StubServer) -> None:
    """The example of its Section 8.1 is the name of the text `Hello World!`."""
    stub.respond = lambda _: StubResponse(200, {"entries": []})
    file = runner.path / "hello"
    file.write_bytes(b"Hello World!")
    out = runner.run("document", file).out
    assert out.startswith("ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk\n")


def test_an_unrecorded_document_fails(
    runner: StubbedCommand, stub: StubServer, letter: Path
) -> None:
    """A script can use the exit code."""
    stub.respond = lambda _: StubResponse(200, {"entries": []})
    result = runner.run("document", letter)
    assert (result.code, result.out.splitlines()[1]) == (
        FAILED,
        "not recorded: no entry of this ledger names this digest",
    )


def test_a_server_without_documents_is_incomplete(
    runner: StubbedCommand, stub: StubServer, letter: Path
) -> None:
    """Nothing is known about the document then."""
    assert "verifies no documents" in runner.error_line(INCOMPLETE, "document", letter)
    stub.respond = lambda _: StubResponse(200, {"entries": [{"id": 5}]})
    assert "not what the API gives" in runner.error_line(INCOMPLETE, "document", letter)
    assert "No such file" in runner.error_line(USAGE, "document", runner.path / "nowhere")
