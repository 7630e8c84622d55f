"""The commands against the API itself: the synthesized templates and the real handlers."""

import csv
import json
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from audit_ledger.cli.main import INTERRUPTED, run
from audit_ledger.client import http_client
from audit_ledger.client.api import Api
from audit_ledger.client.http_client import ApiRequest
from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import synthesized
from tests.cli.ledger_command import Ran
from tests.verify.writer import Keys

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
def cloud() -> Iterator[LocalCloud]:
    """One ledger, whose tests only add to it."""
    with local_cloud(synthesized({"ledgers": LEDGERS})) as running:
        yield running


@dataclass
class Person:
    """Who types commands: a portal's operator and a security officer."""

    cloud: LocalCloud
    capture: pytest.CaptureFixture[str]
    patient: str = field(default_factory=lambda: f"Patient/{uuid4()}")

    @property
    def export(self) -> tuple[str, ...]:
        """Options of an export of the patient's events, each in a part of its own."""
        return ("--patient", self.patient, "--type", "110110", "--param", "_count=1")

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


@pytest.fixture(scope="module")
def exported_patient(cloud: LocalCloud) -> str:
    """A patient with three accesses, published; tests of exports share them."""
    patient = f"Patient/{uuid4()}"
    token = cloud.tokens.portal(LEDGER, "ehr")
    for number in range(3):
        recorded = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = requests.post(
            f"{cloud.url}/AuditEvent",
            json=event(number, recorded=recorded, entity=[{"what": {"reference": patient}}]),
            headers={"authorization": f"Bearer {token}", "content-type": "application/fhir+json"},
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
    cloud.drain()
    cloud.publish()
    return patient


@pytest.fixture
def exporter(person: Person, exported_patient: str) -> Person:
    """A security officer who exports the events of that patient."""
    person.patient = exported_patient
    return person


@pytest.fixture
def policy(cloud: LocalCloud, person: Person) -> Path:
    Path("policy").write_bytes(cloud.policy(LEDGER))
    return Path("policy")


@pytest.mark.parametrize("form", ["fhir", "csv", "ocsf"])
@pytest.mark.parametrize("receipts", ["record", "proof", "none"])
def test_an_export_is_verified_offline(
    exporter: Person, policy: Path, form: str, receipts: str
) -> None:
    """Whole; each line with its entry, and where records are disclosed, what they say."""
    ran = exporter.run(
        "export", "out", "--format", form, "--receipts", receipts, *exporter.export, "--json"
    )
    assert ran.code == 0, ran.err
    made = ran.report
    assert made["entries"] == 3
    assert not Path("out/parts").exists()
    assert all(file.stat().st_mode & 0o077 == 0 for file in Path("out").iterdir())
    check = ["verify-export", "out", "--policy", policy, "--digest", made["manifest"]]
    verified = offline(exporter, *check, "--json")
    proved = 0 if receipts == "none" else made["entries"]
    shown = made["entries"] if receipts == "record" else 0
    assert verified.code == (3 if receipts == "none" else 0), verified.out
    assert (verified.report["proved"], verified.report["records_shown"]) == (proved, shown)
    assert verified.report["findings"] == []
    people = offline(exporter, *check)
    assert people.code == verified.code
    assert f"{proved} proved to be in the ledger" in people.out


def offline(person: Person, *arguments: object) -> Ran:
    """Run a command that asks nobody."""
    person.capture.readouterr()
    code = run([str(argument) for argument in arguments])
    return Ran(code, *person.capture.readouterr())


def test_a_refused_export_leaves_nothing_to_go_on_with(exporter: Person) -> None:
    """What was wrong is corrected, and the folder is as good as new."""
    ran = exporter.run("export", "out", "--format", "csv")
    assert (ran.code, "expected this parameter" in ran.err) == (2, True)
    assert exporter.run("export", "out", "--format", "csv", *exporter.export).code == 0


def test_an_interrupted_export_goes_on_and_is_the_same(
    exporter: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any part, also one of which half was written; what is there is not asked for again."""
    asked: list[str] = []
    ask = Api.request

    def counted(self: Api, what: ApiRequest, **more: Any) -> Any:
        asked.append(what.query)
        return ask(self, what, **more)

    monkeypatch.setattr(Api, "request", counted)
    assert exporter.run("export", "whole", "--format", "csv", *exporter.export).code == 0
    parts = len(asked)
    assert parts >= 3
    for stop in range(1, parts):
        folder = Path(f"stopped-{stop}")
        asked.clear()

        def dies(self: Api, what: ApiRequest, stop: int = stop, **more: Any) -> Any:
            if len(asked) == stop:
                raise KeyboardInterrupt
            return counted(self, what, **more)

        with monkeypatch.context() as dying:
            dying.setattr(Api, "request", dies)
            assert (
                exporter.run("export", folder, "--format", "csv", *exporter.export).code
                == INTERRUPTED
            )
        with (folder / "parts").open("ab") as file:
            file.write(b'{"origin": "half a pa')
        other = exporter.run("export", folder, "--format", "fhir", *exporter.export)
        assert (other.code, "unfinished export of something else" in other.err) == (2, True)
        asked.clear()
        assert exporter.run("export", folder, "--format", "csv", *exporter.export).code == 0
        assert len(set(asked)) == len(asked)
        assert len(asked) >= parts - stop
        lines = (folder / "events.csv").read_bytes().splitlines()
        assert lines[: parts - 1] == Path("whole/events.csv").read_bytes().splitlines()[: parts - 1]
    Path("whole/parts").touch()  # stopped when all was done but this
    again = exporter.run("export", "whole", "--format", "csv", *exporter.export)
    assert (again.code, "contains an export already" in again.err) == (2, True)
    assert not Path("whole/parts").exists()


def lines_of(name: str) -> list[bytes]:
    return Path("out", name).read_bytes().splitlines(keepends=True)


def put(name: str, lines: list[bytes]) -> None:
    Path("out", name).write_bytes(b"".join(lines))


def reseal() -> None:
    """Make the manifest one of the files as they are: what somebody would who alters an export."""
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    for file in manifest["files"]:
        data = Path("out", file["name"]).read_bytes()
        file["sha256"], file["bytes"] = sha256(data).hexdigest(), len(data)
        if "header" in file:
            file["header"] = sha256(data.splitlines(keepends=True)[0]).hexdigest()
        if "lines" in file:
            header = 1 if "header" in file else 0
            lines = data.splitlines(keepends=True)[header:]
            vouched = lines_of(file["lines"]["name"])
            numbers = [line.split()[0] for line in vouched]
            entries = [
                b"%b %b\n" % (number, sha256(line).hexdigest().encode())
                for number, line in zip(numbers, lines, strict=False)
            ]
            put(file["lines"]["name"], entries)
            file["lines"]["count"] = len(entries)
            file["lines"]["sha256"] = sha256(b"".join(entries)).hexdigest()
    manifest["entries"] = len(lines_of("events.csv")) - 1
    text = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False)
    Path("out/manifest.json").write_text(text + "\n")


def alter() -> None:
    """Say that somebody else did it."""
    lines = lines_of("events.csv")
    put("events.csv", [lines[0], lines[1].replace(b"Practitioner/", b"Practitioner/9"), *lines[2:]])


def swap() -> None:
    lines = lines_of("events.csv")
    put("events.csv", [lines[0], lines[2], lines[1], *lines[3:]])


def swap_receipts() -> None:
    lines = lines_of("receipts")
    words = [line.split() for line in lines]
    words[0][1:], words[1][1:] = words[1][1:], words[0][1:]
    put("receipts", [b" ".join(line) + b"\n" for line in words])


def other_record() -> None:
    lines = [line.split() for line in lines_of("receipts")]
    lines[0][2:] = lines[1][2:]
    put("receipts", [b" ".join(line) + b"\n" for line in lines])


def drop() -> None:
    for name in ("events.csv", "events.csv.entries"):
        lines = lines_of(name)
        put(name, lines[:-1])


def drop_receipt() -> None:
    for name in ("receipts", "receipts.entries"):
        put(name, lines_of(name)[:-1])


def twice() -> None:
    """An access that happened once, twice."""
    for name in ("events.csv", "events.csv.entries", "receipts", "receipts.entries"):
        lines = lines_of(name)
        put(name, [*lines, lines[-1]])


def swap_columns() -> None:
    """Let the header say that the patient did what the agent did."""
    header, *lines = lines_of("events.csv")
    names = header.decode().split(",")
    names[0], names[1] = names[1], names[0]
    put("events.csv", [",".join(names).encode(), *lines])


def add_a_file() -> None:
    """Whose lines no receipt is of."""
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    Path("out/more.csv").write_bytes(b"a line\n")
    manifest["files"].append({**manifest["files"][0], "name": "more.csv"})
    del manifest["files"][-1]["lines"], manifest["files"][-1]["header"]
    Path("out/manifest.json").write_text(json.dumps(manifest))


def unvouched() -> None:
    """Let the lines be vouched for by a file that nobody holds against them."""
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    (events,) = (file for file in manifest["files"] if file["name"] == "events.csv")
    entries = {**events, "name": events.pop("lines")["name"]}
    del entries["lines"], entries["header"]
    manifest["files"].append(entries)
    Path("out/manifest.json").write_text(json.dumps(manifest))
    alter()


def other_format() -> None:
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    Path("out/manifest.json").write_text(json.dumps({**manifest, "format": "xml"}))


TAMPERED: list[tuple[Callable[[], None], str]] = [
    (alter, "its line differs from the record"),
    (swap, "its line differs"),
    (swap_receipts, "receipt-rejected"),
    (other_record, "commits to another record"),
    (drop, "its line is not there"),
    (drop_receipt, "the line has no receipt"),
    (twice, "an export has an entry once"),
    (swap_columns, "its header is not the format's"),
    (add_a_file, "the format has no such file"),
    (unvouched, "no events.csv.entries vouches for its lines"),
    (other_format, "its format is none that is known here"),
]


@pytest.mark.parametrize(("tamper", "said"), TAMPERED, ids=[t.__name__ for t, _ in TAMPERED])
def test_a_tampered_export_is_found_out(
    exporter: Person, policy: Path, tamper: Callable[[], None], said: str
) -> None:
    """By the manifest; and where that was made anew, by its digest, and by the receipts alone."""
    made = exporter.run("export", "out", "--format", "csv", *exporter.export, "--json").report
    check = ["verify-export", "out", "--policy", policy]
    tamper()
    assert offline(exporter, *check).code == 1
    reseal()
    ran = offline(exporter, *check, "--digest", made["manifest"])
    assert ran.code == 1
    assert "manifest-altered" in ran.out
    ran = offline(exporter, *check)
    assert ran.code == 1, ran.out
    assert said in ran.out
    assert "manifest-" not in ran.out.partition("not covered")[0]


def test_lines_without_records_are_believed_by_the_digest_alone(
    exporter: Person, policy: Path
) -> None:
    """Who takes the records away can write what they like: that entries exist is all that holds."""
    exporter.run("export", "out", "--format", "csv", *exporter.export)
    put("receipts", [b" ".join(line.split()[:2]) + b"\n" for line in lines_of("receipts")])
    alter()
    reseal()
    ran = offline(exporter, "verify-export", "out", "--policy", policy)
    assert ran.code == 3, ran.out
    assert "what the entries' records say: they are not disclosed" in ran.out


@pytest.mark.parametrize(
    ("claim", "said"),
    [({"entries": 1_000_000}, "1000000 entries, and"), ({"bytes": 1}, "the manifest states 1")],
)
def test_a_manifest_that_contradicts_itself_is_found_out(
    exporter: Person, policy: Path, claim: dict[str, int], said: str
) -> None:
    """Numbers that nobody signed, over files that hold."""
    exporter.run("export", "out", "--format", "csv", *exporter.export)
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    (manifest if "entries" in claim else manifest["files"][0]).update(claim)
    text = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False)
    Path("out/manifest.json").write_text(text + "\n")
    ran = offline(exporter, "verify-export", "out", "--policy", policy)
    assert (ran.code, said in ran.out) == (1, True), ran.out


def test_an_export_of_nothing_is_verified_by_its_digest(exporter: Person, policy: Path) -> None:
    """There is no receipt to hold it against; without the digest nobody can tell."""
    made = exporter.run(
        "export", "none", "--format", "csv", "--from", "2001", "--to", "2001", "--json"
    )
    assert made.report["entries"] == 0
    check = ["verify-export", "none", "--policy", policy]
    assert offline(exporter, *check, "--digest", made.report["manifest"]).code == 0
    assert offline(exporter, *check).code == 3


@pytest.mark.parametrize("what", ["fifo", "link", "folder"])
def test_a_strangers_export_makes_nobody_wait(exporter: Person, policy: Path, what: str) -> None:
    """What is no plain file is not read; what a file manager left is no part of it."""
    exporter.run("export", "out", "--format", "csv", *exporter.export)
    Path("out/.DS_Store").touch()
    assert offline(exporter, "verify-export", "out", "--policy", policy).code == 0
    Path("out/receipts").unlink()
    match what:
        case "fifo":
            os.mkfifo("out/receipts")
        case "link":
            Path("out/receipts").symlink_to("/dev/zero")
        case _:
            Path("out/receipts").mkdir()
    ran = offline(exporter, "verify-export", "out", "--policy", policy)
    assert (ran.code, "receipts: not a plain file" in ran.err) == (2, True)


def test_an_export_has_its_folder_to_itself(exporter: Person) -> None:
    """No other run writes into it, no other file is there, and what is there becomes private."""
    Path("used").mkdir()
    Path("used/checkpoint").write_text("a mirror's")
    ran = exporter.run("export", "used", "--format", "csv", *exporter.export)
    assert (ran.code, "not empty" in ran.err) == (2, True)
    assert Path("used/checkpoint").read_text() == "a mirror's"
    Path("shared").mkdir()
    Path("shared/parts").touch()
    with Path("shared/parts").open("ab") as held:
        flock(held, LOCK_EX)
        ran = exporter.run("export", "shared", "--format", "csv", *exporter.export)
        assert (ran.code, "another export into it is running" in ran.err) == (2, True)
    Path("shared/receipts").write_text("")
    Path("shared/receipts").chmod(0o644)
    assert exporter.run("export", "shared", "--format", "csv", *exporter.export).code == 0
    assert Path("shared/receipts").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "who", [("--patient", "https://nowhere.example|1"), ("--agent", "https://elsewhere.example|u1")]
)
def test_an_export_that_would_not_be_whole_is_refused(
    exporter: Person, who: tuple[str, str]
) -> None:
    """Where a search warns that more may match: with a period it finds all."""
    ran = exporter.run("export", "part", "--format", "csv", *who)
    assert (ran.code, "a period" in ran.err) == (2, True), ran
    assert exporter.run("export", "part", "--format", "csv", *who, "--from", "2020").code == 0


@pytest.mark.parametrize(
    ("action", "code"), [("read,create", 0), ("R", 0), ("r", 0), ("view", 2), ("read,", 2)]
)
def test_actions_are_words_or_letters(exporter: Person, action: str, code: int) -> None:
    """What is none is refused: it would find nothing, and look as if there were none."""
    ran = exporter.run("search", "--from", "2020", "--action", action, "--json")
    assert ran.code == code
    if code == 0:
        assert '"total"' in ran.out or "AuditEvent" in ran.out
    else:
        assert "read (R)" in ran.err


def test_an_export_of_another_ledger_is_not_believed(
    exporter: Person, policy: Path, tmp_path: Path
) -> None:
    """Receipts that the policy's keys did not sign; and wrong use is told."""
    assert exporter.run("export", "out", "--format", "csv", *exporter.export).code == 0
    Path("others").write_bytes(Keys().policy().to_bytes())
    ran = offline(exporter, "verify-export", "out", "--policy", "others")
    assert (ran.code, "receipt-rejected" in ran.out) == (1, True)
    ran = offline(exporter, "verify-export", "out", "--policy", policy, "--digest", "x")
    assert (ran.code, "expected ni:///sha-256" in ran.err) == (2, True)
    assert offline(exporter, "verify-export", "nowhere", "--policy", policy).code == 2
    Path("out/manifest.json").write_text("{}")
    ran = offline(exporter, "verify-export", "out", "--policy", policy)
    assert (ran.code, "manifest-malformed" in ran.out) == (1, True)


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
