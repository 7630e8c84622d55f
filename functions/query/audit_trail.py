"""The audit trail of query: each use of a ledger is recorded in it before the response is sent.

DICOM 110101 "Audit Log Used" (DICOM PS3.15, A.5.3.2), for searches with the event type of IHE
ITI-81, as R4 AuditEvents: the caller, its address, the request, and the patients; and DICOM 110106
"Export" (A.5.3.5) once an export. One event belongs to the ledger, and one to each patient who was
named or shown. Ingest takes them, seals each under its patient's secret, and queues them;
only then is the response sent.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from audit_ledger.errors import UnreachableError
from audit_ledger.events import PatientReference
from audit_ledger.events.code_systems import DICOM, ENTITY_TYPE, OBJECT_ROLE
from audit_ledger.http.authorization import Authorization
from audit_ledger.settings.event_bus import QUERY_SOURCE

Invoke = Callable[[dict[str, Any]], dict[str, Any]]
"""Invoke ingest with a payload, return its response; UnreachableError if it did not accept it."""

ITI_81 = ("urn:ihe:event-type-code", "ITI-81", "Retrieve ATNA Audit Event")


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


_USED = _coding(DICOM, "110101", "Audit Log Used")
_EXPORT = _coding(DICOM, "110106", "Export")
_SOURCE_ROLE = _coding(DICOM, "110153", "Source Role ID")
_DESTINATION_ROLE = _coding(DICOM, "110152", "Destination Role ID")


@dataclass(frozen=True, kw_only=True)
class LedgerUse:
    """One use of a ledger, to be recorded in it.

    `request_line`: names no person; `instant`: FHIR, now; `subtype`: system, code and display of
    the interaction; `export`: the use is an export as a whole; `as_patient`: the caller is the
    patient of the event.
    """

    origin: str
    access: Authorization
    source_ip: str
    request_line: str
    instant: str
    subtype: tuple[str, str, str] | None = None
    export: bool = False
    as_patient: bool = False

    def audit_event(self, patient: PatientReference | None) -> dict[str, Any]:
        """Return the AuditEvent of the use, or of an export, which sends data to the caller."""
        address = {"network": {"address": self.source_ip, "type": "2"}} if self.source_ip else {}
        event: dict[str, Any] = {
            "resourceType": "AuditEvent",
            "type": _EXPORT if self.export else _USED,
            "action": "R",
            "recorded": self.instant,
            "outcome": "0",
            "agent": [
                {
                    "type": {"coding": [_DESTINATION_ROLE if self.export else _SOURCE_ROLE]},
                    "who": _who(self.access, patient if self.as_patient else None),
                    "requestor": True,
                    **address,
                },
                {
                    "type": {"coding": [_SOURCE_ROLE if self.export else _DESTINATION_ROLE]},
                    "who": {"identifier": {"value": self.origin}},
                    "requestor": False,
                },
            ],
            "source": {"observer": {"identifier": {"value": self.origin}}},
            "entity": [
                {
                    "what": {"identifier": {"value": self.origin}},
                    "type": _coding(ENTITY_TYPE, "2", "System Object"),
                    "role": _coding(OBJECT_ROLE, "13", "Security Resource"),
                    "name": "Security Audit Log",
                },
                {
                    "type": _coding(ENTITY_TYPE, "2", "System Object"),
                    "role": _coding(OBJECT_ROLE, "24", "Query"),
                    "query": b64encode(self.request_line.encode()).decode(),
                },
                *(() if patient is None else (_patient(patient),)),
            ],
        }
        if self.subtype is not None:
            event["subtype"] = [_coding(*self.subtype)]
        return event


def record_use(
    invoke: Invoke,
    ledger_id: str,
    use: LedgerUse,
    patients: Sequence[PatientReference | None],
    namespace: str | None = None,
) -> None:
    """Have ingest queue one use, an event for each of `patients`; UnreachableError if it fails.

    `patients`: by their canonical identifiers, all of one system, or by references to one server
    with this `namespace` (`PatientRule`); None for the event that belongs to the ledger.
    """
    systems = [p.identifiers[0][0] for p in patients if p is not None and p.identifiers]
    answer = invoke(
        {
            "source": QUERY_SOURCE,
            "ledger": ledger_id,
            "patient_system": systems[0] if systems else None,
            "patient_namespace": namespace,
            "events": [msgspec.json.encode(use.audit_event(each)).decode() for each in patients],
        }
    )
    if len(answer.get("ids") or ()) != len(patients):
        raise UnreachableError("the use of the ledger could not be recorded")


def _who(access: Authorization, patient: PatientReference | None) -> dict[str, Any]:
    """Name the caller: a patient as such, others by their issuer's identifier.

    An officer's token may contain a patient too, if it was launched from an open chart.
    """
    if patient is not None:
        return {**_named(patient), **({} if patient.reference else {"type": "Patient"})}
    return {"identifier": {"system": access.issuer, "value": access.subject}}


def _named(patient: PatientReference) -> dict[str, Any]:
    named: dict[str, Any] = {}
    if patient.reference is not None:
        named["reference"] = patient.reference
    if patient.identifiers:
        system, value = patient.identifiers[0]
        named["identifier"] = {"system": system, "value": value}
    return named


def _patient(patient: PatientReference) -> dict[str, Any]:
    return {
        "what": _named(patient),
        "type": _coding(ENTITY_TYPE, "1", "Person"),
        "role": _coding(OBJECT_ROLE, "1", "Patient"),
    }
