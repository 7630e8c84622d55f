"""Exports made by the API itself: complete, resumed, verified offline, and tampered with."""

import json
import os
from collections.abc import Callable
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.cli.main import INTERRUPTED
from audit_ledger.client.api import Api
from audit_ledger.client.http_client import ApiRequest
from tests.cli.api_user import ApiUser
from tests.cli.command_result import run_command
from tests.verify.writer import Keys


@pytest.mark.parametrize("form", ["fhir", "csv", "ocsf"])
@pytest.mark.parametrize("receipts", ["record", "proof", "none"])
def test_an_export_is_verified_offline(
    officer: ApiUser, policy: Path, form: str, receipts: str
) -> None:
    """Whole; each line with its entry, and where records are disclosed, what they say."""
    result = officer.run(
        "export", "out", "--format", form, "--receipts", receipts, *officer.export, "--json"
    )
    assert result.code == 0, result.err
    made = result.report
    assert made["entries"] == 3
    assert not Path("out/parts").exists()
    assert all(file.stat().st_mode & 0o077 == 0 for file in Path("out").iterdir())
    check = ["verify-export", "out", "--policy", policy, "--digest", made["manifest"]]
    verified = run_command(officer.capture, *check, "--json")
    proved = 0 if receipts == "none" else made["entries"]
    shown = made["entries"] if receipts == "record" else 0
    assert verified.code == (3 if receipts == "none" else 0), verified.out
    assert (verified.report["proved"], verified.report["records_shown"]) == (proved, shown)
    assert verified.report["findings"] == []
    people = run_command(officer.capture, *check)
    assert people.code == verified.code
    assert f"{proved} proved to be in the ledger" in people.out


def test_a_rejected_export_leaves_no_parts(officer: ApiUser) -> None:
    """What was wrong is corrected, and the folder is as good as new."""
    result = officer.run("export", "out", "--format", "csv")
    assert (result.code, "expected this parameter" in result.err) == (2, True)
    assert officer.run("export", "out", "--format", "csv", *officer.export).code == 0


