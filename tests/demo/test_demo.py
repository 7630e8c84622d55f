"""A small demo, run as a person runs it, and what it leaves."""

import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from audit_ledger.tlog.policy import parse_policy
from infra.demo import __main__ as demo
from infra.demo.expectations import SEEDED
from infra.demo.hospital import Submission, hospital_day, tally
from infra.demo.options import Options, read_options
from infra.demo.posting import NotAcceptedError
from tests.assemblies import run_folder
from tests.conftest import REPOSITORY
from tests.demo.hospital.recount import patients_of, resources, strings

EVENTS, SEED = 300, 7
LEDGERS = ("st-elsewhere", "riverside-lab")


@dataclass(frozen=True)
class Run:
    """A demo that was run, with a home of its own and the leavings of an earlier run."""

    build: Path
    home: Path
    exit_code: int
    output: str
    errors: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    build, home = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("home")
    leftovers = ("published/gone/checkpoint", "tampered/gone/checkpoint", "gone.policy")
    for leftover in (*leftovers, "receipts/gone.tlog-proof"):
        (build / leftover).parent.mkdir(parents=True, exist_ok=True)
        (build / leftover).write_text("of an earlier run")
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "infra.demo"),
            *("--events", str(EVENTS), "--seed", str(SEED), "--build", str(build)),
        ],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(run_folder() / "jsii"),  # else in the home
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(build, home, ran.returncode, ran.stdout, ran.stderr)


def entries_of(folder: Path) -> list[bytes]:
    """Read all entries from the bundles: u16be length, entry, and so on (C2SP tlog-tiles)."""
    by_place: dict[str, bytes] = {}
    for file in (folder / "tile" / "entries").rglob("*"):
        if file.is_file():
            path = file.relative_to(folder / "tile" / "entries").as_posix()
            place = path.partition(".p/")[0]
            by_place[place] = max(by_place.get(place, b""), file.read_bytes(), key=len)
    entries = []
    for place in sorted(by_place):
        data = by_place[place]
        while data:
            length = int.from_bytes(data[:2], "big")
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    return entries


def day() -> list[Submission]:
    """The same day again."""
    return list(hospital_day(SEED, EVENTS, day=datetime.now(UTC).date(), also=SEEDED))


def test_all_checks_pass(run: Run) -> None:
    """Exit 0, and nothing on standard error."""
    assert run.exit_code == 0, run.output + run.errors
    assert run.errors == ""
    assert "WRONG" not in run.output
    assert "All checks passed" in run.output


@pytest.mark.parametrize("ledger_id", LEDGERS)
def test_published_files_and_policy_are_at_their_documented_paths(run: Run, ledger_id: str) -> None:
    """With an entry for each patient of each event that was sent, and the one of creation."""
    published = run.build / "published" / ledger_id
    entries = entries_of(published)
    assert len(entries) == 1 + tally(day())[ledger_id].entries
    origin, size = (published / "checkpoint").read_text().splitlines()[:2]
    assert (origin, int(size)) == (f"dev.audit.example.org/{ledger_id}", len(entries))
    (log,) = parse_policy((run.build / f"{ledger_id}.policy").read_bytes()).logs
    assert log.key.name == origin
    assert (published / "digests" / "latest").is_file()


@pytest.mark.parametrize("ledger_id", LEDGERS)
def test_the_day_has_several_digests(run: Run, ledger_id: str) -> None:
    digests = list((run.build / "published" / ledger_id / "digests").glob("*/*/*/*-*"))
    assert len(digests) == 6


def test_removes_the_files_of_earlier_runs(run: Run) -> None:
    assert sorted(p.name for p in (run.build / "published").iterdir()) == sorted(LEDGERS)
    assert sorted(p.stem for p in run.build.glob("*.policy")) == sorted(LEDGERS)
    assert [p.name for p in (run.build / "tampered").iterdir()] == ["st-elsewhere"]
    assert "gone.tlog-proof" not in [p.name for p in (run.build / "receipts").iterdir()]


def test_verification_names_the_entry_of_the_changed_byte(run: Run) -> None:
    published = run.build / "published" / "st-elsewhere"
    tampered = run.build / "tampered" / "st-elsewhere"
    files = [f.relative_to(published) for f in published.rglob("*") if f.is_file()]
    (differing,) = [f for f in files if (published / f).read_bytes() != (tampered / f).read_bytes()]
    before, after = (published / differing).read_bytes(), (tampered / differing).read_bytes()
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    pairs = zip(entries_of(published), entries_of(tampered), strict=True)
    (entry,) = (number for number, (a, b) in enumerate(pairs) if a != b)
    found = rf"entry-altered: {re.escape(differing.as_posix())}: .*\(entry {entry}\)"
    assert re.search(found, run.output)


