"""AuditEvents to start tests from, and what every test of events asks of them."""

import json
from pathlib import Path
from typing import Any

from audit_ledger.events import Event, parse_audit_event

OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
PATIENT_ROLE = {"system": OBJECT_ROLE, "code": "1"}
PERSON_TYPE = {"system": ENTITY_TYPE, "code": "1"}
MRN = "urn:oid:1.2.36.146.595.217.0.1"


def r4(**elements: Any) -> dict[str, Any]:
    """An R4 AuditEvent with what R4 demands; None leaves an element out."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
        },
        "action": "R",
        "recorded": "2026-11-22T05:59:00.123Z",
        "agent": [{"who": {"reference": "Practitioner/doc"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
    }
    return without_none(event | elements)


def r5(**elements: Any) -> dict[str, Any]:
    """An R5 AuditEvent with what R5 demands; None leaves an element out."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "code": {"coding": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}]},
        "action": "R",
        "recorded": "2026-11-22T05:59:00.123Z",
        "agent": [{"who": {"reference": "Practitioner/doc"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
    }
    return without_none(event | elements)


def without_none(event: dict[str, Any]) -> dict[str, Any]:
    """The elements that are not None."""
    return {name: value for name, value in event.items() if value is not None}


def patient_entity(reference: str | None = None, **elements: Any) -> dict[str, Any]:
    """An entity that stands for a patient, by role."""
    what = {} if reference is None else {"what": {"reference": reference}}
    return {**what, "role": PATIENT_ROLE, **elements}


def encoded(document: Any, indent: int | None = None) -> bytes:
    """JSON as another writer than ours spells it."""
    return json.dumps(document, indent=indent).encode()


def parsed(document: Any, **how: Any) -> Event:
    """Parse an AuditEvent given as a document."""
    return parse_audit_event(encoded(document), **how)


def audit_event_samples(shared_dir: Path) -> list[Path]:
    """Every AuditEvent that HL7 and IHE published and we have."""
    return [
        path
        for path in sorted((shared_dir / "samples").glob("*/*.json"))
        if path.parent.name != "profiles"
        and json.loads(path.read_bytes())["resourceType"] == "AuditEvent"
    ]
