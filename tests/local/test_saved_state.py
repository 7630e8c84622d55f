"""`make local --keep`: events accepted with 201 survive a kill, under the same keys."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import boto3
import pytest

from audit_ledger.errors import LedgerError
from audit_ledger.tlog.policy import parse_policy
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.sources import Folder
from infra.local.cloud import LocalCloud, local_cloud
from tests.local.conftest import REGION
from tests.local.submissions import accept, checkpoint_size, post_event, start_serving


@contextmanager
def keeping(assembly: Path, folder: Path) -> Iterator[LocalCloud]:
    with local_cloud(assembly, region=REGION, keep=folder) as cloud:
        yield cloud


def tables() -> dict[str, list[str]]:
    contents = {}
    for table in ("blocks", "events", "subjects", "ledgers", "views", "limits"):
        items = boto3.client("dynamodb", REGION).scan(TableName=f"audit-ledger-dev-{table}")
        contents[table] = sorted(repr(sorted(item.items())) for item in items["Items"])
    return contents


def test_a_ledger_continues_in_the_next_process(assembly: Path, tmp_path: Path) -> None:
    """Tables, files and keys are the same; queued events are appended; in three processes."""
    keep = tmp_path / "state"
    with keeping(assembly, keep) as cloud:
        accept(cloud, "north", 2)
        cloud.drain()
        assert checkpoint_size(cloud, "north", tmp_path / "one") == 3
        cloud.drain()  # the digest's announcement: the follower
        accept(cloud, "north")  # waits in the queue
        policy, before = cloud.policy("north"), tables()
    with keeping(assembly, keep) as cloud:
        assert cloud.policy("north") == policy
        assert tables() == before
        cloud.drain()
        assert checkpoint_size(cloud, "north", tmp_path / "two") == 4
    with keeping(assembly, keep) as cloud:
        accept(cloud, "north")
        assert cloud.policy("north") == policy
        cloud.drain()
        assert checkpoint_size(cloud, "north", tmp_path / "three") == 5


def test_truncates_an_incomplete_last_change(assembly: Path, tmp_path: Path) -> None:
    """A killed process left it; its caller received no response."""
    with keeping(assembly, tmp_path) as cloud:
        accept(cloud, "north")
        cloud.drain()
        before = tables()
    journal = tmp_path / "journal"
    size = journal.stat().st_size
    with journal.open("ab") as target:
        target.write((1000).to_bytes(4, "big") + b"half of it")
    with keeping(assembly, tmp_path):
        assert tables() == before
    assert journal.stat().st_size == size


def test_truncates_zeros_and_reports_damage(assembly: Path, tmp_path: Path) -> None:
    """A machine without power may leave zeros at the end; other bytes are damage, and are not
    removed."""
    with keeping(assembly, tmp_path) as cloud:
        accept(cloud, "north")
        before = tables()
    journal = tmp_path / "journal"
    size = journal.stat().st_size
    with journal.open("ab") as target:
        target.write(bytes(4096))
    with keeping(assembly, tmp_path):
        assert tables() == before
    assert journal.stat().st_size == size
    with journal.open("ab") as target:
        target.write(
            (4).to_bytes(4, "big") + b"\xc1\xc1\xc1\xc1"
        )  # which no MessagePack begins with
    with (
        pytest.raises(LedgerError, match=f"journal: damaged behind byte {size};"),
        keeping(assembly, tmp_path),
    ):
        pass
    assert journal.stat().st_size == size + 8


def test_refuses_the_state_of_other_ledgers(assembly: Path, tmp_path: Path) -> None:
    """Its keys belong to other resources."""
    with keeping(assembly, tmp_path / "state") as cloud:
        accept(cloud, "north")
    other = shutil.copytree(assembly, tmp_path / "other")
    template = other / "audit-ledger-dev-ledger-north.template.json"
    text = template.read_text()
    template.write_text(text.replace('"Description": "', '"Description": "Other: '))
    with (
        pytest.raises(LedgerError, match="stored for other settings"),
        keeping(other, tmp_path / "state"),
    ):
        pass


def test_accepts_nothing_on_a_full_disk(assembly: Path, tmp_path: Path) -> None:
    """Neither the event that could not be stored nor any later one; the server ends."""
    with keeping(assembly, tmp_path) as cloud:
        assert cloud.journal is not None
        accept(cloud, "north")
        session = {"url": cloud.url, "tokens": {"portal": cloud.tokens.portal("north", "ehr")}}
        real = cloud.journal.target
        with Path("/dev/full").open("wb", buffering=0) as full:
            cloud.journal.target = full
            assert post_event(session) >= 500
        assert cloud.journal.broken
        cloud.journal.target = real
        assert post_event(session) >= 500


def test_kill_9_loses_no_accepted_event(assembly: Path, tmp_path: Path) -> None:
    """The next process publishes all of them under the same keys, and ends cleanly by SIGTERM."""
    options = ("--keep", "--publish-every", "0.3")
    process, session = start_serving(assembly, tmp_path, *options)
    for _ in range(5):
        assert post_event(session) == 201
    process.kill()
    process.wait()
    policy = Path(session["policy"]).read_bytes()
    process, session = start_serving(assembly, tmp_path, *options)
    try:
        assert Path(session["policy"]).read_bytes() == policy
        wait_for_size(Path(session["published"]) / "checkpoint", 6)
        published = Folder(Path(session["published"]))
        report = verify_ledger(published, parse_policy(policy), int(time.time()), workers=1)
        assert report.answer is Verdict.VERIFIED, report
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def wait_for_size(checkpoint: Path, size: int) -> None:
    """Wait, at most a minute, until the other process has mirrored this number of entries."""
    for _ in range(600):
        if checkpoint.exists() and checkpoint.read_text().splitlines()[1] == str(size):
            return
        Event().wait(0.1)
    raise AssertionError(f"{checkpoint}: not {size} entries")
