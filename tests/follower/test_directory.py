"""The directory and the settings of rules, from where a hospital puts them to findings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from audit_ledger.aws import staff_directory_objects
from audit_ledger.errors import TooLargeError, UnreachableError
from functions.follower import handler
from functions.follower.staff_directory import DirectoryReader
from infra.local.cloud import REGION, local_cloud
from tests.assemblies import LEDGERS, synthesized
from tests.builders.audit_event import read_of
from tests.follower.following import FOLLOWER, follow, settle
from tests.query.ledger_api import LEDGER, OTHER, LedgerApi

WRITER = "arn:aws:iam::123456789012:role/identity-feed"
BUCKET = f"audit-ledger-dev-directory-123456789012-{REGION}"
USERS = """id,names
u1,reference|Practitioner/1
"""
PATIENTS = """names,contacts
reference|Patient/rose,u1
reference|Patient/martha,
"""


@pytest.fixture(scope="module")
def fed() -> Path:
    """Two ledgers, one with settings of its own for two rules."""
    settings = {"same_household": {"severity": "high"}, "break_the_glass": None}
    ledgers = [
        {**ledger, **({"detections": settings} if ledger["id"] == LEDGER else {})}
        for ledger in LEDGERS
    ]
    return synthesized({"ledgers": ledgers, "directory_writers": [WRITER]})


@pytest.fixture
def ledger_api(fed: Path) -> Iterator[LedgerApi]:
    with local_cloud(fed) as cloud:
        yield LedgerApi(cloud)
        assert cloud.permissions.refusals == []


def put(name: str, text: str, ledger: str = LEDGER) -> None:
    boto3.client("s3", REGION).put_object(Bucket=BUCKET, Key=f"{ledger}/{name}", Body=text.encode())


def findings(ledger_api: LedgerApi) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ledger_api.get("/findings").json()["findings"]
    return found


def read_by_all(ledger_api: LedgerApi) -> None:
    for patient in ("rose", "martha"):
        ledger_api.send(read_of(patient, "1"))
    settle(ledger_api)


def running(ledger_api: LedgerApi) -> dict[str, bool]:
    return {rule["rule"]: rule["runs"] for rule in ledger_api.get("/findings").json()["rules"]}


def test_rules_look_people_up_in_what_was_put(ledger_api: LedgerApi) -> None:
    """And run from then on: what was before, only if it is looked at anew."""
    read_by_all(ledger_api)
    assert findings(ledger_api) == []
    assert running(ledger_api)["same-household"] is False
    put("users.csv", USERS)
    put("patients.csv", PATIENTS)
    put("users.csv", "id,names,surname\nu1,reference|Practitioner/1,Jones\n", OTHER)
    ledger_api.send(read_of("rose", "1"))
    settle(ledger_api)
    (finding,) = findings(ledger_api)
    assert (finding["rule"], finding["severity"]) == ("same-household", "high")
    assert len(finding["directory"]) == 16
    assert running(ledger_api)["same-household"] is True
    follow(ledger_api, rebuild="begin")
    assert len(findings(ledger_api)) == 1  # the first access, and quiet hours since


def test_settings_reach_the_rules(ledger_api: LedgerApi) -> None:
    """A rule that is switched off is not there; others keep their defaults."""
    read_by_all(ledger_api)
    rules = running(ledger_api)
    assert "break-the-glass" not in rules
    assert rules["bulk-access"]
    lacks = {r["rule"]: r.get("lacks") for r in ledger_api.get("/findings").json()["rules"]}
    assert lacks["consent-denied"] == "no consents are recorded"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("users.csv", "id,names,surname\nu1,Practitioner/Tyler,Tyler\n", "users.csv, line 2"),
        ("users.csv", "id,names,shoesize\n", "users.csv, line 1"),
        ("staff.csv", "id\n", "one of users.csv"),
    ],
)
def test_a_file_that_cannot_be_read_stops_nothing(
    ledger_api: LedgerApi, name: str, text: str, said: str
) -> None:
    """Following goes on with what was read before; the log says where, and quotes nothing."""
    put("users.csv", USERS)
    put("patients.csv", PATIENTS)
    read_by_all(ledger_api)
    assert len(findings(ledger_api)) == 1
    put(name, text)
    ledger_api.send(read_of("donna", "1"))
    settle(ledger_api)
    assert follow(ledger_api)["next_seq"] >= 4
    assert running(ledger_api)["same-household"] is True
    log = "\n".join(ledger_api.cloud.runner.log_of(FOLLOWER).lines)
    assert said in log
    assert "Tyler" not in log
    metrics = [json.loads(line) for line in log.splitlines() if "BadDirectory" in line]
    assert metrics


def test_what_was_withdrawn_is_forgotten(ledger_api: LedgerApi) -> None:
    """Rules that need it do not run any more, and say so."""
    put("users.csv", USERS)
    put("patients.csv", PATIENTS)
    read_by_all(ledger_api)
    assert running(ledger_api)["same-household"] is True
    for name in ("users.csv", "patients.csv"):
        boto3.client("s3", REGION).delete_object(Bucket=BUCKET, Key=f"{LEDGER}/{name}")
    ledger_api.send(read_of("donna", "1"))
    settle(ledger_api)
    assert running(ledger_api)["same-household"] is False
    assert len(findings(ledger_api)) == 1


def test_files_that_change_while_they_are_read_are_read_again(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them as of one moment; without end it is an error, and the next run asks again."""
    put("users.csv", USERS)
    put("", "")  # a folder, as consoles make them
    files = staff_directory_objects.DirectoryFiles(boto3.client("s3", REGION), BUCKET, LEDGER)
    tags, changes = (
        staff_directory_objects.DirectoryFiles.tags,
        ["Practitioner/3", "Practitioner/2"],
    )

    def changing(self: staff_directory_objects.DirectoryFiles) -> dict[str, str]:
        found = tags(self)
        if changes:
            put("users.csv", USERS.replace("Practitioner/1", changes.pop()))
        return found

    monkeypatch.setattr(staff_directory_objects.DirectoryFiles, "tags", changing)
    _, read = files.read()
    assert list(read) == ["users.csv"]
    assert b"Practitioner/3" in read["users.csv"]
    changes += [f"Practitioner/{n}" for n in range(9)]
    with pytest.raises(UnreachableError):
        DirectoryReader(lambda _: None).read(files)


def test_it_is_read_once_and_again_when_it_changes(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its tags; of another ledger nothing is taken over."""
    put("users.csv", USERS)
    said: list[str] = []
    reader = DirectoryReader(said.append)
    s3 = boto3.client("s3", REGION)
    files = staff_directory_objects.DirectoryFiles(s3, BUCKET, LEDGER)
    first = reader.read(files)
    assert reader.read(files) is first
    put("users.csv", USERS.replace("Practitioner/1", "Practitioner/2"))
    second = reader.read(files)
    assert second is not first
    assert second.digest != first.digest
    assert not reader.read(staff_directory_objects.DirectoryFiles(s3, BUCKET, OTHER)).users
    monkeypatch.setattr(staff_directory_objects, "MAX_BYTES", 10)
    with pytest.raises(TooLargeError):
        files.tags()
    assert not reader.read(files).users
    assert said == ["directory: at most 16 files of 10 bytes"]
    assert handler.directory_reader() is handler.directory_reader()
