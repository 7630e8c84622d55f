"""`ledger send`: every event is sent as it is, and each result is reported."""

import hashlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stub_ledger import StubLedger, expected, ids_in
from tests.cli.stub_server import StubResponse, StubServer
from tests.cli.stubbed_command import StubbedCommand, audit_event, cloudevent

DONE, FAILED, USAGE = 0, 1, 2
UNAVAILABLE = StubResponse(503)


def test_an_event_is_sent_byte_for_byte(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """The idempotency key is the hash of the bytes, whatever the file is called."""
    body = b'{ "resourceType":\t"AuditEvent", "id": "e1",\n "n": 1.50 }'
    for name in ("a.json", "b.json"):
        assert runner.run("send", runner.write(name, body)).code == DONE
    first, second = stub.requests
    assert (first.method, first.target, first.body) == ("POST", "/AuditEvent", body)
    assert first.headers["content-type"] == "application/fhir+json"
    assert first.key == second.key == hashlib.sha256(body).hexdigest()
    assert first.token == f"Bearer {runner.token}"
    assert ids_in(ledger) == ["e1"]


def test_lines_are_sent_in_batches_byte_for_byte(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """A batch has at most 200 events and 600 KB; order and bytes do not change."""
    lines = [f'{{"resourceType": "AuditEvent","id":"e{n}"}}'.encode() for n in range(450)]
    assert runner.run("send", runner.write("day.ndjson", *lines)).code == DONE
    bundles = [json.loads(request.body) for request in stub.requests]
    assert [len(bundle["entry"]) for bundle in bundles] == [200, 200, 50]
    assert {bundle["type"] for bundle in bundles} == {"batch"}
    assert all(e["request"] == {"method": "POST", "url": "AuditEvent"} for e in bundles[0]["entry"])
    assert re.findall(rb'\{"resourceType": "AuditEvent".*?\}', stub.requests[0].body) == lines[:200]
    assert ids_in(ledger) == expected("e", *range(450))


def test_large_events_make_small_batches(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """A request stays below the limit of the queue."""
    events = [audit_event(n, text="x" * 100_000) for n in range(14)]
    assert runner.run("send", runner.write("day.ndjson", *events)).code == DONE
    assert len(ids_in(ledger)) == 14
    assert max(len(request.body) for request in stub.requests) < 700_000
    assert len(stub.requests) == 3


def test_batches_that_are_too_large_are_halved(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """A 413 is about a single event only if that was sent alone."""
    ledger.max_bytes = 900
    events = [audit_event(n, text="x" * (2000 if n == 3 else 60)) for n in range(20)]
    result = runner.run("send", runner.write("day.ndjson", *events))
    assert result.code == FAILED
    assert ids_in(ledger) == expected("e", *(n for n in range(20) if n != 3))
    assert "day.ndjson:4: the request: expected at most 1 MiB [413]" in result.out


def test_entries_of_a_batch_are_sent_unchanged(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Their `request` is sent too, for the ledger to judge."""
    entries = [
        {"resource": audit_event(n), "request": {"method": "PUT", "url": f"AuditEvent/{n}"}}
        for n in range(3)
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    runner.run("send", runner.write("bundle.json", bundle))
    (request,) = stub.requests
    assert json.loads(request.body)["entry"] == entries


def test_a_transaction_stays_whole(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """It is accepted or refused as a whole."""
    entries = [{"resource": audit_event(n)} for n in range(300)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    file = runner.write("bundle.json", bundle)
    assert "accepted: 300 events" in runner.run("send", file).out
    assert [request.body for request in stub.requests] == [json.dumps(bundle).encode()]
    assert "300 events sent before" in runner.run("send", file).out
    ledger.refuses = lambda event: event["id"] == "e7"
    again = runner.write("again.json", bundle)
    result = runner.run("send", again)
    assert (result.code, "refused: 300 events" in result.out) == (FAILED, True)
    assert "expected an instant (Bundle.entry[7].resource.recorded) [422]" in result.out


@pytest.mark.parametrize("form", ["batch", "lines", "one"])
def test_cloudevents_are_sent_to_their_own_route(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, form: str
) -> None:
    """They are sent as a batch, or a single one in structured form."""
    events = [cloudevent(n) for n in range(1 if form == "one" else 5)]
    contents: list[object] = [events] if form == "batch" else list(events)
    name = "events.ndjson" if form == "lines" else "events.json"
    assert runner.run("send", runner.write(name, *contents)).code == DONE
    (request,) = stub.requests
    assert request.target == "/events"
    kind = "cloudevents" if form == "one" else "cloudevents-batch"
    assert request.headers["content-type"] == f"application/{kind}+json"
    assert ids_in(ledger) == expected("c", *range(len(events)))


def test_one_invalid_cloudevent_does_not_prevent_the_others(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """The ledger refuses a batch as a whole, so the invalid one is found by halving."""
    ledger.refuses = lambda event: event["id"] == "c13"
    result = runner.run("send", runner.write("events.ndjson", *(cloudevent(n) for n in range(40))))
    assert result.code == FAILED
    assert ids_in(ledger) == expected("c", *(n for n in range(40) if n != 13))
    assert "refused: 1 event\n" in result.out
    assert "events.ndjson:14: expected an instant (CloudEvents[0].time) [422]" in result.out


def test_rejections_name_file_line_and_reason_without_content(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Each event is refused by itself, and the others are accepted."""
    ledger.refuses = lambda event: event.get("bad", False)
    lines: list[object] = [
        audit_event(0),
        audit_event(1, bad=True, who="Mrs Secret"),
        b"{bad Secret",
    ]
    lines += [{"resourceType": "Patient", "name": "Secret"}, b"", audit_event(5)]
    runner.write("day.ndjson", *lines)
    result = runner.run("send", "day.ndjson")
    assert result.code == FAILED
    assert ids_in(ledger) == ["e0", "e5"]
    assert "Secret" not in result.out + result.err
    refused = [line.strip() for line in result.out.splitlines() if "day.ndjson:" in line]
    assert sorted(refused) == [
        "day.ndjson:2: expected an instant (AuditEvent.recorded) [422]",
        "day.ndjson:3: not a JSON object in UTF-8 without byte order mark",
        "day.ndjson:4: Patient: expected an AuditEvent, a Bundle or a CloudEvent",
    ]


def test_other_files_of_a_folder_are_skipped(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Other resources are counted by kind; other and hidden files are not read."""
    runner.write("in/b/2.json", audit_event(2))
    runner.write("in/1.json", audit_event(1))
    runner.write("in/3.jsonl", audit_event(3), audit_event(4))
    runner.write("in/consent.json", {"resourceType": "Consent"})
    runner.write("in/notes.txt", b"{")
    runner.write("in/.hidden.json", audit_event(9))
    runner.write("in/.git/x.json", audit_event(9))
    result = runner.run("send", "in")
    assert result.code == DONE
    assert ids_in(ledger) == expected("e", 1, 2, 3, 4)
    assert "left out, being something else: Consent 1" in result.out
    assert (runner.path / "in.sent").is_file()


def test_standard_input_is_read(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It contains a document or lines; no state file is written."""
    for data in (
        json.dumps(audit_event(1), indent=1),
        "\n".join(map(json.dumps, [audit_event(2), audit_event(3)])),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
        assert runner.run("send", "-").code == DONE
    assert ids_in(ledger) == expected("e", 1, 2, 3)
    assert list(runner.path.iterdir()) == []


def test_json_output_reports_each_event(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """The report has the places and ids of accepted events, and the places of refused ones."""
    ledger.refuses = lambda event: event["id"] == "e1"
    runner.write("day.ndjson", *(audit_event(n) for n in range(3)))
    report: Any = runner.run("send", "day.ndjson", "--json").report
    assert report["complete"] is True
    assert report["events"] == [
        {"place": "day.ndjson:1", "ids": [f"{0:064x}"]},
        {"place": "day.ndjson:3", "ids": [f"{1:064x}"]},
    ]
    (refused,) = report["refused"]
    assert refused["place"] == "day.ndjson:2"


def test_flagged_events_are_counted(runner: StubbedCommand, stub: StubServer) -> None:
    """A flagged event is accepted although it violates a profile."""
    issue = {"severity": "warning", "code": "business-rule", "diagnostics": "patient.unresolved"}
    response = {"status": "201", "location": "/AuditEvent/1", "outcome": {"issue": [issue]}}
    stub.respond = lambda _: StubResponse(200, {"entry": [{"response": response}] * 2})
    result = runner.run("send", runner.write("day.ndjson", audit_event(1), audit_event(2)))
    assert "flagged, and accepted all the same: patient.unresolved 2" in result.out


def test_messages_of_a_server_are_escaped_and_shortened(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """They may contain control characters and be of any length."""
    message = "\x1b[2Jverified\n" + "x" * 5000
    stub.respond = lambda _: StubResponse(422, {"issue": [{"diagnostics": message}]})
    result = runner.run("send", runner.write("one.json", audit_event(1)))
    assert "\x1b" not in result.out
    assert len(result.out) < 1000


def test_missing_files_are_reported_before_sending(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """No event of the other files is sent."""
    file = runner.write("one.json", audit_event(1))
    assert "no-such: No such file" in runner.error_line(USAGE, "send", file, "no-such")
    assert stub.requests == []


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[1]", b"5", b"{" * 5000, b"[" * 100_000, b"\xef\xbb\xbf{}"]
)
def test_invalid_events_end_without_traceback(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, body: bytes
) -> None:
    """The client or the ledger refuses it, or there is nothing to send."""
    ledger.refuses = lambda _: True
    result = runner.run("send", runner.write("odd.json", body))
    assert result.code == FAILED
    assert "odd.json" in result.out


def test_a_json_file_may_contain_lines_or_one_document(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """It contains lines if its first line is a document of its own."""
    pretty = json.dumps(audit_event(1), indent=2).encode()
    runner.run("send", runner.write("pretty.json", pretty))
    runner.run("send", runner.write("lines.json", audit_event(2), audit_event(3)))
    assert ids_in(ledger) == expected("e", 1, 2, 3)


def test_events_of_a_read_only_folder_are_sent(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line states that nothing is remembered."""
    monkeypatch.setattr("os.access", lambda *_: False)
    file: Path = runner.write("one.json", audit_event(1))
    assert "nothing is remembered" in runner.error_line(DONE, "send", file)
    assert not (runner.path / "one.json.sent").exists()
    assert ids_in(ledger) == ["e1"]


def test_an_interrupted_run_reports_its_progress(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run continues."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("audit_ledger.client.http_client.sleep", interrupt)
    runner.write("in/1.json", audit_event(1))
    runner.write("in/2.json", audit_event(2))
    stub.respond = lambda request: (
        ledger.answer(request) if len(stub.requests) == 1 else UNAVAILABLE
    )
    result = runner.run("send", "in")
    assert result.code == 130
    assert result.out == (
        f"accepted: 1 event by {stub.url}\nnot finished: the same command again goes on from here\n"
    )
    stub.respond = ledger.answer
    assert runner.run("send", "in").code == DONE
    assert ids_in(ledger) == ["e1", "e2"]
