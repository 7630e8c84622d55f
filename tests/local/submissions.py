"""Events sent to a local cloud, and processes that serve one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from audit_ledger.tlog.policy import parse_policy
from infra.local.cloud import LocalCloud
from infra.local.serve import REPOSITORY, example_event

FHIR = "application/fhir+json"


def post(
    cloud: LocalCloud, path: str, token: str | None, document: Any, key: str | None = None
) -> tuple[int, bytes]:
    headers = {"Content-Type": FHIR}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if key is not None:
        headers["Idempotency-Key"] = key
    request = Request(f"{cloud.url}{path}", json.dumps(document).encode(), headers)
    try:
        with urlopen(request) as response:
            return response.status, response.read()
    except HTTPError as error:
        return error.code, error.read()


def event_of(cloud: LocalCloud, ledger_id: str) -> dict[str, Any]:
    ledger = cloud.ledger(ledger_id)
    return example_event(ledger.portals[0], ledger.patient_rules[ledger.portals[0]])


def accept(cloud: LocalCloud, ledger_id: str, count: int = 1) -> None:
    token = cloud.tokens.portal(ledger_id, cloud.ledger(ledger_id).portals[0])
    for _ in range(count):
        status, body = post(cloud, "/AuditEvent", token, event_of(cloud, ledger_id))
        assert status == 201, body


def checkpoint_size(cloud: LocalCloud, ledger_id: str, folder: Path) -> int:
    """Publish, mirror, and return the size of a checkpoint that satisfies the ledger's policy."""
    cloud.publish(ledger_id)
    cloud.mirror(ledger_id, folder)
    opinion = parse_policy(cloud.policy(ledger_id)).evaluate((folder / "checkpoint").read_bytes())
    assert opinion.satisfied
    assert opinion.checkpoint.origin == cloud.ledger(ledger_id).origin
    return opinion.checkpoint.size


def post_event(session: dict[str, Any]) -> int:
    """Send an event to the ledger `north` of a session file; return the status."""
    event = example_event("ehr", {"system": "https://north.example/mrn"})
    headers = {"Authorization": f"Bearer {session['tokens']['portal']}", "Content-Type": FHIR}
    request = Request(f"{session['url']}/AuditEvent", json.dumps(event).encode(), headers)
    try:
        with urlopen(request) as response:
            return int(response.status)
    except HTTPError as error:
        return error.code


def start_serving(
    assembly: Path, build: Path, *options: str
) -> "tuple[subprocess.Popen[str], dict[str, Any]]":
    """Start `make local` in a process, wait until it answers, and return its session file too."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "infra.local.serve", "--port", "0"),
            *("--assembly", str(assembly), "--build", str(build), *options),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'shared'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Ctrl-C"):
            break
    return process, json.loads((build / "session.json").read_text())
