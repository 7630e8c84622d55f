"""`make local --keep`: what was answered with 201 is there after a kill, under the same keys."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from audit_ledger.errors import LedgerError
from infra.local.cloud import LocalCloud, local_cloud
from infra.local.serve import REPOSITORY
from tests.assemblies import LEDGERS, synthesized
from tests.local.conftest import REGION
from tests.local.submissions import accept, checkpoint_size, post_event, start_serving


@contextmanager
def kept(assembly: Path, folder: Path) -> Iterator[LocalCloud]:
    with local_cloud(assembly, region=REGION, keep=folder) as cloud:
        yield cloud


def tables() -> dict[str, list[str]]:
    found = {}
    for table in ("blocks", "events", "subjects", "ledgers", "views", "limits"):
        items = boto3.client("dynamodb", REGION).scan(TableName=f"audit-ledger-dev-{table}")
        found[table] = sorted(repr(sorted(item.items())) for item in items["Items"])
    return found


def test_a_ledger_goes_on_in_the_next_process(assembly: Path, tmp_path: Path) -> None:
    """Tables, files and keys are the same; what waited in the queue is appended; thrice."""
    keep = tmp_path / "kept"
    with kept(assembly, keep) as cloud:
        accept(cloud, "north", 2)
        cloud.drain()
        assert checkpoint_size(cloud, "north", tmp_path / "one") == 3
        cloud.drain()  # the digest's announcement: the follower
        accept(cloud, "north")  # waits in the queue
        policy, before = cloud.policy("north"), tables()
    with kept(assembly, keep) as cloud:
        assert cloud.policy("north") == policy
        assert tables() == before
        cloud.drain()
        assert checkpoint_size(cloud, "north", tmp_path / "two") == 4
    with kept(assembly, keep) as cloud:
        accept(cloud, "north")
        assert cloud.policy("north") == policy
        cloud.drain()
        assert checkpoint_size(cloud, "north", tmp_path / "three") == 5


def test_what_a_killed_process_wrote_half_is_cut(assembly: Path, tmp_path: Path) -> None:
    """Its caller never heard that it succeeded."""
    with kept(assembly, tmp_path) as cloud:
        accept(cloud, "north")
        cloud.drain()
        whole = tables()
    journal = tmp_path / "journal"
    size = journal.stat().st_size
    with journal.open("ab") as target:
        target.write((1000).to_bytes(4, "big") + b"half of it")
    with kept(assembly, tmp_path):
        assert tables() == whole
    assert journal.stat().st_size == size


def test_what_a_machine_without_power_left_is_cut_or_named(assembly: Path, tmp_path: Path) -> None:
    """Zeros at the end are no changes; a change that is none is damage, and is left as it is."""
    with kept(assembly, tmp_path) as cloud:
        accept(cloud, "north")
        whole = tables()
    journal = tmp_path / "journal"
    size = journal.stat().st_size
    with journal.open("ab") as target:
        target.write(bytes(4096))
    with kept(assembly, tmp_path):
        assert tables() == whole
    assert journal.stat().st_size == size
    with journal.open("ab") as target:
        target.write(
            (4).to_bytes(4, "big") + b"\xc1\xc1\xc1\xc1"
        )  # which no MessagePack begins with
    with (
        pytest.raises(LedgerError, match=f"journal: damaged behind byte {size};"),
        kept(assembly, tmp_path),
    ):
        pass
    assert journal.stat().st_size == size + 8


def test_kept_for_other_ledgers_is_refused(assembly: Path, tmp_path: Path) -> None:
    """Rather than begun half."""
    with kept(assembly, tmp_path / "kept") as cloud:
        accept(cloud, "north")
    other = synthesized({"ledgers": LEDGERS[1:]})
    with (
        pytest.raises(LedgerError, match="stored for other settings"),
        kept(other, tmp_path / "kept"),
    ):
        pass


def test_a_full_disk_is_no_201(assembly: Path, tmp_path: Path) -> None:
    """Nothing is accepted that could not be stored, nor anything after it: the server ends."""
    with kept(assembly, tmp_path) as cloud:
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


def test_kill_9_loses_nothing_that_was_answered(assembly: Path, tmp_path: Path) -> None:
    """Five events, killed at once; the next one publishes all of them under the same keys."""
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
        checkpoint = Path(session["published"]) / "checkpoint"
        command = [sys.executable, "-m", "audit_ledger.cli", "verify", session["published"]]
        until(checkpoint, 6)
        ran = subprocess.run(
            [*command, "--policy", session["policy"], "--no-state", "--json"],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "shared")},
            capture_output=True,
            text=True,
            check=False,
        )
        report = json.loads(ran.stdout)
        assert (report["answer"], report["size"]) == ("verified", 6)
    finally:
        process.terminate()
        process.wait()


def until(checkpoint: Path, size: int) -> None:
    """Wait, at most a minute, until what the other process mirrors has so many entries."""
    import threading

    for _ in range(600):
        if checkpoint.exists() and checkpoint.read_text().splitlines()[1] == str(size):
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"{checkpoint}: not {size} entries")
