"""The staff directory and the settings of rules, from a hospital's upload to findings."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from audit_ledger.aws import staff_directory_objects
from audit_ledger.errors import TooLargeError, UnreachableError
from functions.follower import handler
from functions.follower.staff_directory import DirectoryReader
from infra.local.cloud import REGION
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
def assembly() -> Path:
    """Two ledgers, one with settings of its own for two rules, and a bucket for directories."""
    settings = {"same_household": {"severity": "high"}, "break_the_glass": None}
    ledgers = [
        {**ledger, **({"detections": settings} if ledger["id"] == LEDGER else {})}
        for ledger in LEDGERS
    ]
    return synthesized({"ledgers": ledgers, "directory_writers": [WRITER]})


def put(name: str, text: str, ledger: str = LEDGER) -> None:
    boto3.client("s3", REGION).put_object(Bucket=BUCKET, Key=f"{ledger}/{name}", Body=text.encode())


def findings(ledger_api: LedgerApi) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ledger_api.get("/findings").json()["findings"]
    return found


def upload_directory() -> None:
    put("users.csv", USERS)
    put("patients.csv", PATIENTS)


def send_reads(ledger_api: LedgerApi, *patients: str) -> None:
    for patient in patients:
        ledger_api.send(read_of(patient, "1"))
    settle(ledger_api)


def running(ledger_api: LedgerApi) -> dict[str, bool]:
    return {rule["rule"]: rule["runs"] for rule in ledger_api.get("/findings").json()["rules"]}


def test_rules_use_the_directory_once_its_files_are_uploaded(ledger_api: LedgerApi) -> None:
    """Earlier events are judged with it only by a rebuild."""
    send_reads(ledger_api, "rose", "martha")
    assert findings(ledger_api) == []
    assert running(ledger_api)["same-household"] is False
    upload_directory()
    put("users.csv", "id,names,surname\nu1,reference|Practitioner/1,Jones\n", OTHER)
    send_reads(ledger_api, "rose")
    (finding,) = findings(ledger_api)
    assert (finding["rule"], finding["severity"]) == ("same-household", "high")
    assert len(finding["directory"]) == 16
    assert running(ledger_api)["same-household"] is True
    follow(ledger_api, rebuild="begin")
    assert len(findings(ledger_api)) == 1  # the first access, and quiet hours since


def test_settings_of_a_ledger_reach_its_rules(ledger_api: LedgerApi) -> None:
    """A disabled rule is not listed; other rules keep their defaults."""
    send_reads(ledger_api, "rose")
    rules = running(ledger_api)
    assert "break-the-glass" not in rules
    assert rules["bulk-access"]
    lacks = {r["rule"]: r.get("lacks") for r in ledger_api.get("/findings").json()["rules"]}
    assert lacks["consent-denied"] == "no consents are recorded"


def test_directory_read_before_stays_in_use_if_a_file_is_invalid(ledger_api: LedgerApi) -> None:
    """The log contains the place of the fault, and quotes nothing."""
    upload_directory()
    send_reads(ledger_api, "rose", "martha")
    assert len(findings(ledger_api)) == 1
    for number, (name, text, place) in enumerate(
        (
            ("users.csv", "id,names,surname\nu1,Practitioner/Tyler,Tyler\n", "users.csv, line 2"),
            ("users.csv", "id,names,shoesize\n", "users.csv, line 1"),
            ("staff.csv", "id\n", "one of users.csv"),
        )
    ):
        log = ledger_api.cloud.runner.log_of(FOLLOWER)
        earlier = len(log.lines)
        upload_directory()
        put(name, text)
        send_reads(ledger_api, "donna")
        assert follow(ledger_api)["next_seq"] >= 4 + number
        assert running(ledger_api)["same-household"] is True
        lines = list(log.lines)[earlier:]
        assert any(place in line for line in lines)
        assert not any("Tyler" in line for line in lines)
        assert any("BadDirectory" in line for line in lines)


def test_deleted_files_stop_the_rules_that_need_them(ledger_api: LedgerApi) -> None:
    """The rules report that they do not run."""
    upload_directory()
    send_reads(ledger_api, "rose", "martha")
    assert running(ledger_api)["same-household"] is True
    for name in ("users.csv", "patients.csv"):
        boto3.client("s3", REGION).delete_object(Bucket=BUCKET, Key=f"{LEDGER}/{name}")
    send_reads(ledger_api, "donna")
    assert running(ledger_api)["same-household"] is False
    assert len(findings(ledger_api)) == 1


def test_files_that_change_while_being_read_are_read_again(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are read as of one moment; files that never stop changing are an error of this run."""
    put("users.csv", USERS)
    put("", "")  # a folder, as consoles make them
    files = staff_directory_objects.DirectoryFiles(boto3.client("s3", REGION), BUCKET, LEDGER)
    tags = staff_directory_objects.DirectoryFiles.tags
    changes = ["Practitioner/3", "Practitioner/2"]

    def changing(self: staff_directory_objects.DirectoryFiles) -> dict[str, str]:
        found = tags(self)
        if changes:
            put("users.csv", USERS.replace("Practitioner/1", changes.pop()))
        return found

    monkeypatch.setattr(staff_directory_objects.DirectoryFiles, "tags", changing)
    _, contents = files.read()
    assert list(contents) == ["users.csv"]
    assert b"Practitioner/3" in contents["users.csv"]
    changes += [f"Practitioner/{n}" for n in range(9)]
    with pytest.raises(UnreachableError):
        DirectoryReader(lambda _: None).read(files)


def test_directory_is_cached_until_its_files_change(
    ledger_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their tags, and for one ledger only."""
    put("users.csv", USERS)
    faults: list[str] = []
    reader = DirectoryReader(faults.append)
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
    assert faults == ["directory: at most 16 files of 10 bytes"]
    assert handler.directory_reader() is handler.directory_reader()
