"""The commands against the API itself: the synthesized templates and the real handlers."""

import csv
import json
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.cli.main import run
from infra.local.cloud import LocalCloud
from tests.cli.local_api import LEDGER, Person, event

EVERYTHING = ("--from", "1900", "--all")


def is_audit_event(file: Path) -> bool:
    return file.suffix == ".json" and json.loads(file.read_bytes())["resourceType"] == "AuditEvent"


def test_samples_are_sent_and_found(person: Person, shared_dir: Path) -> None:
    """Each one of the real world, by its id here; a resend sends nothing, and adds nothing."""
    samples = shared_dir / "samples"
    files = [file for file in samples.rglob("*.json") if is_audit_event(file)]
    sent = person.run("send", samples, "--json", "--state", "state")
    assert (sent.code, sent.report["accepted"]) == (0, len(files))
    ids = {e["place"]: e["ids"][0] for e in sent.report["events"]}
    person.publish()
    found = person.found(*EVERYTHING)
    for file in files:
        event_id = ids[str(file)]
        assert found[event_id]["id"] == event_id
        assert person.run("show", event_id, "--json").out.encode() == file.read_bytes()

    again = person.run("send", samples, "--json", "--state", "state")
    assert (again.code, again.report["accepted"]) == (0, 0)
    assert again.report["sent_before"] == len(files)
    forgotten = person.run("send", samples, "--json", "--state", "other")
    assert {e["place"]: e["ids"][0] for e in forgotten.report["events"]} == ids
    person.publish()
    names = [json.loads(file.read_bytes())["id"] for file in files]
    assert sorted(map(submitted_id, person.found(*EVERYTHING).values())) == sorted(names)


SUBMITTED_ID = "urn:audit-ledger:submitted-id"


def submitted_id(event: dict[str, Any]) -> str:
    """The id that the sender gave an event, from the extension that keeps it."""
    (kept,) = [e["valueString"] for e in event["extension"] if e["url"] == SUBMITTED_ID]
    return str(kept)


def write_lines(name: str, events: list[Any]) -> Path:
    file = Path(name)
    file.write_text("".join(json.dumps(each) + "\n" for each in events))
    return file


def test_lines_are_sent_in_batches_and_refusals_named(person: Person) -> None:
    """450 good ones and two bad; grown by ten, ten are new."""
    lines: list[Any] = [event(n) for n in range(450)]
    lines.insert(210, event(9999, recorded="Secret"))
    lines.append({"resourceType": "AuditEvent"})
    ran = person.run("send", write_lines("day.ndjson", lines))
    assert (ran.code, "Secret" in ran.out) == (1, False)
    assert ran.out.startswith("accepted: 450 events")
    refused = re.findall(r"^  (day\.ndjson:[0-9]+): .+ \[422\]$", ran.out, re.MULTILINE)
    assert refused == ["day.ndjson:211", "day.ndjson:452"]
    assert "(AuditEvent.recorded)" in ran.out
    lines += [event(n) for n in range(1000, 1010)]
    assert "accepted: 10 events" in person.run("send", write_lines("day.ndjson", lines)).out
    person.publish()
    found = person.found("--patient", "Patient/cli", "--all")
    assert len(found) == 460
    assert len(person.found("--patient", "Patient/cli", "--limit", "120")) == 120
    assert len(person.found("--agent", "Practitioner/1005", "--action", "read")) == 1


