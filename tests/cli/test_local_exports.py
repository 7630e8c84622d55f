"""Exports of the real handlers are complete, resumable and verified offline."""

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
    """Each line is proved by its entry, and by its record if that is disclosed."""
    result = officer.run(
        "export", "out", "--format", form, "--receipts", receipts, *officer.export, "--json"
    )
    assert result.code == 0, result.err
    summary = result.report
    assert summary["entries"] == 3
    assert not Path("out/parts").exists()
    assert all(file.stat().st_mode & 0o077 == 0 for file in Path("out").iterdir())
    check = ["verify-export", "out", "--policy", policy, "--digest", summary["manifest"]]
    verified = run_command(officer.capture, *check, "--json")
    proved = 0 if receipts == "none" else summary["entries"]
    shown = summary["entries"] if receipts == "record" else 0
    assert verified.code == (3 if receipts == "none" else 0), verified.out
    assert (verified.report["proved"], verified.report["records_shown"]) == (proved, shown)
    assert verified.report["findings"] == []
    as_text = run_command(officer.capture, *check)
    assert as_text.code == verified.code
    assert f"{proved} proved to be in the ledger" in as_text.out


def test_a_rejected_export_leaves_no_parts(officer: ApiUser) -> None:
    """The corrected command can use the same folder."""
    result = officer.run("export", "out", "--format", "csv")
    assert (result.code, "expected this parameter" in result.err) == (2, True)
    assert officer.run("export", "out", "--format", "csv", *officer.export).code == 0


