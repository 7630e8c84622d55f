"""The commands against the API itself: the synthesized templates and the real handlers."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.cli import http_client
from audit_ledger.cli.main import run
from infra.local.cloud import LocalCloud, local_cloud
from infra.synth import synthesize
from tests.cli.ledger_command import Ran

LEDGER = "north"
LEDGERS = [
    {
        "id": LEDGER,
        "public": False,
        "portals": [{"id": "ehr", "patient": {"reference": True}}],
    }
]
EVERYTHING = ("--from", "1900", "--all")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One ledger, whose tests only add to it."""
    assembly = synthesize(tmp_path_factory.mktemp("assembly"), settings={"ledgers": LEDGERS})
    with local_cloud(assembly) as running:
        yield running


@dataclass
class Person:
    """Who types commands: a portal's operator and a security officer."""

    cloud: LocalCloud
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: object) -> Ran:
        self.capture.readouterr()
        tokens = self.cloud.tokens
        sends = arguments[0] == "send"
        token = tokens.portal(LEDGER, "ehr") if sends else tokens.security(LEDGER)
        options = ("--url", self.cloud.url, "--token", token)
        code = run([str(argument) for argument in (*arguments, *options)])
        out, err = self.capture.readouterr()
        assert token not in out + err
        return Ran(code, out, err)

    def publish(self) -> None:
        self.cloud.drain()
        self.cloud.publish()

    def found(self, *options: str) -> dict[str, Any]:
        """Event ids and the events, as `search --json` gives them."""
        ran = self.run("search", "--json", *options)
        assert ran.code == 0, ran.err
        return {
            entry["fullUrl"].rpartition("/")[2]: entry["resource"]
            for line in ran.out.splitlines()
            for entry in json.loads(line)["entry"]
            if entry["search"]["mode"] == "match"
        }


@pytest.fixture
def person(
    cloud: LocalCloud,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Person:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(http_client, "sleep", lambda _: None)
    return Person(cloud, capsys)


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
        assert found[ids[str(file)]] == json.loads(file.read_bytes())

    again = person.run("send", samples, "--json", "--state", "state")
    assert (again.code, again.report["accepted"]) == (0, 0)
    assert again.report["sent_before"] == len(files)
    forgotten = person.run("send", samples, "--json", "--state", "other")
    assert {e["place"]: e["ids"][0] for e in forgotten.report["events"]} == ids
    person.publish()
    names = {file: json.loads(file.read_bytes())["id"] for file in files}
    found_names = [event["id"] for event in person.found(*EVERYTHING).values() if "id" in event]
    assert sorted(found_names) == sorted(names.values())


def event(number: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110110"},
        "action": "R",
        "recorded": "2026-05-01T00:00:00Z",
        "outcome": "0",
        "agent": [{"who": {"reference": f"Practitioner/{number}"}, "requestor": True}],
        "source": {"observer": {"display": "EHR"}},
        "entity": [{"what": {"reference": "Patient/cli"}}],
        **more,
    }


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
        (2, "date: expected this parameter", "search"),
        (2, "foo: expected a parameter that this server knows", "search", "--param", "foo=1"),
        (2, "no such event here", "show", "abc"),
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