def test_bundles_and_cloudevents_are_sent(person: Person) -> None:
    """A transaction whole, a collection, CloudEvents as a batch."""
    transaction = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": event(n, entity=[{"what": {"reference": "Patient/tx"}}]),
                "request": {"method": "POST", "url": "AuditEvent"},
            }
            for n in range(3)
        ],
    }
    collection = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"resource": event(n, entity=[{"what": {"reference": "Patient/co"}}])} for n in range(2)
        ],
    }
    cloudevents = [
        {
            "specversion": "1.0",
            "id": str(n),
            "source": "urn:cli",
            "type": "record.document.signed",
            "time": "2026-05-01T00:00:00Z",
            "data": {"patient": {"reference": "Patient/ce"}},
        }
        for n in range(4)
    ]
    for name, content in (("t", transaction), ("c", collection), ("e", cloudevents)):
        Path(f"{name}.json").write_text(json.dumps(content))
    ran = person.run("send", "t.json", "c.json", "e.json")
    assert (ran.code, ran.out.splitlines()[0].split()[1]) == (0, "9")
    bad = json.loads(json.dumps(transaction))
    del bad["entry"][1]["resource"]["recorded"]
    Path("bad.json").write_text(json.dumps(bad))
    ran = person.run("send", "bad.json")
    assert (ran.code, "refused: 3 events" in ran.out) == (1, True)
    person.publish()
    for patient, count in (("tx", 3), ("co", 2), ("ce", 4)):
        assert len(person.found("--patient", f"Patient/{patient}")) == count


def test_an_event_is_shown_and_its_receipt_verifies(person: Person, cloud: LocalCloud) -> None:
    """From one id: the event, and two files that verify against the ledger's policy."""
    body = json.dumps(event(77, entity=[{"what": {"reference": "Patient/one"}}]), indent=3)
    Path("one.json").write_text(body)
    sent = person.run("send", "one.json", "--json")
    (event_id,) = sent.report["events"][0]["ids"]
    cloud.drain()
    waiting = person.run("receipt", "get", event_id, "-o", "r", "--wait", "0")
    assert (waiting.code, "no checkpoint covers it yet" in waiting.err) == (3, True)
    person.publish()
    assert person.run("show", event_id, "--json").out == body
    shown = person.run("show", event_id)
    assert "Practitioner/77" in shown.out
    Path("policy").write_bytes(cloud.policy(LEDGER))
    got = person.run("receipt", "get", event_id, "-o", "r", "--policy", "policy")
    assert got.code == 0, got
    assert "it commits to this record" in got.out
    record = json.loads(Path("r.record.json").read_bytes())
    assert set(record) == {"entry", "index_row", "record", "blind"}
    index = re.findall(r"entry ([0-9]+)", shown.out)[0]
    assert f"entry {index} of" in got.out


def test_digests_are_listed(person: Person) -> None:
    """The newest last, as large as the ledger is."""
    Path("d.json").write_text(json.dumps(event(88)))
    person.run("send", "d.json")
    person.publish()
    ran = person.run("digests", "--json")
    digests = [json.loads(line) for line in ran.out.splitlines()]
    assert digests[-1] == person.run("digests", "--latest", "--json").report
    assert [d["size_after"] for d in digests] == sorted(d["size_after"] for d in digests)
    assert len(person.run("digests").out.splitlines()) == len(digests) + 1


def test_what_is_refused_is_said_plainly(person: Person, cloud: LocalCloud) -> None:
    """Unbounded searches, unknown parameters, unknown ids, a token of too little, none at all."""
    for code, said, *arguments in (
        (2, "--from or --to: expected this parameter", "search"),
        (2, "foo: expected a parameter that this server knows", "search", "--param", "foo=1"),
        (2, "not found: the event", "show", "abc"),
        (2, "not found (404)", "receipt", "get", "abc", "-o", "x"),
    ):
        ran = person.run(*arguments)
        assert (ran.code, len(ran.err.splitlines())) == (code, 1), ran
        assert said in ran.err
    for token, said in (
        (cloud.tokens.portal(LEDGER, "ehr"), "does not allow this (403)"),
        ("nonsense", "the token is not taken (401)"),
    ):
        person.capture.readouterr()
        assert run(["search", "--from", "2026", "--url", cloud.url, "--token", token]) == 2
        assert said in person.capture.readouterr().err


@pytest.fixture
def accessed(person: Person) -> Person:
    """Some accesses to one patient's record, published; reports and exports look at them."""
    for number in range(3):
        file = Path(f"{number}.json")
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        what = {"what": {"reference": person.patient}}
        file.write_text(json.dumps(event(number, recorded=now, entity=[what])))
        assert person.run("send", file).code == 0
    person.publish()
    return person


