"""`ledger send`: every event reaches the ledger once, whatever happens on the way."""

import hashlib
import io
import json
import re
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stub_ledger import StubLedger
from tests.cli.stub_server import StubRequest, StubResponse, StubServer
from tests.cli.stubbed_command import StubbedCommand, audit_event, cloudevent

DONE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
UNAVAILABLE = StubResponse(503)


@pytest.fixture
def ledger(stub: StubServer) -> StubLedger:
    made = StubLedger()
    stub.respond = made.answer
    return made


def ids_in(ledger: StubLedger) -> list[str]:
    """The ids of the events in the ledger, as their senders gave them, each as often as kept."""
    return sorted(event["id"] for event in ledger.events.values())


def expected(prefix: str, *numbers: int) -> list[str]:
    return sorted(f"{prefix}{number}" for number in numbers)


def test_an_event_is_sent_byte_for_byte(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """To /AuditEvent, under the hash of its bytes, whatever the file is called."""
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
    """At most 200 and 600 KB each, in order, each line's bytes as they are."""
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
    """A request stays below what the queue takes."""
    events = [audit_event(n, text="x" * 100_000) for n in range(14)]
    assert runner.run("send", runner.write("day.ndjson", *events)).code == DONE
    assert len(ids_in(ledger)) == 14
    assert max(len(request.body) for request in stub.requests) < 700_000
    assert len(stub.requests) == 3


def test_batches_that_are_too_large_are_halved(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """413 says nothing of single events, until there is one alone."""
    ledger.most_bytes = 900
    events = [audit_event(n, text="x" * (2000 if n == 3 else 60)) for n in range(20)]
    result = runner.run("send", runner.write("day.ndjson", *events))
    assert result.code == FAILED
    assert ids_in(ledger) == expected("e", *(n for n in range(20) if n != 3))
    assert "day.ndjson:4: the request: expected at most 1 MiB [413]" in result.out


def test_entries_of_a_batch_are_sent_unchanged(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """The requests that it states too: judging them is the ledger's."""
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
    """Accepted whole, or refused whole."""
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
    """As a batch, or one alone in structured form."""
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
    """A batch of them is refused whole, so the bad one is looked for in halves."""
    ledger.refuses = lambda event: event["id"] == "c13"
    result = runner.run("send", runner.write("events.ndjson", *(cloudevent(n) for n in range(40))))
    assert result.code == FAILED
    assert ids_in(ledger) == expected("c", *(n for n in range(40) if n != 13))
    assert "refused: 1 event\n" in result.out
    assert "events.ndjson:14: expected an instant (CloudEvents[0].time) [422]" in result.out


def test_rejections_name_file_line_and_reason_without_content(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Each by itself; the others are accepted."""
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
    """And counted by kind; other files and hidden ones are not looked at."""
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
    """A document or lines; nothing is written anywhere."""
    for data in (
        json.dumps(audit_event(1), indent=1),
        "\n".join(map(json.dumps, [audit_event(2), audit_event(3)])),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
        assert runner.run("send", "-").code == DONE
    assert ids_in(ledger) == expected("e", 1, 2, 3)
    assert list(runner.path.iterdir()) == []


# ── sent again ──


def test_accepted_events_are_not_sent_again(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Not even when the file has grown, or is called otherwise."""
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
    """The keys are those of the content."""
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
    """Two reads within a second may be written alike: neither is lost, and neither comes twice."""
    file = runner.write("day.ndjson", audit_event(1), audit_event(1), audit_event(2))
    runner.run("send", file)
    assert ids_in(ledger) == ["e1", "e1", "e2"]
    file = runner.write("day.ndjson", *(audit_event(n) for n in (1, 1, 2, 1)))
    runner.run("send", file)
    assert ids_in(ledger) == ["e1", "e1", "e1", "e2"]


def test_rejected_events_are_sent_again(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """The ledger's rules may have changed; what was accepted beside it stays as it is."""
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
    """The state is of an address and of whom the token is for, also if it is a newer token."""

    def token(**claims: object) -> str:
        content = json.dumps(claims).encode()
        return f"e30.{urlsafe_b64encode(content).decode().rstrip('=')}.c2ln"

    file = runner.write("one.json", audit_event(1))
    for number, given in enumerate(
        [
            token(scope="ledger/north", exp=1, jti="a"),
            token(scope="ledger/north", exp=2, jti="b"),
            token(scope="ledger/south", exp=2, jti="b"),
        ]
    ):
        runner.token = given
        runner.run("send", file)
        assert len(stub.requests) == (1, 1, 2)[number]
    other = "http://localhost:" + stub.url.rpartition(":")[2]
    runner.url = other
    runner.run("send", file)
    assert len(stub.requests) == 3


# ── what goes wrong on the way ──

Loses = Callable[[StubLedger], Callable[[StubRequest], StubResponse]]


def after_it_took_effect(ledger: StubLedger) -> Callable[[StubRequest], StubResponse]:
    """The request is accepted, and the answer is lost."""

    def answer(request: StubRequest) -> StubResponse:
        ledger.answer(request)
        return StubResponse(resets=True)

    return answer


def before_it_took_effect(ledger: StubLedger) -> Callable[[StubRequest], StubResponse]:
    return lambda _: StubResponse(resets=True)


def cut_short(ledger: StubLedger) -> Callable[[StubRequest], StubResponse]:
    """The answer ends in its middle."""

    def answer(request: StubRequest) -> StubResponse:
        response = ledger.answer(request)
        body = json.dumps(response.body).encode()
        return StubResponse(
            response.status, body[:20], response.headers, missing_bytes=len(body) - 20
        )

    return answer


@pytest.mark.parametrize("loses", [after_it_took_effect, before_it_took_effect, cut_short])
@pytest.mark.parametrize("grown_to", [250, 250 + 90])
@pytest.mark.parametrize("answers_before", [0, 1])
def test_an_interrupted_run_is_continued(
    runner: StubbedCommand,
    stub: StubServer,
    ledger: StubLedger,
    loses: Loses,
    grown_to: int,
    answers_before: int,
) -> None:
    """Whether or not a request took effect, and although the file grew meanwhile: each once."""

    def failing(request: StubRequest) -> StubResponse:
        if len(stub.requests) <= answers_before:
            return ledger.answer(request)
        return loses(ledger)(request)

    stub.respond = failing
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(250)))
    result = runner.run("send", file)
    assert result.code == INCOMPLETE
    assert len(result.err.splitlines()) == 1
    stub.respond = ledger.answer
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(grown_to)))
    result = runner.run("send", file)
    assert result.code == DONE
    assert ids_in(ledger) == expected("e", *range(grown_to))


@pytest.mark.parametrize(
    "failure",
    [
        UNAVAILABLE,
        StubResponse(429),
        StubResponse(500),
        StubResponse(502),
        StubResponse(resets=True),
        StubResponse(200, b"{", missing_bytes=9),
    ],
)
def test_passing_failures_are_retried_under_the_same_key(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, failure: StubResponse
) -> None:
    """In pauses that grow; the same request under the same key."""
    stub.next_responses = [failure] * 4
    assert runner.run("send", runner.write("one.json", audit_event(1))).code == DONE
    assert len({request.key for request in stub.requests}) == 1
    assert len(stub.requests) == 5
    assert runner.pauses == sorted(set(runner.pauses))
    assert len(runner.pauses) == 4
    assert ids_in(ledger) == ["e1"]


def test_retry_after_is_respected(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Retry-After in seconds; never more than a minute at a time."""
    stub.next_responses = [StubResponse(429, headers={"Retry-After": "7"})]
    stub.next_responses += [StubResponse(503, headers={"Retry-After": "86400"})]
    runner.run("send", runner.write("one.json", audit_event(1)))
    assert runner.pauses == [7, 60]


def test_an_unreachable_server_is_incomplete(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """What was accepted before is said, and that it is not all."""
    stub.respond = lambda request: (
        ledger.answer(request) if len(stub.requests) == 1 else UNAVAILABLE
    )
    result = runner.run("send", runner.write("day.ndjson", *(audit_event(n) for n in range(250))))
    assert result.code == INCOMPLETE
    assert "accepted: 200 events" in result.out
    assert "not finished: the same command again goes on" in result.out
    assert result.err == f"ledger: {stub.url}: HTTP status 503: the ledger cannot answer this now\n"
    result = runner.run("send", "day.ndjson", "--json")
    assert (result.report["complete"], result.report["accepted"]) == (False, 0)


def test_a_response_with_missing_entries_is_incomplete(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Two answers for three events: nobody knows which."""
    stub.next_responses = [StubResponse(200, {"entry": [{"response": {"status": "201"}}] * 2})]
    file = runner.write("day.ndjson", *(audit_event(n) for n in range(3)))
    assert "is not what the API gives" in runner.error_line(INCOMPLETE, "send", file)
    assert runner.run("send", file).code == DONE
    assert ids_in(ledger) == expected("e", 0, 1, 2)


@pytest.mark.parametrize(
    ("status", "message"), [(401, "token"), (403, "token"), (404, "not found")]
)
def test_a_rejected_token_ends_the_command(
    runner: StubbedCommand, stub: StubServer, status: int, message: str
) -> None:
    """Nothing further is tried, and no event is called refused."""
    stub.respond = lambda _: StubResponse(status)
    file = runner.write("in/1.json", audit_event(1)).parent
    runner.write("in/2.json", audit_event(2))
    result = runner.run("send", file)
    assert (result.code, result.out, len(stub.requests)) == (USAGE, "", 1)
    assert message in result.err


# ── what is remembered ──


def test_the_state_contains_only_hashes_and_is_private(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Nothing of an event can be read there, nor the token or the address."""
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
    """At every byte at which a crash may have ended it."""
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
    """One line with its name and place."""
    state = runner.path / "mine"
    state.write_bytes(content)
    file = runner.write("one.json", audit_event(1))
    assert "mine, line 1: " in runner.error_line(USAGE, "send", file, "--state", state)
    assert state.read_bytes() == content
    assert stub.requests == []


def test_an_unwritable_state_is_reported_before_sending(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """A folder that is not there."""
    file = runner.write("one.json", audit_event(1))
    assert "No such file" in runner.error_line(
        USAGE, "send", file, "--state", runner.path / "no" / "x"
    )
    assert stub.requests == []


# ── reports ──


def test_json_output_reports_each_event(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """Places and the ids that the events have in the ledger."""
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
    """Accepted events that are not as the profiles have them."""
    issue = {"severity": "warning", "code": "business-rule", "diagnostics": "patient.unresolved"}
    response = {"status": "201", "location": "/AuditEvent/1", "outcome": {"issue": [issue]}}
    stub.respond = lambda _: StubResponse(200, {"entry": [{"response": response}] * 2})
    result = runner.run("send", runner.write("day.ndjson", audit_event(1), audit_event(2)))
    assert "flagged, and accepted all the same: patient.unresolved 2" in result.out


def test_messages_of_a_server_are_escaped_and_shortened(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """Escaped, and not endless."""
    message = "\x1b[2Jverified\n" + "x" * 5000
    stub.respond = lambda _: StubResponse(422, {"issue": [{"diagnostics": message}]})
    result = runner.run("send", runner.write("one.json", audit_event(1)))
    assert "\x1b" not in result.out
    assert len(result.out) < 1000


def test_missing_files_are_reported_before_sending(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """Before anything is sent."""
    file = runner.write("one.json", audit_event(1))
    assert "no-such: No such file" in runner.error_line(USAGE, "send", file, "no-such")
    assert stub.requests == []


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[1]", b"5", b"{" * 5000, b"[" * 100_000, b"\xef\xbb\xbf{}"]
)
def test_invalid_events_end_without_traceback(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, body: bytes
) -> None:
    """It is refused here or there, or there is nothing to send."""
    ledger.refuses = lambda _: True
    result = runner.run("send", runner.write("odd.json", body))
    assert result.code == FAILED
    assert "odd.json" in result.out


def test_a_json_file_may_contain_lines_or_one_document(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger
) -> None:
    """By the first line: does it stand for itself?"""
    pretty = json.dumps(audit_event(1), indent=2).encode()
    runner.run("send", runner.write("pretty.json", pretty))
    runner.run("send", runner.write("lines.json", audit_event(2), audit_event(3)))
    assert ids_in(ledger) == expected("e", 1, 2, 3)


def test_events_of_a_read_only_folder_are_sent(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that nothing is remembered is said."""
    monkeypatch.setattr("os.access", lambda *_: False)
    file: Path = runner.write("one.json", audit_event(1))
    assert "nothing is remembered" in runner.error_line(DONE, "send", file)
    assert not (runner.path / "one.json.sent").exists()
    assert ids_in(ledger) == ["e1"]


def test_an_interrupted_run_reports_its_progress(
    runner: StubbedCommand, stub: StubServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next run goes on."""

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
