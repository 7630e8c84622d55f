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

from tests.cli.asking import Asker, audit_event, cloudevent
from tests.cli.stub_ledger import StubLedger
from tests.cli.stub_server import Got, Says, StubServer

DONE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
UNAVAILABLE = Says(503)


@pytest.fixture
def ledger(stub: StubServer) -> StubLedger:
    made = StubLedger()
    stub.answering = made.answer
    return made


def ids_in(ledger: StubLedger) -> list[str]:
    """The ids of the events in the ledger, as their senders gave them, each as often as kept."""
    return sorted(event["id"] for event in ledger.events.values())


def expected(prefix: str, *numbers: int) -> list[str]:
    return sorted(f"{prefix}{number}" for number in numbers)


def test_an_event_goes_byte_for_byte(asker: Asker, stub: StubServer, ledger: StubLedger) -> None:
    """To /AuditEvent, under the hash of its bytes, whatever the file is called."""
    body = b'{ "resourceType":\t"AuditEvent", "id": "e1",\n "n": 1.50 }'
    for name in ("a.json", "b.json"):
        assert asker.run("send", asker.write(name, body)).code == DONE
    first, second = stub.got
    assert (first.method, first.target, first.body) == ("POST", "/AuditEvent", body)
    assert first.headers["content-type"] == "application/fhir+json"
    assert first.key == second.key == hashlib.sha256(body).hexdigest()
    assert first.token == f"Bearer {asker.token}"
    assert ids_in(ledger) == ["e1"]