def test_a_report_is_a_table_or_what_the_api_gives(accessed: Person) -> None:
    """Who accessed a record, for people; JSON, CSV and a page for others, also into a file."""
    ran = accessed.run("report", "accesses", "--patient", accessed.patient)
    assert (ran.code, ran.err) == (0, "")
    for number in range(3):
        assert f"Practitioner/{number}" in re.sub(r"\s", "", ran.out)
    assert re.search(r"^\d{4}-\d\d-\d\d", ran.out, re.MULTILINE)
    assert "+00:00" not in ran.out
    made = accessed.run("report", "accesses", "--patient", accessed.patient, "--json")
    accesses = next(value for value in made.report.values() if isinstance(value, list) and value)
    assert len(accesses) == 3
    ran = accessed.run(
        "report", "accounting", "--patient", accessed.patient, "--format", "html", "-o", "a.html"
    )
    assert ran.code == 0, ran.err
    assert Path("a.html").read_text().startswith("<!doctype html>")
    assert Path("a.html").stat().st_mode & 0o077 == 0
    ran = accessed.run("report", "privacy", "--sort", "-user", "--format", "csv")
    assert ran.code == 0, ran.err
    users = [row["user"] for row in csv.DictReader(ran.out.splitlines())]
    assert users == sorted(users, key=str.casefold, reverse=True)
    assert len(set(users)) > 1


def test_a_wide_report_fits_a_narrow_terminal(
    accessed: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what matters first, times on one line, and a word on where the rest is."""
    monkeypatch.setenv("COLUMNS", "80")
    narrow = accessed.run("report", "privacy").out.partition("break glass:")[0]
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", narrow, re.MULTILINE)
    assert re.search(r"^\d+ more columns: ", narrow, re.MULTILINE)
    assert max(map(len, narrow.splitlines())) <= 90
    monkeypatch.setenv("COLUMNS", "300")
    assert "more columns" not in accessed.run("report", "privacy").out


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["accesses"], "patient"),
        (["privacy", "--sort", "shoe-size"], "expected one of"),
        (["privacy", "--from", "yesterday"], "a day like 2026-11-22"),
        (["privacy", "--format", "csv", "--json"], "--json is not --format csv"),
        (["privacy", "-o", "x"], "-o needs --format"),
        (["everything"], "'accounting', 'accesses', 'privacy'"),
    ],
)
def test_a_wrong_report_is_explained(person: Person, wrong: list[str], said: str) -> None:
    """What, where and what was expected."""
    ran = person.run("report", *wrong)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize(
    ("action", "code"), [("read,create", 0), ("R", 0), ("r", 0), ("view", 2), ("read,", 2)]
)
def test_actions_are_words_or_letters(person: Person, action: str, code: int) -> None:
    """What is none is refused: it would find nothing, and look as if there were none."""
    ran = person.run("search", "--from", "2020", "--action", action, "--json")
    assert ran.code == code
    if code == 0:
        assert '"total"' in ran.out or "AuditEvent" in ran.out
    else:
        assert "read (R)" in ran.err


def test_a_document_is_known_by_the_ledger_that_recorded_it(person: Person) -> None:
    """By its digest alone, once it is published and followed; another one is not."""
    Path("report.pdf").write_bytes(b"a report")
    digest = urlsafe_b64encode(sha256(b"a report").digest()).decode().rstrip("=")
    identifier = {"system": "urn:ietf:rfc:6920", "value": f"ni:///sha-256;{digest}"}
    entity = [{"what": {"reference": "Patient/doc"}}, {"what": {"identifier": identifier}}]
    Path("event.json").write_text(json.dumps(event(1, entity=entity)))
    assert person.run("send", "event.json").code == 0
    assert person.run("document", "report.pdf").code == 1
    person.publish()
    person.cloud.drain()
    ran = person.run("document", "report.pdf", "--json")
    assert (ran.code, len(ran.report["entries"])) == (0, 1)
    Path("other.pdf").write_bytes(b"another")
    assert person.run("document", "other.pdf").code == 1
