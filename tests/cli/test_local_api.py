"""Commands against the real handlers, deployed locally from the synthesized templates."""

import csv
import json
import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.cli.main import run
from infra.local.cloud import LocalCloud
from tests.cli.api_user import LEDGER, ApiUser, event

EVERYTHING = ("--from", "1900", "--all")


def is_audit_event(file: Path) -> bool:
    return file.suffix == ".json" and json.loads(file.read_bytes())["resourceType"] == "AuditEvent"


def test_samples_are_sent_and_found(user: ApiUser, shared_dir: Path) -> None:
    """Real samples are found by their new ids; sending them again adds nothing."""
    earlier = user.search(*EVERYTHING).keys()
    samples = shared_dir / "samples"
    files = [file for file in samples.rglob("*.json") if is_audit_event(file)]
    sent = user.run("send", samples, "--json", "--state", "state")
    assert (sent.code, sent.report["accepted"]) == (0, len(files))
    ids = {e["place"]: e["ids"][0] for e in sent.report["events"]}
    user.publish()
    events = user.search(*EVERYTHING)
    for file in files:
        event_id = ids[str(file)]
        assert events[event_id]["id"] == event_id
        assert user.run("show", event_id, "--json").out.encode() == file.read_bytes()

    again = user.run("send", samples, "--json", "--state", "state")
    assert (again.code, again.report["accepted"]) == (0, 0)
    assert again.report["sent_before"] == len(files)
    without_state = user.run("send", samples, "--json", "--state", "other")
    assert {e["place"]: e["ids"][0] for e in without_state.report["events"]} == ids
    user.publish()
    names = [json.loads(file.read_bytes())["id"] for file in files]
    added = (e for key, e in user.search(*EVERYTHING).items() if key not in earlier)
    assert sorted(map(submitted_id, added)) == sorted(names)


SUBMITTED_ID = "urn:audit-ledger:submitted-id"


def submitted_id(event: dict[str, Any]) -> str:
    """Return the id that the sender assigned, which is in an extension."""
    (value,) = [e["valueString"] for e in event["extension"] if e["url"] == SUBMITTED_ID]
    return str(value)


def write_lines(name: str, events: list[Any]) -> Path:
    file = Path(name)
    file.write_text("".join(json.dumps(each) + "\n" for each in events))
    return file


def test_lines_are_sent_in_batches_and_rejections_named(user: ApiUser) -> None:
    """All 450 valid lines are accepted and two are refused; later ten new ones are accepted."""
    lines: list[Any] = [event(n) for n in range(450)]
    lines.insert(210, event(9999, recorded="Secret"))
    lines.append({"resourceType": "AuditEvent"})
    result = user.run("send", write_lines("day.ndjson", lines))
    assert (result.code, "Secret" in result.out) == (1, False)
    assert result.out.startswith("accepted: 450 events")
    refused = re.findall(r"^  (day\.ndjson:[0-9]+): .+ \[422\]$", result.out, re.MULTILINE)
    assert refused == ["day.ndjson:211", "day.ndjson:452"]
    assert "(AuditEvent.recorded)" in result.out
    lines += [event(n) for n in range(1000, 1010)]
    assert "accepted: 10 events" in user.run("send", write_lines("day.ndjson", lines)).out
    user.publish()
    assert len(user.search("--patient", "Patient/cli", "--all")) == 460
    assert len(user.search("--patient", "Patient/cli", "--limit", "120")) == 120
    assert len(user.search("--agent", "Practitioner/1005", "--action", "read")) == 1


def test_bundles_and_cloudevents_are_sent(user: ApiUser) -> None:
    """A transaction, a collection and a batch of CloudEvents."""
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
    result = user.run("send", "t.json", "c.json", "e.json")
    assert (result.code, result.out.splitlines()[0].split()[1]) == (0, "9")
    invalid = json.loads(json.dumps(transaction))
    del invalid["entry"][1]["resource"]["recorded"]
    Path("invalid.json").write_text(json.dumps(invalid))
    result = user.run("send", "invalid.json")
    assert (result.code, "refused: 3 events" in result.out) == (1, True)
    user.publish()
    for patient, count in (("tx", 3), ("co", 2), ("ce", 4)):
        assert len(user.search("--patient", f"Patient/{patient}")) == count


def test_an_event_is_shown_and_its_receipt_verifies(user: ApiUser, cloud: LocalCloud) -> None:
    """One id is enough for the event and for two files that the ledger's policy verifies."""
    body = json.dumps(event(77, entity=[{"what": {"reference": "Patient/one"}}]), indent=3)
    Path("one.json").write_text(body)
    sent = user.run("send", "one.json", "--json")
    (event_id,) = sent.report["events"][0]["ids"]
    cloud.drain()
    early = user.run("receipt", "get", event_id, "-o", "r", "--wait", "0")
    assert (early.code, "no checkpoint covers it yet" in early.err) == (3, True)
    user.publish()
    assert user.run("show", event_id, "--json").out == body
    shown = user.run("show", event_id)
    assert "Practitioner/77" in shown.out
    Path("policy").write_bytes(cloud.policy(LEDGER))
    result = user.run("receipt", "get", event_id, "-o", "r", "--policy", "policy")
    assert result.code == 0, result
    assert "it commits to this record" in result.out
    record = json.loads(Path("r.record.json").read_bytes())
    assert set(record) == {"entry", "index_row", "row_blind", "record", "record_blind"}
    index = re.findall(r"entry ([0-9]+)", shown.out)[0]
    assert f"entry {index} of" in result.out


