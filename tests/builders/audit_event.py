"""AuditEvents as portals send them, and the AuditEvents that HL7 and IHE publish."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from audit_ledger.events import Event, parse_audit_event

OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
PATIENT_ROLE = {"system": OBJECT_ROLE, "code": "1"}
PERSON_TYPE = {"system": ENTITY_TYPE, "code": "1"}
MRN = "urn:oid:1.2.36.146.595.217.0.1"
NHIN = "urn:oid:2.16.840.1.113883.3.18.7.1"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
EXPORT = {"system": DICOM, "code": "110106", "display": "Export"}
REST = {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"}
DESTINATION = {"coding": [{"system": DICOM, "code": "110152"}]}
SEQUENCE_URL = "urn:audit-ledger:audit-sequence"


def r4(**elements: Any) -> dict[str, Any]:
    """Return an R4 AuditEvent with the elements that R4 requires; None omits an element."""
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "type": REST,
        "action": "R",
        "recorded": "2026-11-22T05:59:00.123Z",
        "agent": [{"who": {"reference": "Practitioner/doc"}, "requestor": True}],
        "source": {"observer": {"display": "ehr"}},
    }
    return without_none(event | elements)


def r5(**elements: Any) -> dict[str, Any]:
    """Return an R5 AuditEvent with the elements that R5 requires; None omits an element."""
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
    """Return the elements that are not None."""
    return {name: value for name, value in event.items() if value is not None}


def patient_entity(reference: str | None = None, **elements: Any) -> dict[str, Any]:
    """Return an entity that has the role of a patient."""
    what = {} if reference is None else {"what": {"reference": reference}}
    return {**what, "role": PATIENT_ROLE, **elements}


def encoded(document: Any, indent: int | None = None) -> bytes:
    """Return a document as JSON with the spaces that Python's encoder writes."""
    return json.dumps(document, indent=indent).encode()


def parsed(document: Any, **how: Any) -> Event:
    """Return the parsed form of an AuditEvent."""
    return parse_audit_event(encoded(document), **how)


def audit_event_samples(shared_dir: Path) -> list[Path]:
    """Return the paths of the AuditEvents of HL7 and IHE among the samples."""
    return [
        path
        for path in sorted((shared_dir / "samples").glob("*/*.json"))
        if path.parent.name != "profiles"
        and json.loads(path.read_bytes())["resourceType"] == "AuditEvent"
    ]


def disclosure(
    recorded: str = "2026-11-22T05:59:00.123Z",
    *,
    to: str | None = "Organization/agency",
    purposes: tuple[str, ...] = (),
    **elements: Any,
) -> dict[str, Any]:
    """Return an R4 disclosure by Practitioner/doc about Patient/1, of DocumentReference/2."""
    agents: list[dict[str, Any]] = [{"who": {"reference": "Practitioner/doc"}, "requestor": True}]
    if to is not None:
        agents.append(
            {
                "type": DESTINATION,
                "who": {"reference": to, "display": f"The {to.partition('/')[2]}"},
                "requestor": False,
                "network": {"address": "192.0.2.7"},
            }
        )
    return r4(
        **{
            "type": EXPORT,
            "recorded": recorded,
            "agent": agents,
            "purposeOfEvent": [purpose(code) for code in purposes] or None,
            "entity": [
                patient_entity("Patient/1"),
                {"what": {"reference": "DocumentReference/2"}, "name": "Letter"},
            ],
            **elements,
        }
    )


def purpose(code: str, system: str = ACT_REASON) -> dict[str, Any]:
    """Return a purpose of use."""
    return {"coding": [{"system": system, "code": code}]}


def read_of(
    patient: str,
    reader: str = "1",
    *,
    ago: timedelta = timedelta(),
    note: str = "",
    **elements: Any,
) -> bytes:
    """Return an R4 AuditEvent: a practitioner read a patient's record, `ago` before now."""
    recorded = datetime.now(UTC) - ago
    event = r4(
        recorded=recorded.isoformat(timespec="milliseconds"),
        outcome="0",
        outcomeDesc=note,
        agent=[{"who": {"reference": f"Practitioner/{reader}"}, "requestor": True}],
        source={"observer": {"display": "the laboratory"}},
        entity=[{"what": {"reference": f"Patient/{patient}"}}],
    )
    return encoded(event | elements)


def numbered_read(number: int, patient: str = "rose") -> bytes:
    """Return a read with a sequence number of its portal."""
    extension = [{"url": SEQUENCE_URL, "valueInteger": number}]
    return read_of(patient, note=f"number {number}", extension=extension)


def document_read(document: bytes, patient: str = "rose") -> bytes:
    """Return a read of a document that contains the document's digest."""
    identifier = {"system": "urn:ietf:rfc:6920", "value": ni_uri(document)}
    entity = [{"what": {"reference": f"Patient/{patient}"}}, {"what": {"identifier": identifier}}]
    return read_of(patient, entity=entity)


def emergency_read(patient: str = "rose") -> bytes:
    """Return an emergency access without a stated reason."""
    return read_of(patient, purposeOfEvent=[purpose("BTG")])


def ni_uri(document: bytes) -> str:
    """Return the RFC 6920 URI of a document."""
    return f"ni:///sha-256;{urlsafe_b64encode(sha256(document).digest()).decode().rstrip('=')}"
