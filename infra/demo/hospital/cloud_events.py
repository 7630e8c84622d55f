"""Clinical events as CloudEvents 1.0: the format of the laboratory and its document service.

A change of a document is an event of type `record.*` with the document's digest; a read is an
AuditEvent inside a CloudEvent.
"""

from typing import Any

from infra.demo.hospital import codes
from infra.demo.hospital.audit_events import audit_event_r4
from infra.demo.hospital.clinical_event import ClinicalEvent
from infra.demo.hospital.identifiers import SERVERS, person

SOURCE = f"{SERVERS['lab'].url}/events"
_NOUNS = {"DiagnosticReport": "result", "MedicationRequest": "prescription"}
_VERBS = {"create": "filed", "read": "read", "update": "amended", "delete": "withdrawn"}


def cloud_event(event: ClinicalEvent, event_id: str, number: int) -> dict[str, Any]:
    """Write a structured CloudEvent. `event_id` is unique for SOURCE: resent means same id.

    `number` is the event's among all of SOURCE: the extension "sequence".
    """
    about_one = len(event.patients) == 1
    message: dict[str, Any] = {"specversion": "1.0", "id": event_id, "source": SOURCE}
    message["sequence"], message["sequencetype"] = f"{number:010d}", "Integer"
    if about_one and event.document:
        message["type"] = _record_type(event)
        message["datacontenttype"] = "application/json"
        message["data"] = _record(event)
    else:
        message["type"] = "fhir.auditevent"
        message["datacontenttype"] = "application/fhir+json; fhirVersion=4.0"
        message["data"] = audit_event_r4(event, event_id)
    message["time"] = event.recorded
    if about_one:
        message["subject"] = event.patients[0].reference
    return message


def _record_type(event: ClinicalEvent) -> str:
    kind = event.what.split("/")[0]
    verb = _VERBS[event.interaction]
    if kind == "MedicationRequest" and verb == "filed":
        verb = "issued"
    return f"record.{_NOUNS.get(kind, 'document')}.{verb}"


def _record(event: ClinicalEvent) -> dict[str, Any]:
    record: dict[str, Any] = {
        "patient": person(event.patients[0]),
        "action": codes.ACTIONS[event.interaction],
        "document": {"reference": event.what, "digest": event.digest},
    }
    if event.actor is not None:
        record["actor"] = person(event.actor)
    return record
