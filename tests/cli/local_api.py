"""A person who runs the command against the API of a local cloud."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from audit_ledger.cli.main import run
from infra.local.cloud import LocalCloud
from tests.cli.ledger_command import Ran

LEDGER = "north"
LEDGERS = [
    {
        "id": LEDGER,
        "public": False,
        "portals": [{"id": "ehr", "patient": {"reference": True}}],
    }
]


@dataclass
class Person:
    """Who types commands: a portal's operator and a security officer."""

    cloud: LocalCloud
    capture: pytest.CaptureFixture[str]
    patient: str = field(default_factory=lambda: f"Patient/{uuid4()}")

    @property
    def export(self) -> tuple[str, ...]:
        """Options of an export of the patient's events, each in a part of its own."""
        return ("--patient", self.patient, "--type", "110110", "--param", "_count=1")

    def run(self, *arguments: object) -> Ran:
        self.capture.readouterr()
        tokens = self.cloud.tokens
        sends = arguments[0] == "send"
        token = tokens.portal(LEDGER, "ehr") if sends else tokens.security(LEDGER)
        options = ("--url", self.cloud.url, "--token", token)
        code = run([str(argument) for argument in (*arguments, *options)])
        out, err = self.capture.readouterr()
        assert token not in out + err
        return Ran(code, out, err)

    def publish(self) -> None:
        self.cloud.drain()
        self.cloud.publish()

    def found(self, *options: str) -> dict[str, Any]:
        """Event ids and the events, as `search --json` gives them."""
        ran = self.run("search", "--json", *options)
        assert ran.code == 0, ran.err
        return {
            entry["fullUrl"].rpartition("/")[2]: entry["resource"]
            for line in ran.out.splitlines()
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


def offline(person: Person, *arguments: object) -> Ran:
    """Run a command that asks nobody."""
    person.capture.readouterr()
    code = run([str(argument) for argument in arguments])
    return Ran(code, *person.capture.readouterr())
