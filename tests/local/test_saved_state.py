"""`make local --keep`: what was answered with 201 is there after a kill, under the same keys."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest

from audit_ledger.errors import LedgerError
from infra.local.cloud import LocalCloud, local_cloud
from infra.local.serve import REPOSITORY, example_event
from tests.assemblies import LEDGERS, synthesized
from tests.local.conftest import REGION
from tests.local.test_cloud import accept, checkpoint_size


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
    """Nothing is accepted that could not be kept, nor anything after it: the server ends."""
    with kept(assembly, tmp_path) as cloud:
        assert cloud.journal is not None
        accept(cloud, "north")
        real = cloud.journal.target
        with Path("/dev/full").open("wb", buffering=0) as full:
            cloud.journal.target = full
            assert posted(cloud.url, cloud.tokens.portal("north", "ehr")) >= 500
        assert cloud.journal.broken
        cloud.journal.target = real
        assert posted(cloud.url, cloud.tokens.portal("north", "ehr")) >= 500


def posted(url: str, token: str) -> int:
    event = example_event("ehr", {"system": "https://north.example/mrn"})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    try:
        with urlopen(Request(f"{url}/AuditEvent", json.dumps(event).encode(), headers)) as answer:
            status: int = answer.status
            return status
    except HTTPError as error:
        return error.code


def served(assembly: Path, build: Path) -> "tuple[subprocess.Popen[str], dict[str, Any]]":
    """Start `make local --keep`, and wait until it answers."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "infra.local.serve", "--port", "0", "--keep"),
            *("--assembly", str(assembly), "--build", str(build), "--publish-every", "0.3"),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'shared'}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Ctrl-C"):
            break
    return process, json.loads((build / "session.json").read_text())


def test_kill_9_loses_nothing_that_was_answered(assembly: Path, tmp_path: Path) -> None:
    """Five events, killed at once; the next one publishes all of them under the same keys."""
    process, session = served(assembly, tmp_path)
    for _ in range(5):
        assert posted(session["url"], session["tokens"]["portal"]) == 201
    process.kill()
    process.wait()
    policy = Path(session["policy"]).read_bytes()
    process, session = served(assembly, tmp_path)
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