@pytest.mark.parametrize("ledger_id", LEDGERS)
def test_a_receipt_of_each_ledger_is_at_its_documented_path(run: Run, ledger_id: str) -> None:
    """Its entry is the published one, and the command states that it commits to the record."""
    receipts = run.build / "receipts"
    proof = (receipts / f"{ledger_id}.tlog-proof").read_text().splitlines()
    index = int(proof[2].removeprefix("index "))
    record_file = receipts / f"{ledger_id}.record.json"
    held = {name: b64decode(text) for name, text in json.loads(record_file.read_text()).items()}
    assert held["entry"] == entries_of(run.build / "published" / ledger_id)[index]
    assert record_file.stat().st_mode & 0o077 == 0
    said = rf"verified: entry {index} of dev\.audit\.example\.org/{ledger_id}\n"
    assert re.search(said + r"(?: .*\n){2} +it commits to this record", run.output)


def test_shows_the_queries(run: Run) -> None:
    """The patient of the search, and who was output: as the day's own bytes have it."""
    (mrn,) = re.findall(r"--param 'patient\.identifier=\S+\|(MRN[0-9]+)'", run.output)
    events = [
        event
        for submission in day()
        if submission.portal in ("ehr", "app") and not submission.is_resent
        for event in resources(submission)
        if mrn in patients_of(event)
    ]
    assert f"that patient: {len(events)} events" in " ".join(run.output.split())
    assert sum("Pretendshire Public Health Authority" in strings(event) for event in events) == 1
    assert "Pretendshire Public Health" in run.output
    numbered = sum(len(resources(s)) for s in day() if s.portal == "lab" and not s.is_resent)
    assert f"of {numbered:,} events that the laboratory numbered, 0 are missing" in " ".join(
        run.output.split()
    )


def test_each_ledger_is_verified_by_the_command_and_the_copy_fails(run: Run) -> None:
    answers = re.findall(r"^ +(verified|failed|incomplete): (\S+)$", run.output, re.MULTILINE)
    assert answers == [
        ("verified", "dev.audit.example.org/st-elsewhere"),
        ("verified", "dev.audit.example.org/riverside-lab"),
        ("failed", "dev.audit.example.org/st-elsewhere"),
    ]


def test_the_table_adds_up(run: Run) -> None:
    """Each ledger's figures and the total, as the day's recount has them."""
    rows = {
        words[0]: [int(word.replace(",", "")) for word in words[1:]]
        for words in map(str.split, run.output.splitlines())
        if words and words[0] in ("events", "entries", "blocks", "digests") and len(words) == 4
    }
    output = tally(day())
    events, entries = ([getattr(output[i], n) for i in LEDGERS] for n in ("events", "entries"))
    assert rows["events"] == [*events, EVENTS]
    assert rows["entries"] == [*(n + 1 for n in entries), sum(entries) + 2]
    assert rows["digests"] == [6, 6, 12]
    assert rows["blocks"][2] == sum(rows["blocks"][:2])


def test_writes_nothing_to_the_home_directory(run: Run) -> None:
    assert list(run.home.iterdir()) == []


def test_functions_log_to_a_file_and_not_to_the_terminal(run: Run) -> None:
    assert '"CloudWatchMetrics"' in (run.build / "functions.log").read_text()
    assert "CloudWatchMetrics" not in run.output


def test_without_options_5_000_events_go_to_build_demo() -> None:
    assert read_options([]) == Options(5_000, 1, REPOSITORY / "build" / "demo")


def test_a_failed_check_is_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["demo"])
    monkeypatch.setattr(demo, "run_demo", lambda options, console: False)
    assert demo.main() == 1


def test_an_error_of_the_demo_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_demo(options: Options, console: Console) -> bool:
        raise NotAcceptedError("POST /events of portal lab: 0 of 1 events accepted")

    monkeypatch.setattr(sys, "argv", ["demo"])
    monkeypatch.setattr(demo, "run_demo", run_demo)
    assert demo.main() == 1
    assert capsys.readouterr().err == "demo: POST /events of portal lab: 0 of 1 events accepted\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--events", "0"],
        ["--events", "-5"],
        ["--events", "many"],
        ["--seed", "1.5"],
        ["--events"],
        ["--ledgers", "3"],
        ["5000"],
    ],
)
def test_a_wrong_option_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        read_options(arguments)
    assert raised.value.code == 2
    assert "usage: make demo" in capsys.readouterr().err
