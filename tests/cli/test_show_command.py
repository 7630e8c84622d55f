"""`ledger show` prints one event, for people or as its sender wrote it."""

import pytest

from audit_ledger.cli.main import run
from tests.cli.stub_searchset import event, event_id
from tests.cli.stub_server import StubResponse, StubServer
from tests.cli.stubbed_command import StubbedCommand

DONE, USAGE, INCOMPLETE = 0, 2, 3


def test_show_prints_all_values_of_an_event(runner: StubbedCommand, stub: StubServer) -> None:
    """The first line has the number of its entry."""
    more = {
        "outcome": "8",
        "outcomeDesc": "no such chart",
        "purposeOfEvent": [{"coding": [{"code": "TREAT", "display": "treatment"}]}],
    }
    stub.respond = lambda _: StubResponse(200, event(1, **more), {"Ledger-Entry": "4711"})
    result = runner.run("show", event_id(1))
    lines = [line.split(maxsplit=1) for line in result.out.splitlines()]
    assert lines[0] == ["event", f"{event_id(1)}, entry 4711"]
    values = [(name, value.strip()) for name, value in lines[1:]]
    assert ("time", "2026-11-22 04:00:01 UTC (as written: 2026-11-22T05:00:01+01:00)") in values
    assert ("action", "read (R)") in values
    assert ("type", "RESTful Operation (urn:t|rest)") in values
    assert ("outcome", "serious failure: no such chart") in values
    assert ("purpose", "treatment") in values
    assert ("agent", "Nurse 1 (requestor)") in values
    assert ("patient", "Patient/p1") in values
    assert ("entity", "Observation/o1") in values
    assert ("source", "EHR") in values
    assert stub.requests[0].target == f"/AuditEvent/{event_id(1)}"


def test_json_output_of_show_is_the_bytes_of_the_sender(
    stub: StubServer, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """No byte changes."""
    body = b'{ "resourceType" : "AuditEvent", "n":1.50,\n"x":"\xc3\xbc" }'
    stub.respond = lambda _: StubResponse(200, body)
    assert run(["show", "e1", "--json", "--url", stub.url, "--token", "x"]) == DONE
    assert capsysbinary.readouterr().out == body


@pytest.mark.parametrize(
    "argument", [f"{start}{event_id(1)}" for start in ("", "https://x/AuditEvent/", "/AuditEvent/")]
)
def test_an_id_can_be_a_url(runner: StubbedCommand, stub: StubServer, argument: str) -> None:
    """`fullUrl` and Location are URLs; only their id is used."""
    stub.respond = lambda _: StubResponse(200, event(1))
    assert runner.run("show", argument).code == DONE
    assert stub.requests[0].target == f"/AuditEvent/{event_id(1)}"


@pytest.mark.parametrize("argument", ["", "a/b", "../x", "a?b", "a b", "x" * 65, "é"])
def test_an_invalid_id_is_wrong_usage(
    runner: StubbedCommand, stub: StubServer, argument: str
) -> None:
    """Nothing is requested."""
    for command in (["show", argument], ["receipt", "get", argument, "-o", "x"]):
        assert runner.run(*command).code == USAGE
    assert stub.requests == []


def test_a_response_without_an_event_is_reported(runner: StubbedCommand, stub: StubServer) -> None:
    """The response is something else."""
    stub.respond = lambda _: StubResponse(200, b"<html>")
    assert "not an AuditEvent" in runner.error_line(INCOMPLETE, "show", "e1")


@pytest.mark.parametrize(("number", "target"), [("41", "entry-41"), ("007", "entry-7")])
def test_an_entry_number_can_replace_an_id(
    runner: StubbedCommand, stub: StubServer, number: str, target: str
) -> None:
    """Findings, proofs and documents name entries by number."""
    stub.respond = lambda _: StubResponse(200, event(1))
    runner.run("show", number)
    runner.run("receipt", "get", number, "-o", "proof")
    assert [request.target for request in stub.requests] == [
        f"/AuditEvent/{target}",
        f"/AuditEvent/{target}/receipt",
    ]


def test_an_event_requested_by_entry_is_shown_with_its_id(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """The id identifies it everywhere."""
    stub.respond = lambda _: StubResponse(200, event(1, id=event_id(7)), {"Ledger-Entry": "41"})
    assert runner.run("show", "41").out.startswith(f"event {event_id(7)}, entry 41\n")
