"""A user who runs the command against the API of a local cloud."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from infra.local.cloud import LocalCloud
from tests.cli.command_result import CommandResult, run_command

LEDGER = "north"
LEDGERS = [
    {
        "id": LEDGER,
        "public": False,
        "portals": [{"id": "ehr", "patient": {"reference": True}}],
    }
]


@dataclass
class ApiUser:
    """Sends with the token of a portal, and runs all else with that of a security officer."""

    cloud: LocalCloud
    capture: pytest.CaptureFixture[str]
    patient: str = field(default_factory=lambda: f"Patient/{uuid4()}")

    @property
    def export(self) -> tuple[str, ...]:
        """Return the options of an export of the patient's events, one event in each part."""
        return ("--patient", self.patient, "--type", "110110", "--param", "_count=1")

    def run(self, *arguments: object) -> CommandResult:
        tokens = self.cloud.tokens
        is_send = arguments[0] == "send"
        token = tokens.portal(LEDGER, "ehr") if is_send else tokens.security(LEDGER)
        options = ("--url", self.cloud.url, "--token", token)
        result = run_command(self.capture, *arguments, *options)
        assert token not in result.out + result.err
        return result

    def publish(self) -> None:
        self.cloud.drain()
        self.cloud.publish()

    def search(self, *options: str) -> dict[str, Any]:
        """Return the events that match a search, by id."""
        result = self.run("search", "--json", *options)
        assert result.code == 0, result.err
        return {
            entry["fullUrl"].rpartition("/")[2]: entry["resource"]
            for line in result.out.splitlines()
            for entry in json.loads(line)["entry"]
            if entry["search"]["mode"] == "match"
        }


def event(number: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110110"},
        "action": "R",
        "recorded": "2026-05-01T00:00:00Z",
        "outcome": "0",
        "agent": [{"who": {"reference": f"Practitioner/{number}"}, "requestor": True}],
        "source": {"observer": {"display": "EHR"}},
        "entity": [{"what": {"reference": "Patient/cli"}}],
        **more,
    }