def test_digests_are_listed(user: ApiUser) -> None:
    """The newest is last."""
    Path("d.json").write_text(json.dumps(event(88)))
    user.run("send", "d.json")
    user.publish()
    result = user.run("digests", "--json")
    digests = [json.loads(line) for line in result.out.splitlines()]
    assert digests[-1] == user.run("digests", "--latest", "--json").report
    assert [d["size_after"] for d in digests] == sorted(d["size_after"] for d in digests)
    assert len(user.run("digests").out.splitlines()) == len(digests) + 1


def test_rejected_requests_are_explained(user: ApiUser, cloud: LocalCloud) -> None:
    """Unbounded searches, unknown parameters and ids, and insufficient or invalid tokens."""
    for code, message, *arguments in (
        (2, "--from or --to: expected this parameter", "search"),
        (2, "foo: expected a parameter that this server knows", "search", "--param", "foo=1"),
        (2, "not found: the event", "show", "abc"),
        (2, "not found (404)", "receipt", "get", "abc", "-o", "x"),
    ):
        result = user.run(*arguments)
        assert (result.code, len(result.err.splitlines())) == (code, 1), result
        assert message in result.err
    for token, message in (
        (cloud.tokens.portal(LEDGER, "ehr"), "does not allow this (403)"),
        ("nonsense", "the token is not taken (401)"),
    ):
        user.capture.readouterr()
        assert run(["search", "--from", "2026", "--url", cloud.url, "--token", token]) == 2
        assert message in user.capture.readouterr().err


def test_a_report_is_a_table_or_in_a_format_of_the_api(officer: ApiUser) -> None:
    """People read a table; JSON, CSV and HTML are available, also as files."""
    result = officer.run("report", "accesses", "--patient", officer.patient)
    assert (result.code, result.err) == (0, "")
    for number in range(3):
        assert f"Practitioner/{number}" in re.sub(r"\s", "", result.out)
    assert re.search(r"^\d{4}-\d\d-\d\d", result.out, re.MULTILINE)
    assert "+00:00" not in result.out
    as_json = officer.run("report", "accesses", "--patient", officer.patient, "--json")
    accesses = next(value for value in as_json.report.values() if isinstance(value, list) and value)
    assert len(accesses) == 3
    result = officer.run(
        "report", "accounting", "--patient", officer.patient, "--format", "html", "-o", "a.html"
    )
    assert result.code == 0, result.err
    assert Path("a.html").read_text().startswith("<!doctype html>")
    assert Path("a.html").stat().st_mode & 0o077 == 0
    result = officer.run("report", "privacy", "--sort", "-user", "--format", "csv")
    assert result.code == 0, result.err
    users = [row["user"] for row in csv.DictReader(result.out.splitlines())]
    assert users == sorted(users, key=str.casefold, reverse=True)
    assert len(set(users)) > 1


def test_a_wide_report_fits_a_narrow_terminal(
    officer: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows the main columns, times on one line, and names the omitted columns."""
    monkeypatch.setenv("COLUMNS", "80")
    narrow = officer.run("report", "privacy").out.partition("break glass:")[0]
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", narrow, re.MULTILINE)
    assert re.search(r"^\d+ more columns: ", narrow, re.MULTILINE)
    assert max(map(len, narrow.splitlines())) <= 90
    monkeypatch.setenv("COLUMNS", "300")
    assert "more columns" not in officer.run("report", "privacy").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["accesses"], "patient"),
        (["privacy", "--sort", "shoe-size"], "expected one of"),
        (["privacy", "--from", "yesterday"], "a day like 2026-11-22"),
        (["privacy", "--format", "csv", "--json"], "--json is not --format csv"),
        (["privacy", "-o", "x"], "-o needs --format"),
        (["everything"], "'accounting', 'accesses', 'privacy'"),
    ],
)
def test_invalid_report_options_are_explained(
    user: ApiUser, arguments: list[str], message: str
) -> None:
    """The message states what was expected."""
    result = user.run("report", *arguments)
    assert result.code == 2
    assert message in result.err


def test_a_recorded_document_is_found_by_its_digest(user: ApiUser) -> None:
    """Its digest suffices once the event is published and followed; others are not found."""
    Path("report.pdf").write_bytes(b"a report")
    digest = urlsafe_b64encode(sha256(b"a report").digest()).decode().rstrip("=")
    identifier = {"system": "urn:ietf:rfc:6920", "value": f"ni:///sha-256;{digest}"}
    entity = [{"what": {"reference": "Patient/doc"}}, {"what": {"identifier": identifier}}]
    Path("event.json").write_text(json.dumps(event(1, entity=entity)))
    assert user.run("send", "event.json").code == 0
    assert user.run("document", "report.pdf").code == 1
    user.publish()
    user.cloud.drain()
    result = user.run("document", "report.pdf", "--json")
    assert (result.code, len(result.report["entries"])) == (0, 1)
    Path("other.pdf").write_bytes(b"another")
    assert user.run("document", "other.pdf").code == 1
