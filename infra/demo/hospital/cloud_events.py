"""What happened, as CloudEvents 1.0: how the laboratory and its document service report it.

What becomes of a document is an event of type `record.*` with the document's digest; who read one,
an AuditEvent inside a CloudEvent.
"""

from typing import Any

from infra.demo.hospital import codes
from infra.demo.hospital.clinical_event import Happening
from infra.demo.hospital.fhir_r4 import audit_event_r4
from infra.demo.hospital.identifiers import SERVERS, person

SOURCE = f"{SERVERS['lab'].url}/events"
_NOUNS = {"DiagnosticReport": "result", "MedicationRequest": "prescription"}
_VERBS = {"create": "filed", "read": "read", "update": "amended", "delete": "withdrawn"}


def cloud_event(happening: Happening, event_id: str, number: int) -> dict[str, Any]:
    """Write a structured CloudEvent. `event_id` is unique for SOURCE: resent means same id.

    `number` is the event's among all of SOURCE: the extension "sequence".
    """
    about_one = len(happening.patients) == 1
    event: dict[str, Any] = {"specversion": "1.0", "id": event_id, "source": SOURCE}
    event["sequence"], event["sequencetype"] = f"{number:010d}", "Integer"
    if about_one and happening.document:
        event["type"] = _record_type(happening)
        event["datacontenttype"] = "application/json"
        event["data"] = _record(happening)
    else:
        event["type"] = "fhir.auditevent"
        event["datacontenttype"] = "application/fhir+json; fhirVersion=4.0"
        event["data"] = audit_event_r4(happening, event_id)
    event["time"] = happening.recorded
    if about_one:
        event["subject"] = happening.patients[0].reference
    return event


def _record_type(happening: Happening) -> str:
    kind = happening.what.split("/")[0]
    verb = _VERBS[happening.interaction]
    if kind == "MedicationRequest" and verb == "filed":
        verb = "issued"
    return f"record.{_NOUNS.get(kind, 'document')}.{verb}"


def _record(happening: Happening) -> dict[str, Any]:
    record: dict[str, Any] = {
        "patient": person(happening.patients[0]),
        "action": codes.ACTIONS[happening.interaction],
        "document": {"reference": happening.what, "digest": happening.digest},
    }
    if happening.actor is not None:
        record["actor"] = person(happening.actor)
    return record
