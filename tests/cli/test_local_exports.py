"""Exports made by the API itself: complete, resumed, verified offline, and tampered with."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from audit_ledger.cli.main import INTERRUPTED
from audit_ledger.client.api import Api
from audit_ledger.client.http_client import ApiRequest
from infra.local.cloud import LocalCloud
from tests.cli.local_api import LEDGER, Person, event, offline
from tests.verify.writer import Keys


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