def test_a_resumed_export_equals_an_uninterrupted_one(
    officer: ApiUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may stop after any part or within one; complete parts are not requested again."""
    queries: list[str] = []
    send = Api.request

    def counted(self: Api, request: ApiRequest, **more: Any) -> Any:
        queries.append(request.query)
        return send(self, request, **more)

    monkeypatch.setattr(Api, "request", counted)
    assert officer.run("export", "whole", "--format", "csv", *officer.export).code == 0
    parts = len(queries)
    assert parts >= 3
    for stop in range(1, parts):
        folder = Path(f"stopped-{stop}")
        queries.clear()

        def interrupted(self: Api, request: ApiRequest, stop: int = stop, **more: Any) -> Any:
            if len(queries) == stop:
                raise KeyboardInterrupt
            return counted(self, request, **more)

        with monkeypatch.context() as patch:
            patch.setattr(Api, "request", interrupted)
            assert (
                officer.run("export", folder, "--format", "csv", *officer.export).code
                == INTERRUPTED
            )
        with (folder / "parts").open("ab") as file:
            file.write(b'{"origin": "half a pa')
        other = officer.run("export", folder, "--format", "fhir", *officer.export)
        assert (other.code, "unfinished export of something else" in other.err) == (2, True)
        queries.clear()
        assert officer.run("export", folder, "--format", "csv", *officer.export).code == 0
        assert len(set(queries)) == len(queries)
        assert len(queries) >= parts - stop
        lines = (folder / "events.csv").read_bytes().splitlines()
        assert lines[: parts - 1] == Path("whole/events.csv").read_bytes().splitlines()[: parts - 1]
    Path("whole/parts").touch()  # a run that stopped before it removed this file
    again = officer.run("export", "whole", "--format", "csv", *officer.export)
    assert (again.code, "contains an export already" in again.err) == (2, True)
    assert not Path("whole/parts").exists()


def lines_of(name: str) -> list[bytes]:
    return Path("out", name).read_bytes().splitlines(keepends=True)


def write_lines(name: str, lines: list[bytes]) -> None:
    Path("out", name).write_bytes(b"".join(lines))


def rewrite_manifest() -> None:
    """Let the manifest describe the files as they are now, as a forger would."""
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    for file in manifest["files"]:
        data = Path("out", file["name"]).read_bytes()
        file["sha256"], file["bytes"] = sha256(data).hexdigest(), len(data)
        if "header" in file:
            file["header"] = sha256(data.splitlines(keepends=True)[0]).hexdigest()
        if "lines" in file:
            header = 1 if "header" in file else 0
            lines = data.splitlines(keepends=True)[header:]
            numbers = [line.split()[0] for line in lines_of(file["lines"]["name"])]
            entries = [
                b"%b %b\n" % (number, sha256(line).hexdigest().encode())
                for number, line in zip(numbers, lines, strict=False)
            ]
            write_lines(file["lines"]["name"], entries)
            file["lines"]["count"] = len(entries)
            file["lines"]["sha256"] = sha256(b"".join(entries)).hexdigest()
    manifest["entries"] = len(lines_of("events.csv")) - 1
    text = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False)
    Path("out/manifest.json").write_text(text + "\n")


def alter_line() -> None:
    """Let a line name another practitioner."""
    lines = lines_of("events.csv")
    write_lines(
        "events.csv", [lines[0], lines[1].replace(b"Practitioner/", b"Practitioner/9"), *lines[2:]]
    )


def swap_lines() -> None:
    lines = lines_of("events.csv")
    write_lines("events.csv", [lines[0], lines[2], lines[1], *lines[3:]])


def swap_receipts() -> None:
    lines = lines_of("receipts")
    words = [line.split() for line in lines]
    words[0][1:], words[1][1:] = words[1][1:], words[0][1:]
    write_lines("receipts", [b" ".join(line) + b"\n" for line in words])


def replace_record() -> None:
    lines = [line.split() for line in lines_of("receipts")]
    lines[0][2:] = lines[1][2:]
    write_lines("receipts", [b" ".join(line) + b"\n" for line in lines])


def drop_line() -> None:
    for name in ("events.csv", "events.csv.entries"):
        lines = lines_of(name)
        write_lines(name, lines[:-1])


def drop_receipt() -> None:
    for name in ("receipts", "receipts.entries"):
        write_lines(name, lines_of(name)[:-1])


def repeat_line() -> None:
    """List one access twice."""
    for name in ("events.csv", "events.csv.entries", "receipts", "receipts.entries"):
        lines = lines_of(name)
        write_lines(name, [*lines, lines[-1]])


def swap_columns() -> None:
    """Exchange the names of two columns in the header."""
    header, *lines = lines_of("events.csv")
    names = header.decode().split(",")
    names[0], names[1] = names[1], names[0]
    write_lines("events.csv", [",".join(names).encode(), *lines])


def add_file() -> None:
    """Add a file that has no receipts."""
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    Path("out/more.csv").write_bytes(b"a line\n")
    manifest["files"].append({**manifest["files"][0], "name": "more.csv"})
    del manifest["files"][-1]["lines"], manifest["files"][-1]["header"]
    Path("out/manifest.json").write_text(json.dumps(manifest))


def detach_hashes() -> None:
    """List the file of line hashes as one that belongs to no other file."""
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    (events,) = (file for file in manifest["files"] if file["name"] == "events.csv")
    entries = {**events, "name": events.pop("lines")["name"]}
    del entries["lines"], entries["header"]
    manifest["files"].append(entries)
    Path("out/manifest.json").write_text(json.dumps(manifest))
    alter_line()


def replace_format() -> None:
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    Path("out/manifest.json").write_text(json.dumps({**manifest, "format": "xml"}))


TAMPERED: list[tuple[Callable[[], None], str]] = [
    (alter_line, "its line differs from the record"),
    (swap_lines, "its line differs"),
    (swap_receipts, "receipt-rejected"),
    (replace_record, "commits to another record"),
    (drop_line, "its line is not there"),
    (drop_receipt, "the line has no receipt"),
    (repeat_line, "an export has an entry once"),
    (swap_columns, "its header is not the format's"),
    (add_file, "the format has no such file"),
    (detach_hashes, "no events.csv.entries vouches for its lines"),
    (replace_format, "its format is none that is known here"),
]


@pytest.mark.parametrize(("tamper", "message"), TAMPERED, ids=[t.__name__ for t, _ in TAMPERED])
def test_a_tampered_export_fails(
    officer: ApiUser, policy: Path, tamper: Callable[[], None], message: str
) -> None:
    """The manifest shows it; if it was rewritten, its digest and the receipts do."""
    summary = officer.run("export", "out", "--format", "csv", *officer.export, "--json").report
    check = ["verify-export", "out", "--policy", policy]
    tamper()
    assert run_command(officer.capture, *check).code == 1
    rewrite_manifest()
    result = run_command(officer.capture, *check, "--digest", summary["manifest"])
    assert result.code == 1
    assert "manifest-altered" in result.out
    result = run_command(officer.capture, *check)
    assert result.code == 1, result.out
    assert message in result.out
    assert "manifest-" not in result.out.partition("not covered")[0]


def test_lines_without_records_are_verified_by_the_digest_alone(
    officer: ApiUser, policy: Path
) -> None:
    """Without the records, only the existence of the entries is proved."""
    officer.run("export", "out", "--format", "csv", *officer.export)
    write_lines("receipts", [b" ".join(line.split()[:2]) + b"\n" for line in lines_of("receipts")])
    alter_line()
    rewrite_manifest()
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
    """No signature covers its numbers, and the files are valid."""
    officer.run("export", "out", "--format", "csv", *officer.export)
    manifest = json.loads(Path("out/manifest.json").read_bytes())
    (manifest if "entries" in claim else manifest["files"][0]).update(claim)
    text = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False)
    Path("out/manifest.json").write_text(text + "\n")
    result = run_command(officer.capture, "verify-export", "out", "--policy", policy)
    assert (result.code, message in result.out) == (1, True), result.out


def test_an_export_of_nothing_is_verified_by_its_digest(officer: ApiUser, policy: Path) -> None:
    """It has no receipt, so that without the digest the result is incomplete."""
    exported = officer.run(
        "export", "none", "--format", "csv", "--from", "2001", "--to", "2001", "--json"
    )
    assert exported.report["entries"] == 0
    check = ["verify-export", "none", "--policy", policy]
    assert run_command(officer.capture, *check, "--digest", exported.report["manifest"]).code == 0
    assert run_command(officer.capture, *check).code == 3


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_special_files_in_an_export_are_not_read(officer: ApiUser, policy: Path, kind: str) -> None:
    """Files that a file manager left are ignored."""
    officer.run("export", "out", "--format", "csv", *officer.export)
    Path("out/.DS_Store").touch()
    assert run_command(officer.capture, "verify-export", "out", "--policy", policy).code == 0
    Path("out/receipts").unlink()
    match kind:
        case "fifo":
            os.mkfifo("out/receipts")
        case "link":
            Path("out/receipts").symlink_to("/dev/zero")
        case _:
            Path("out/receipts").mkdir()
    result = run_command(officer.capture, "verify-export", "out", "--policy", policy)
    assert (result.code, "receipts: not a plain file" in result.err) == (2, True)


def test_an_export_needs_a_folder_of_its_own(officer: ApiUser) -> None:
    """It is empty, no other run uses it, and its files become private."""
    Path("used").mkdir()
    Path("used/checkpoint").write_text("a mirror's")
    result = officer.run("export", "used", "--format", "csv", *officer.export)
    assert (result.code, "not empty" in result.err) == (2, True)
    assert Path("used/checkpoint").read_text() == "a mirror's"
    Path("shared").mkdir()
    Path("shared/parts").touch()
    with Path("shared/parts").open("ab") as locked:
        flock(locked, LOCK_EX)
        result = officer.run("export", "shared", "--format", "csv", *officer.export)
        assert (result.code, "another export into it is running" in result.err) == (2, True)
    Path("shared/receipts").write_text("")
    Path("shared/receipts").chmod(0o644)
    assert officer.run("export", "shared", "--format", "csv", *officer.export).code == 0
    assert Path("shared/receipts").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "option",
    [("--patient", "https://nowhere.example|1"), ("--agent", "https://elsewhere.example|u1")],
)
def test_an_export_that_would_be_incomplete_is_rejected(
    officer: ApiUser, option: tuple[str, str]
) -> None:
    """Where a search would warn that more may match, an export needs a period."""
    result = officer.run("export", "part", "--format", "csv", *option)
    assert (result.code, "a period" in result.err) == (2, True), result
    assert officer.run("export", "part", "--format", "csv", *option, "--from", "2020").code == 0


def test_an_export_of_another_ledger_fails(officer: ApiUser, policy: Path) -> None:
    """The policy's keys did not sign its receipts."""
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
