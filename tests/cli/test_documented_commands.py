"""docs/cli.md: each command that it shows is run, as written, on a ledger like `make local`'s."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import synthesized
from tests.builders.audit_event import PATIENT_ROLE, r4
from tests.conftest import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "cli.md").read_text()
SHOWN = re.findall(r"^    (ledger .+)$", DOCUMENT, re.MULTILINE)
LEDGER = "st-elsewhere"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """The ledgers of cdk.json."""
    with local_cloud(synthesized()) as running:
        yield running


def test_what_the_document_shows_runs_in_its_order(cloud: LocalCloud, tmp_path: Path) -> None:
    """FILE, DIR and ID are the reader's; all else is as it stands there."""
    patient = {"identifier": {"system": "https://elsewhere.example/mrn", "value": "1"}}
    entity = [{"what": patient, "role": PATIENT_ROLE}]
    event = r4(recorded=datetime.now(UTC).isoformat(), action="R", entity=entity)
    (tmp_path / "event.json").write_text(json.dumps(event))
    (tmp_path / "policy").write_bytes(cloud.policy(LEDGER))
    named = {"FILE...": "event.json", "FILE": "policy", "DIR": "exported", "ID": ""}
    assert len(SHOWN) >= 8
    for line in SHOWN:
        arguments = [named.get(word, word) for word in shlex.split(line)]
        ran = run(cloud, tmp_path, *arguments[1:])
        assert ran.returncode == 0, f"{line}: {ran.stdout}{ran.stderr}"
        if arguments[1] == "send":
            cloud.drain()
            cloud.publish(LEDGER)
            (named["ID"],) = ids(cloud, tmp_path)
        if arguments[1] == "export":
            (named["ni:///sha-256;…"],) = re.findall(r"ni:///sha-256;[\w-]{43}'", ran.stdout)[:1]
            named["ni:///sha-256;…"] = named["ni:///sha-256;…"].rstrip("'")


def ids(cloud: LocalCloud, folder: Path) -> list[str]:
    """Ids of all events that were sent, as a search finds them."""
    ran = run(cloud, folder, "search", "--from", "2026", "--json")
    pages = [json.loads(line) for line in ran.stdout.splitlines()]
    entries = [entry for page in pages for entry in page["entry"]]
    return [e["resource"]["id"] for e in entries if e["search"]["mode"] == "match"]


def run(cloud: LocalCloud, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a process of its own, with the token that the command needs."""
    is_sending = arguments[0] == "send"
    token = cloud.tokens.portal(LEDGER, "ehr") if is_sending else cloud.tokens.security(LEDGER)
    environment = {"AUDIT_LEDGER_URL": cloud.url, "AUDIT_LEDGER_TOKEN": token, "no_proxy": "*"}
    return subprocess.run(
        [sys.executable, "-m", "audit_ledger.cli", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
