"""Each command in docs/cli.md runs as written on a ledger like that of `make local`."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import synthesized
from tests.builders.audit_event import PATIENT_ROLE, r4
from tests.cli.command_result import CommandResult, run_command
from tests.conftest import REPOSITORY

DOCUMENT = (REPOSITORY / "docs" / "cli.md").read_text()
EXAMPLES = re.findall(r"^    (ledger .+)$", DOCUMENT, re.MULTILINE)
LEDGER = "st-elsewhere"


@dataclass(frozen=True)
class Reader:
    """A reader of the document who types its commands in a folder."""

    cloud: LocalCloud
    folder: Path
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def run(self, *arguments: str) -> CommandResult:
        """Run a command with the token that it needs."""
        tokens = self.cloud.tokens
        is_sending = arguments[0] == "send"
        token = tokens.portal(LEDGER, "ehr") if is_sending else tokens.security(LEDGER)
        self.monkeypatch.setenv("AUDIT_LEDGER_URL", self.cloud.url)
        self.monkeypatch.setenv("AUDIT_LEDGER_TOKEN", token)
        self.monkeypatch.chdir(self.folder)
        return run_command(self.capture, *arguments)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """The ledgers of cdk.json."""
    with local_cloud(synthesized()) as running:
        yield running


def test_documented_commands_run_in_their_order(
    cloud: LocalCloud,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FILE, DIR and ID are replaced; all else is as in the document."""
    patient = {"identifier": {"system": "https://elsewhere.example/mrn", "value": "1"}}
    entity = [{"what": patient, "role": PATIENT_ROLE}]
    event = r4(recorded=datetime.now(UTC).isoformat(), action="R", entity=entity)
    (tmp_path / "event.json").write_text(json.dumps(event))
    (tmp_path / "policy").write_bytes(cloud.policy(LEDGER))
    reader = Reader(cloud, tmp_path, capsys, monkeypatch)
    replacements = {"FILE...": "event.json", "FILE": "policy", "DIR": "exported", "ID": ""}
    assert len(EXAMPLES) >= 8
    for line in EXAMPLES:
        arguments = [replacements.get(word, word) for word in shlex.split(line)]
        result = reader.run(*arguments[1:])
        assert result.code == 0, f"{line}: {result.out}{result.err}"
        if arguments[1] == "send":
            cloud.drain()
            cloud.publish(LEDGER)
            (replacements["ID"],) = ids(reader)
        if arguments[1] == "export":
            manifest = re.findall(r"(ni:///sha-256;[\w-]{43})'", result.out)[0]
            replacements["ni:///sha-256;…"] = manifest


def ids(reader: Reader) -> list[str]:
    """Return the ids of all events that a search finds."""
    result = reader.run("search", "--from", "2026", "--json")
    pages = [json.loads(line) for line in result.out.splitlines()]
    entries = [entry for page in pages for entry in page["entry"]]
    return [e["resource"]["id"] for e in entries if e["search"]["mode"] == "match"]