def test_lines_go_as_batches_of_their_own_bytes(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """At most 200 and 600 KB each, in order, each line's bytes as they are."""
    lines = [f'{{"resourceType": "AuditEvent","id":"e{n}"}}'.encode() for n in range(450)]
    assert asker.run("send", asker.write("day.ndjson", *lines)).code == DONE
    bundles = [json.loads(got.body) for got in stub.got]
    assert [len(bundle["entry"]) for bundle in bundles] == [200, 200, 50]
    assert {bundle["type"] for bundle in bundles} == {"batch"}
    assert all(e["request"] == {"method": "POST", "url": "AuditEvent"} for e in bundles[0]["entry"])
    assert re.findall(rb'\{"resourceType": "AuditEvent".*?\}', stub.got[0].body) == lines[:200]
    assert ids_in(ledger) == expected("e", *range(450))


def test_large_events_make_small_batches(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """A request stays below what the queue takes."""
    events = [audit_event(n, text="x" * 100_000) for n in range(14)]
    assert asker.run("send", asker.write("day.ndjson", *events)).code == DONE
    assert len(ids_in(ledger)) == 14
    assert max(len(got.body) for got in stub.got) < 700_000
    assert len(stub.got) == 3


def test_what_is_too_much_goes_in_halves(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """413 says nothing of single events, until there is one alone."""
    ledger.most_bytes = 900
    events = [audit_event(n, text="x" * (2000 if n == 3 else 60)) for n in range(20)]
    ran = asker.run("send", asker.write("day.ndjson", *events))
    assert ran.code == FAILED
    assert ids_in(ledger) == expected("e", *(n for n in range(20) if n != 3))
    assert "day.ndjson:4: the request: expected at most 1 MiB [413]" in ran.out


def test_a_batchs_entries_go_as_they_are(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """The requests that it states too: judging them is the ledger's."""
    entries = [
        {"resource": audit_event(n), "request": {"method": "PUT", "url": f"AuditEvent/{n}"}}
        for n in range(3)
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    asker.run("send", asker.write("bundle.json", bundle))
    (got,) = stub.got
    assert json.loads(got.body)["entry"] == entries


def test_a_transaction_stays_whole(asker: Asker, stub: StubServer, ledger: StubLedger) -> None:
    """Accepted whole, or refused whole."""
    entries = [{"resource": audit_event(n)} for n in range(300)]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    file = asker.write("bundle.json", bundle)
    assert "accepted: 300 events" in asker.run("send", file).out
    assert [got.body for got in stub.got] == [json.dumps(bundle).encode()]
    assert "300 events sent before" in asker.run("send", file).out
    ledger.refuses = lambda event: event["id"] == "e7"
    again = asker.write("again.json", bundle)
    ran = asker.run("send", again)
    assert (ran.code, "refused: 300 events" in ran.out) == (FAILED, True)
    assert "expected an instant (Bundle.entry[7].resource.recorded) [422]" in ran.out


@pytest.mark.parametrize("form", ["batch", "lines", "one"])
def test_cloudevents_go_to_their_own_route(
    asker: Asker, stub: StubServer, ledger: StubLedger, form: str
) -> None:
    """As a batch, or one alone in structured form."""
    events = [cloudevent(n) for n in range(1 if form == "one" else 5)]
    contents: list[object] = [events] if form == "batch" else list(events)
    name = "events.ndjson" if form == "lines" else "events.json"
    assert asker.run("send", asker.write(name, *contents)).code == DONE
    (got,) = stub.got
    assert got.target == "/events"
    kind = "cloudevents" if form == "one" else "cloudevents-batch"
    assert got.headers["content-type"] == f"application/{kind}+json"
    assert ids_in(ledger) == expected("c", *range(len(events)))


def test_one_bad_cloudevent_costs_no_other(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """A batch of them is refused whole, so the bad one is looked for in halves."""
    ledger.refuses = lambda event: event["id"] == "c13"
    ran = asker.run("send", asker.write("events.ndjson", *(cloudevent(n) for n in range(40))))
    assert ran.code == FAILED
    assert ids_in(ledger) == expected("c", *(n for n in range(40) if n != 13))
    assert "refused: 1 event\n" in ran.out
    assert "events.ndjson:14: expected an instant (CloudEvents[0].time) [422]" in ran.out


def test_refusals_name_file_line_and_reason_and_no_content(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """Each by itself; the others are accepted."""
    ledger.refuses = lambda event: event.get("bad", False)
    lines: list[object] = [
        audit_event(0),
        audit_event(1, bad=True, who="Mrs Secret"),
        b"{bad Secret",
    ]
    lines += [{"resourceType": "Patient", "name": "Secret"}, b"", audit_event(5)]
    asker.write("day.ndjson", *lines)
    ran = asker.run("send", "day.ndjson")
    assert ran.code == FAILED
    assert ids_in(ledger) == ["e0", "e5"]
    assert "Secret" not in ran.out + ran.err
    refused = [line.strip() for line in ran.out.splitlines() if "day.ndjson:" in line]
    assert sorted(refused) == [
        "day.ndjson:2: expected an instant (AuditEvent.recorded) [422]",
        "day.ndjson:3: not a JSON object in UTF-8 without byte order mark",
        "day.ndjson:4: Patient: expected an AuditEvent, a Bundle or a CloudEvent",
    ]


def test_of_a_folder_what_is_no_event_is_left_out(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """And counted by kind; other files and hidden ones are not looked at."""
    asker.write("in/b/2.json", audit_event(2))
    asker.write("in/1.json", audit_event(1))
    asker.write("in/3.jsonl", audit_event(3), audit_event(4))
    asker.write("in/consent.json", {"resourceType": "Consent"})
    asker.write("in/notes.txt", b"{")
    asker.write("in/.hidden.json", audit_event(9))
    asker.write("in/.git/x.json", audit_event(9))
    ran = asker.run("send", "in")
    assert ran.code == DONE
    assert ids_in(ledger) == expected("e", 1, 2, 3, 4)
    assert "left out, being something else: Consent 1" in ran.out
    assert (asker.path / "in.sent").is_file()


def test_standard_input_is_read(
    asker: Asker, stub: StubServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document or lines; nothing is written anywhere."""
    for data in (
        json.dumps(audit_event(1), indent=1),
        "\n".join(map(json.dumps, [audit_event(2), audit_event(3)])),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
        assert asker.run("send", "-").code == DONE
    assert ids_in(ledger) == expected("e", 1, 2, 3)
    assert list(asker.path.iterdir()) == []


# ── sent again ──


def test_what_was_accepted_is_not_sent_again(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """Not even when the file has grown, or is called otherwise."""
    file = asker.write("day.ndjson", *(audit_event(n) for n in range(250)))
    asker.run("send", file)
    requests = len(stub.got)
    ran = asker.run("send", file)
    assert (len(stub.got), ran.code) == (requests, DONE)
    assert "accepted: 0 events" in ran.out
    assert "250 events sent before and not sent again" in ran.out
    file = asker.write("day.ndjson", *(audit_event(n) for n in range(300)))
    assert "accepted: 50 events" in asker.run("send", file).out
    file.rename(asker.path / "other.ndjson")
    ran = asker.run("send", "other.ndjson", "--state", "day.ndjson.sent")
    assert "300 events sent before" in ran.out
    assert ids_in(ledger) == expected("e", *range(300))


def test_without_a_state_the_same_file_is_no_new_event(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """The keys are those of the content."""
    file = asker.write("day.ndjson", *(audit_event(n) for n in range(250)))
    for _ in range(2):
        assert "accepted: 250 events" in asker.run("send", file).out
        (asker.path / "day.ndjson.sent").unlink()
    assert [got.key for got in stub.got[:2]] == [got.key for got in stub.got[2:]]
    assert ids_in(ledger) == expected("e", *range(250))


def test_equal_lines_are_as_many_events(asker: Asker, stub: StubServer, ledger: StubLedger) -> None:
    """Two reads within a second may be written alike: neither is lost, and neither comes twice."""
    file = asker.write("day.ndjson", audit_event(1), audit_event(1), audit_event(2))
    asker.run("send", file)
    assert ids_in(ledger) == ["e1", "e1", "e2"]
    file = asker.write("day.ndjson", *(audit_event(n) for n in (1, 1, 2, 1)))
    asker.run("send", file)
    assert ids_in(ledger) == ["e1", "e1", "e1", "e2"]


def test_what_was_refused_is_tried_again(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """The ledger's rules may have changed; what was accepted beside it stays as it is."""
    ledger.refuses = lambda event: event["id"] == "e1"
    file = asker.write("day.ndjson", *(audit_event(n) for n in range(3)))
    assert asker.run("send", file).code == FAILED
    ledger.refuses = lambda _: False
    ran = asker.run("send", file)
    assert (ran.code, "accepted: 1 event " in ran.out) == (DONE, True)
    assert ids_in(ledger) == expected("e", 0, 1, 2)


def test_what_one_ledger_took_another_did_not(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """The state is of an address and of whom the token is for, also if it is a newer token."""

    def token(**claims: object) -> str:
        content = json.dumps(claims).encode()
        return f"e30.{urlsafe_b64encode(content).decode().rstrip('=')}.c2ln"

    file = asker.write("one.json", audit_event(1))
    for number, given in enumerate(
        [
            token(scope="ledger/north", exp=1, jti="a"),
            token(scope="ledger/north", exp=2, jti="b"),
            token(scope="ledger/south", exp=2, jti="b"),
        ]
    ):
        asker.token = given
        asker.run("send", file)
        assert len(stub.got) == (1, 1, 2)[number]
    other = "http://localhost:" + stub.url.rpartition(":")[2]
    asker.url = other
    asker.run("send", file)
    assert len(stub.got) == 3


# ── what goes wrong on the way ──

Loses = Callable[[StubLedger], Callable[[Got], Says]]


def after_it_took_effect(ledger: StubLedger) -> Callable[[Got], Says]:
    """The request is accepted, and the answer is lost."""

    def answer(got: Got) -> Says:
        ledger.answer(got)
        return Says(resets=True)

    return answer


def before_it_took_effect(ledger: StubLedger) -> Callable[[Got], Says]:
    return lambda _: Says(resets=True)


def cut_short(ledger: StubLedger) -> Callable[[Got], Says]:
    """The answer ends in its middle."""

    def answer(got: Got) -> Says:
        says = ledger.answer(got)
        body = json.dumps(says.body).encode()
        return Says(says.status, body[:20], says.headers, lacks=len(body) - 20)

    return answer


@pytest.mark.parametrize("loses", [after_it_took_effect, before_it_took_effect, cut_short])
@pytest.mark.parametrize("grown_to", [250, 250 + 90])
@pytest.mark.parametrize("answers_before", [0, 1])
def test_a_run_that_broke_off_is_gone_on_with(
    asker: Asker,
    stub: StubServer,
    ledger: StubLedger,
    loses: Loses,
    grown_to: int,
    answers_before: int,
) -> None:
    """Whether or not a request took effect, and although the file grew meanwhile: each once."""

    def failing(got: Got) -> Says:
        if len(stub.got) <= answers_before:
            return ledger.answer(got)
        return loses(ledger)(got)

    stub.answering = failing
    file = asker.write("day.ndjson", *(audit_event(n) for n in range(250)))
    ran = asker.run("send", file)
    assert ran.code == INCOMPLETE
    assert len(ran.err.splitlines()) == 1
    stub.answering = ledger.answer
    file = asker.write("day.ndjson", *(audit_event(n) for n in range(grown_to)))
    ran = asker.run("send", file)
    assert ran.code == DONE
    assert ids_in(ledger) == expected("e", *range(grown_to))


@pytest.mark.parametrize(
    "failure",
    [UNAVAILABLE, Says(429), Says(500), Says(502), Says(resets=True), Says(200, b"{", lacks=9)],
)
def test_what_passes_is_waited_for(
    asker: Asker, stub: StubServer, ledger: StubLedger, failure: Says
) -> None:
    """In pauses that grow; the same request under the same key."""
    stub.next_answers = [failure] * 4
    assert asker.run("send", asker.write("one.json", audit_event(1))).code == DONE
    assert len({got.key for got in stub.got}) == 1
    assert len(stub.got) == 5
    assert asker.pauses == sorted(set(asker.pauses))
    assert len(asker.pauses) == 4
    assert ids_in(ledger) == ["e1"]


def test_the_servers_own_pause_is_kept(asker: Asker, stub: StubServer, ledger: StubLedger) -> None:
    """Retry-After in seconds; never more than a minute at a time."""
    stub.next_answers = [Says(429, headers={"Retry-After": "7"})]
    stub.next_answers += [Says(503, headers={"Retry-After": "86400"})]
    asker.run("send", asker.write("one.json", audit_event(1)))
    assert asker.pauses == [7, 60]


def test_a_server_that_stays_away_is_incomplete(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """What was accepted before is said, and that it is not all."""
    stub.answering = lambda got: ledger.answer(got) if len(stub.got) == 1 else UNAVAILABLE
    ran = asker.run("send", asker.write("day.ndjson", *(audit_event(n) for n in range(250))))
    assert ran.code == INCOMPLETE
    assert "accepted: 200 events" in ran.out
    assert "not finished: the same command again goes on" in ran.out
    assert ran.err == f"ledger: {stub.url}: HTTP status 503: the ledger cannot answer this now\n"
    ran = asker.run("send", "day.ndjson", "--json")
    assert (ran.report["complete"], ran.report["accepted"]) == (False, 0)


def test_an_answer_that_is_none_is_not_taken_for_one(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """Two answers for three events: nobody knows which."""
    stub.next_answers = [Says(200, {"entry": [{"response": {"status": "201"}}] * 2})]
    file = asker.write("day.ndjson", *(audit_event(n) for n in range(3)))
    assert "is not what the API gives" in asker.said(INCOMPLETE, "send", file)
    assert asker.run("send", file).code == DONE
    assert ids_in(ledger) == expected("e", 0, 1, 2)


@pytest.mark.parametrize(("status", "says"), [(401, "token"), (403, "token"), (404, "not found")])
def test_who_may_not_send_is_told_at_once(
    asker: Asker, stub: StubServer, status: int, says: str
) -> None:
    """Nothing further is tried, and no event is called refused."""
    stub.answering = lambda _: Says(status)
    file = asker.write("in/1.json", audit_event(1)).parent
    asker.write("in/2.json", audit_event(2))
    ran = asker.run("send", file)
    assert (ran.code, ran.out, len(stub.got)) == (USAGE, "", 1)
    assert says in ran.err


# ── what is remembered ──


def test_the_state_holds_hashes_and_is_the_owners(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """Nothing of an event can be read there, nor the token or the address."""
    asker.run("send", asker.write("day.ndjson", audit_event(1, who="Secret"), audit_event(2)))
    state = asker.path / "day.ndjson.sent"
    assert state.stat().st_mode & 0o777 == 0o600
    for line in map(json.loads, state.read_text().splitlines()):
        assert set(line) in ({"to", "request", "events"}, {"to", "request", "refused"})
        texts = [line["to"], line["request"], *line.get("events", [])]
        assert all(re.fullmatch(r"[0-9a-f]+(#[0-9]+)?", text) for text in texts)


def test_a_line_that_was_cut_short_is_none(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """At every byte at which a crash may have ended it."""
    file = asker.write("day.ndjson", *(audit_event(n) for n in range(3)))
    asker.run("send", file)
    state = asker.path / "day.ndjson.sent"
    whole = state.read_bytes()
    for length in range(0, len(whole), 9):
        state.write_bytes(whole[:length])
        assert asker.run("send", file).code == DONE
        assert asker.run("send", file).out.startswith("accepted: 0 events")
    assert ids_in(ledger) == expected("e", 0, 1, 2)


@pytest.mark.parametrize("content", [b"hello\n", b"{}\n", b'{"to":1,"request":"a"}\n', b"\xff\n"])
def test_a_state_that_is_none_is_not_written_over(
    asker: Asker, stub: StubServer, ledger: StubLedger, content: bytes
) -> None:
    """One line with its name and place."""
    state = asker.path / "mine"
    state.write_bytes(content)
    file = asker.write("one.json", audit_event(1))
    assert "mine, line 1: " in asker.said(USAGE, "send", file, "--state", state)
    assert state.read_bytes() == content
    assert stub.got == []


def test_a_state_that_cannot_be_kept_is_said_before_anything_is_sent(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """A folder that is not there."""
    file = asker.write("one.json", audit_event(1))
    assert "No such file" in asker.said(USAGE, "send", file, "--state", asker.path / "no" / "x")
    assert stub.got == []


# ── reports ──


def test_machines_learn_what_became_of_each(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """Places and the ids that the events have in the ledger."""
    ledger.refuses = lambda event: event["id"] == "e1"
    asker.write("day.ndjson", *(audit_event(n) for n in range(3)))
    report: Any = asker.run("send", "day.ndjson", "--json").report
    assert report["complete"] is True
    assert report["events"] == [
        {"place": "day.ndjson:1", "ids": [f"{0:064x}"]},
        {"place": "day.ndjson:3", "ids": [f"{1:064x}"]},
    ]
    (refused,) = report["refused"]
    assert refused["place"] == "day.ndjson:2"


def test_flags_are_counted(asker: Asker, stub: StubServer) -> None:
    """Accepted events that are not as the profiles have them."""
    issue = {"severity": "warning", "code": "business-rule", "diagnostics": "patient.unresolved"}
    response = {"status": "201", "location": "/AuditEvent/1", "outcome": {"issue": [issue]}}
    stub.answering = lambda _: Says(200, {"entry": [{"response": response}] * 2})
    ran = asker.run("send", asker.write("day.ndjson", audit_event(1), audit_event(2)))
    assert "flagged, and accepted all the same: patient.unresolved 2" in ran.out


def test_a_servers_words_do_not_steer_the_terminal(asker: Asker, stub: StubServer) -> None:
    """Escaped, and not endless."""
    said = "\x1b[2Jverified\n" + "x" * 5000
    stub.answering = lambda _: Says(422, {"issue": [{"diagnostics": said}]})
    ran = asker.run("send", asker.write("one.json", audit_event(1)))
    assert "\x1b" not in ran.out
    assert len(ran.out) < 1000


def test_what_is_not_there_is_said(asker: Asker, stub: StubServer) -> None:
    """Before anything is sent."""
    file = asker.write("one.json", audit_event(1))
    assert "no-such: No such file" in asker.said(USAGE, "send", file, "no-such")
    assert stub.got == []


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[1]", b"5", b"{" * 5000, b"[" * 100_000, b"\xef\xbb\xbf{}"]
)
def test_what_is_no_event_ends_in_no_traceback(
    asker: Asker, stub: StubServer, ledger: StubLedger, body: bytes
) -> None:
    """It is refused here or there, or there is nothing to send."""
    ledger.refuses = lambda _: True
    ran = asker.run("send", asker.write("odd.json", body))
    assert ran.code == FAILED
    assert "odd.json" in ran.out


def test_pretty_printed_and_lines_in_a_json_file_are_told_apart(
    asker: Asker, stub: StubServer, ledger: StubLedger
) -> None:
    """By the first line: does it stand for itself?"""
    pretty = json.dumps(audit_event(1), indent=2).encode()
    asker.run("send", asker.write("pretty.json", pretty))
    asker.run("send", asker.write("lines.json", audit_event(2), audit_event(3)))
    assert ids_in(ledger) == expected("e", 1, 2, 3)


def test_a_folder_that_cannot_keep_a_state_is_sent_all_the_same(
    asker: Asker, stub: StubServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that nothing is remembered is said."""
    monkeypatch.setattr("os.access", lambda *_: False)
    file: Path = asker.write("one.json", audit_event(1))
    assert "nothing is remembered" in asker.said(DONE, "send", file)
    assert not (asker.path / "one.json.sent").exists()
    assert ids_in(ledger) == ["e1"]


def test_who_interrupts_it_is_told_how_far_it_came(
    asker: Asker, stub: StubServer, ledger: StubLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next run goes on."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("audit_ledger.client.http_client.sleep", interrupt)
    asker.write("in/1.json", audit_event(1))
    asker.write("in/2.json", audit_event(2))
    stub.answering = lambda got: ledger.answer(got) if len(stub.got) == 1 else UNAVAILABLE
    ran = asker.run("send", "in")
    assert ran.code == 130
    assert ran.out == (
        f"accepted: 1 event by {stub.url}\nnot finished: the same command again goes on from here\n"
    )
    stub.answering = ledger.answer
    assert asker.run("send", "in").code == DONE
    assert ids_in(ledger) == ["e1", "e2"]