def test_a_resumed_export_equals_an_uninterrupted_one(
    officer: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any part, also one of which half was written; what is there is not asked for again."""
    asked: list[str] = []
    ask = Api.request

    def counted(self: Api, what: ApiRequest, **more: Any) -> Any:
        asked.append(what.query)
        return ask(self, what, **more)

    monkeypatch.setattr(Api, "request", counted)
    assert officer.run("export", "whole", "--format", "csv", *officer.export).code == 0
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
                officer.run("export", folder, "--format", "csv", *officer.export).code
                == INTERRUPTED
            )
        with (folder / "parts").open("ab") as file:
            file.write(b'{"origin": "half a pa')
        other = officer.run("export", folder, "--format", "fhir", *officer.export)
        assert (other.code, "unfinished export of something else" in other.err) == (2, True)
        asked.clear()
        assert officer.run("export", folder, "--format", "csv", *officer.export).code == 0
        assert len(set(asked)) == len(asked)
        assert len(asked) >= parts - stop
        lines = (folder / "events.csv").read_bytes().splitlines()
        assert lines[: parts - 1] == Path("whole/events.csv").read_bytes().splitlines()[: parts - 1]
    Path("whole/parts").touch()  # stopped when all was done but this
    again = officer.run("export", "whole", "--format", "csv", *officer.export)
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


@pytest.mark.parametrize(("tamper", "message"), TAMPERED, ids=[t.__name__ for t, _ in TAMPERED])
def test_a_tampered_export_fails(
    officer: ApiUser, policy: Path, tamper: Callable[[], None], message: str
) -> None:
    """By the manifest; and where that was made anew, by its digest, and by the receipts alone."""
    made = officer.run("export", "out", "--format", "csv", *officer.export, "--json").report
    check = ["verify-export", "out", "--policy", policy]
    tamper()
    assert run_command(officer.capture, *check).code == 1
    reseal()
    result = run_command(officer.capture, *check, "--digest", made["manifest"])
    assert result.code == 1
    assert "manifest-altered" in result.out
    result = run_command(officer.capture, *check)
    assert result.code == 1, result.out
    assert message in result.out
    assert "manifest-" not in result.out.partition("not covered")[0]


def test_lines_without_records_are_verified_by_the_digest_alone(
    officer: ApiUser, policy: Path
) -> None:
    """Who takes the records away can write what they like: that entries exist is all that holds."""
    officer.run("export", "out", "--format", "csv", *officer.export)
    put("receipts", [b" ".join(line.split()[:2]) + b"\n" for line in lines_of("receipts")])
    alter()
    reseal()
    result = run_command(officer.capture, "verify-export", "out", "--policy", policy)
    assert result.code == 3, result.out
    assert "what the entries' records say: they are not disclosed" in result.out


@pytest.mark.parametrize(
    ("claim", "message"),
    [({"entries": 1_000_000}, "1000000 entries, and"), ({"bytes": 1}, "the manifest states 1")],
)
def test_a_manifest_that_contradicts_its_files_fails(
    officer: ApiUser, policy: Path, claim: dict[str, int], message: str
) -> None:
    """Numbers that nobody signed, over files that hold."""
    officer.run("export", "out", "--format", "csv", *officer.export)
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    (manifest if "entries" in claim else manifest["files"][0]).update(claim)
    text = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False)
    Path("out/manifest.json").write_text(text + "\n")
    result = run_command(officer.capture, "verify-export", "out", "--policy", policy)
    assert (result.code, message in result.out) == (1, True), result.out


def test_an_export_of_nothing_is_verified_by_its_digest(officer: ApiUser, policy: Path) -> None:
    """There is no receipt to hold it against; without the digest nobody can tell."""
    made = officer.run(
        "export", "none", "--format", "csv", "--from", "2001", "--to", "2001", "--json"
    )
    assert made.report["entries"] == 0
    check = ["verify-export", "none", "--policy", policy]
    assert run_command(officer.capture, *check, "--digest", made.report["manifest"]).code == 0
    assert run_command(officer.capture, *check).code == 3


@pytest.mark.parametrize("what", ["fifo", "link", "folder"])
def test_special_files_in_an_export_are_not_read(officer: ApiUser, policy: Path, what: str) -> None:
    """What is no plain file is not read; what a file manager left is no part of it."""
    officer.run("export", "out", "--format", "csv", *officer.export)
    Path("out/.DS_Store").touch()
    assert run_command(officer.capture, "verify-export", "out", "--policy", policy).code == 0
    Path("out/receipts").unlink()
    match what:
        case "fifo":
            os.mkfifo("out/receipts")
        case "link":
            Path("out/receipts").symlink_to("/dev/zero")
        case _:
            Path("out/receipts").mkdir()
    result = run_command(officer.capture, "verify-export", "out", "--policy", policy)
    assert (result.code, "receipts: not a plain file" in result.err) == (2, True)


def test_an_export_needs_a_folder_of_its_own(officer: ApiUser) -> None:
    """No other run writes into it, no other file is there, and what is there becomes private."""
    Path("used").mkdir()
    Path("used/checkpoint").write_text("a mirror's")
    result = officer.run("export", "used", "--format", "csv", *officer.export)
    assert (result.code, "not empty" in result.err) == (2, True)
    assert Path("used/checkpoint").read_text() == "a mirror's"
    Path("shared").mkdir()
    Path("shared/parts").touch()
    with Path("shared/parts").open("ab") as held:
        flock(held, LOCK_EX)
        result = officer.run("export", "shared", "--format", "csv", *officer.export)
        assert (result.code, "another export into it is running" in result.err) == (2, True)
    Path("shared/receipts").write_text("")
    Path("shared/receipts").chmod(0o644)
    assert officer.run("export", "shared", "--format", "csv", *officer.export).code == 0
    assert Path("shared/receipts").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "who", [("--patient", "https://nowhere.example|1"), ("--agent", "https://elsewhere.example|u1")]
)
def test_an_export_that_would_be_incomplete_is_rejected(
    officer: ApiUser, who: tuple[str, str]
) -> None:
    """Where a search warns that more may match: with a period it finds all."""
    result = officer.run("export", "part", "--format", "csv", *who)
    assert (result.code, "a period" in result.err) == (2, True), result
    assert officer.run("export", "part", "--format", "csv", *who, "--from", "2020").code == 0


def test_an_export_of_another_ledger_fails(officer: ApiUser, policy: Path, tmp_path: Path) -> None:
    """Receipts that the policy's keys did not sign; and wrong use is told."""
    assert officer.run("export", "out", "--format", "csv", *officer.export).code == 0
    Path("others").write_bytes(Keys().policy().to_bytes())
    result = run_command(officer.capture, "verify-export", "out", "--policy", "others")
    assert (result.code, "receipt-rejected" in result.out) == (1, True)
    result = run_command(
        officer.capture, "verify-export", "out", "--policy", policy, "--digest", "x"
    )
    assert (result.code, "expected ni:///sha-256" in result.err) == (2, True)
    assert run_command(officer.capture, "verify-export", "nowhere", "--policy", policy).code == 2
    Path("out/manifest.json").write_text("{}")
    result = run_command(officer.capture, "verify-export", "out", "--policy", policy)
    assert (result.code, "manifest-malformed" in result.out) == (1, True)
