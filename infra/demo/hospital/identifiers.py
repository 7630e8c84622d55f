"""How the hospital's systems name people and themselves, as FHIR References."""

from dataclasses import dataclass
from typing import Any

from infra.demo.hospital.clinical_event import System
from infra.demo.hospital.population import Patient, Staff

MRN_SYSTEM = "https://elsewhere.example/mrn"
STAFF_SYSTEM = "https://elsewhere.example/staff"


@dataclass(frozen=True, slots=True)
class Server:
    """The server behind a system: its Device, and the base URL of what it serves."""

    device: dict[str, str]
    site: str
    url: str


SERVERS: dict[System, Server] = {
    "ehr": Server(
        {"reference": "Device/ehr-server", "display": "Elsewhere EHR"},
        "elsewhere.example",
        "https://fhir.elsewhere.example/r4",
    ),
    "app": Server(
        {"reference": "Device/app-server", "display": "Elsewhere patient app"},
        "elsewhere.example",
        "https://app.elsewhere.example/r5",
    ),
    "lab": Server(
        {"reference": "Device/lab-server", "display": "Riverside laboratory"},
        "riverside.example",
        "https://lab.riverside.example/r4",
    ),
}


def person(who: Staff | Patient) -> dict[str, Any]:
    """A FHIR Reference that carries relative reference, identifier and display name."""
    if isinstance(who, Patient):
        identifier = {"system": MRN_SYSTEM, "value": who.mrn}
    else:
        identifier = {"system": STAFF_SYSTEM, "value": who.id}
    return {"reference": who.reference, "identifier": identifier, "display": who.name}
