"""`ledger send` remembers accepted events by their hashes alone."""

import json
import re
from base64 import urlsafe_b64encode

import pytest

from tests.cli.stub_ledger import StubLedger, expected, ids_in
from tests.cli.stub_server import StubServer
from tests.cli.stubbed_command import StubbedCommand, audit_event

DONE, FAILED, USAGE = 0, 1, 2


def test_accepted_events_are_not_sent_again(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """This includes a file that has grown or has another name."""
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(250)))
    runner.run("send", file)
    requests = len(stub.requests)
    result = runner.run("send", file)
    assert (len(stub.requests), result.code) == (requests, DONE)
    assert "accepted: 0 events" in result.out
    assert "250 events sent before and not sent again" in result.out
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(300)))
    assert "accepted: 50 events" in runner.run("send", file).out
    file.rename(runner.path / "other.ndjson")
    result = runner.run("send", "other.ndjson", "--state", "day.ndjson.sent")
    assert "300 events sent before" in result.out
    assert ids_in(ledger) == expected("e", *range(300))


def test_a_file_sent_without_state_adds_no_duplicates(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """The idempotency keys depend on the content alone."""
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(250)))
    for _ in range(2):
        assert "accepted: 250 events" in runner.run("send", file).out
        (runner.path / "day.ndjson.sent").unlink()
    assert [request.key for request in stub.requests[:2]] == [
        request.key for request in stub.requests[2:]
    ]
    assert ids_in(ledger) == expected("e", *range(250))


def test_equal_lines_are_separate_events(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Two reads within a second may be equal: neither is lost, and neither is stored twice."""
    file = runner.write("day.ndjson", audit_event(1), audit_event(1), audit_event(2))
    runner.run("send", file)
    assert ids_in(ledger) == ["e1", "e1", "e2"]
    file = runner.write("day.ndjson", *(audit_event(n) for n in (1, 1, 2, 1)))
    runner.run("send", file)
    assert ids_in(ledger) == ["e1", "e1", "e1", "e2"]


def test_rejected_events_are_sent_again(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """The ledger's rules may have changed; accepted events of the batch are unaffected."""
    ledger.refuses = lambda event: event["id"] == "e1"
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(3)))
    assert runner.run("send", file).code == FAILED
    ledger.refuses = lambda _: False
    result = runner.run("send", file)
    assert (result.code, "accepted: 1 event " in result.out) == (DONE, True)
    assert ids_in(ledger) == expected("e", 0, 1, 2)


def test_the_state_is_separate_for_each_ledger(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """It depends on the address and the scope of the token; a renewed token changes nothing."""

    def token(**claims: object) -> str:
        content = json.dumps(claims).encode()
        return f"e30.{urlsafe_b64encode(content).decode().rstrip('=')}.c2ln"

    file = runner.write("one.json", audit_event(1))
    for number, bearer_token in enumerate(
        [
            token(scope="ledger/north", exp=1, jti="a"),
            token(scope="ledger/north", exp=2, jti="b"),
            token(scope="ledger/south", exp=2, jti="b"),
        ]
    ):
        runner.token = bearer_token
        runner.run("send", file)
        assert len(stub.requests) == (1, 1, 2)[number]
    runner.url = "http://localhost:" + stub.url.rpartition(":")[2]
    runner.run("send", file)
    assert len(stub.requests) == 3


def test_the_state_contains_only_hashes_and_is_private(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """It reveals neither events nor token nor address."""
    runner.run("send", runner.write("day.ndjson", audit_event(1, who="Secret"), audit_event(2)))
    state = runner.path / "day.ndjson.sent"
    assert state.stat().st_mode & 0o777 == 0o600
    for line in map(json.loads, state.read_text().splitlines()):
        assert set(line) in ({"to", "request", "events"}, {"to", "request", "refused"})
        texts = [line["to"], line["request"], *line.get("events", [])]
        assert all(re.fullmatch(r"[0-9a-f]+(#[0-9]+)?", text) for text in texts)


def test_an_incomplete_line_of_the_state_is_ignored(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """A crash may have ended it at any byte."""
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(3)))
    runner.run("send", file)
    state = runner.path / "day.ndjson.sent"
    whole = state.read_bytes()
    for length in range(0, len(whole), 9):
        state.write_bytes(whole[:length])
        assert runner.run("send", file).code == DONE
        assert runner.run("send", file).out.startswith("accepted: 0 events")
    assert ids_in(ledger) == expected("e", 0, 1, 2)


@pytest.mark.parametrize("content", [b"hello\n", b"{}\n", b'{"to":1,"request":"a"}\n', b"\xff\n"])
def test_an_invalid_state_is_not_overwritten(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, content: bytes
) -> None:
    """One line names the file and the line in it."""
    state = runner.path / "mine"
    state.write_bytes(content)
    file = runner.write("one.json", audit_event(1))
    assert "mine, line 1: " in runner.error_line(USAGE, "send", file, "--state", state)
    assert state.read_bytes() == content
    assert stub.requests == []


def test_an_unwritable_state_is_reported_before_sending(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Its folder does not exist."""
    file = runner.write("one.json", audit_event(1))
    assert "No such file" in runner.error_line(
        USAGE, "send", file, "--state", runner.path / "no" / "x"
    )
    assert stub.requests == []
