"""An AuditEvent that represents a CloudEvent which carries none, so that FHIR readers see it too.

It is marked as not the sender's own: `meta.tag` has the codes `represented` (of this project) and
MAPPED (HL7 v3 ObservationValue: transformed from another encoding). The record is the CloudEvent.

| of the event | R4 | R5 |
|---|---|---|
| its id here | `id` | `id` |
| type | `type`, a Coding without system | `category`, the same; `code` as text |
| action, else the type's last word | `action` | `action` |
| its own time, else that of receipt | `recorded`, in UTC to the millisecond | the same |
| `actor` | `agent`, as the requestor | the same |
| `source` | `source.observer.display` | the same |
| patient, or the `subject` | `entity` of type 1 (Person) in the role 1 (Patient) | `patient` |
| `document` | `entity.what` | the same |

References are in the one form of `normalize_reference`. FHIR has one identifier a Reference: of
several the first with a system remains; of a document its digest (`urn:ietf:rfc:6920`), where it
has one. Without an actor there is one agent, whose `who` is absent with the reason `unknown`. Of a
CloudEvent that is not of a type `record.…` there is its type, time, source and subject.
"""

from typing import Final

import msgspec

from audit_ledger.events.event_details import AgentDetails, EntityDetails, EventDetails, Target
from audit_ledger.events.fhir_version import Release
from audit_ledger.events.instant import format_instant_ms
from audit_ledger.events.ni_uri import NI_SYSTEM, ni_uri
from audit_ledger.events.strict_json import JsonObject
from audit_ledger.records.opened_event import OpenedEvent

TAG_SYSTEM: Final = "urn:audit-ledger:tag"
TAG_CODE: Final = "represented"

_TAGS: Final = (
    {"system": TAG_SYSTEM, "code": TAG_CODE, "display": "Made by the ledger of a CloudEvent"},
    {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "MAPPED"},
)
_PERSON: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
    "code": "1",
    "display": "Person",
}
_PATIENT: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/object-role",
    "code": "1",
    "display": "Patient",
}
_UNKNOWN: Final = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}


def represent(opened: OpenedEvent, release: Release) -> bytes:
    """Return an AuditEvent of a CloudEvent's content, with all that FHIR demands; JSON."""
    details = opened.details
    is_r5 = release == "fhir-r5"
    event: JsonObject = {
        "resourceType": "AuditEvent",
        "id": opened.event_id,
        "meta": {"tag": _TAGS},
        **_type(details, is_r5=is_r5),
        "action": details.action,
        "recorded": format_instant_ms(opened.time_ms),
        "patient": None,
        "agent": [_agent(agent) for agent in details.agents]
        or [{"who": _UNKNOWN, "requestor": False}],
        "source": {"observer": _reference(details.source)},
    }
    entities = [{"what": _document(entity)} for entity in details.entities]
    for patient in details.patients:
        who = _reference(Target(patient.reference, patient.identifiers))
        if is_r5:
            event["patient"] = who
        else:
            entities.insert(0, {"what": who, "type": _PERSON, "role": _PATIENT})
    event["entity"] = entities or None
    return msgspec.json.encode({name: value for name, value in event.items() if value is not None})


def _type(details: EventDetails, *, is_r5: bool) -> JsonObject:
    codes = [{"code": coded.code} for coded in details.types]
    if is_r5:
        return {
            "category": [{"coding": codes}],
            "code": {"text": codes[0]["code"]},
        }
    return {"type": codes[0]}


def _agent(agent: AgentDetails) -> JsonObject:
    return {"who": _reference(agent.who), "requestor": agent.agent.requestor}


def _document(entity: EntityDetails) -> JsonObject:
    identifiers = entity.what.identifiers
    if entity.digest is not None:
        identifiers = ((NI_SYSTEM, ni_uri(entity.digest)),)
    return _reference(Target(entity.what.reference, identifiers, entity.name))


def _reference(target: Target) -> JsonObject:
    """Write a Reference; without any content, one whose data is absent as unknown."""
    reference: JsonObject = {}
    if target.reference is not None:
        reference["reference"] = target.reference
    if target.identifiers:
        system, value = next((i for i in target.identifiers if i[0]), target.identifiers[0])
        reference["identifier"] = {"system": system, "value": value} if system else {"value": value}
    if target.display is not None:
        reference["display"] = target.display
    return reference or _UNKNOWN
