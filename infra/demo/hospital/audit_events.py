"""Clinical events as FHIR AuditEvents of two versions, which share their codes.

R4 follows the patterns of IHE BALP 1.1.4. R5 has category and code, `patient`, and a required
`agent.who`; its codes are wrapped in CodeableConcepts.
"""

from base64 import b64encode
from typing import Any

from infra.demo.hospital import codes
from infra.demo.hospital.clinical_event import ClinicalEvent
from infra.demo.hospital.identifiers import SERVERS, person

_Json = dict[str, Any]

_PROFILES = f"{codes.BALP}/StructureDefinition/IHE.BasicAudit."
_PROFILE_OF = {
    "read": "Read",
    "search": "Query",
    "create": "Create",
    "update": "Update",
    "delete": "Delete",
}
_OUTCOMES = f"{codes.TERMINOLOGY}/audit-event-outcome"
_SUCCESS = {"code": codes.coding(_OUTCOMES, "0", "Success")}
_MINOR_FAILURE = codes.coding(_OUTCOMES, "4", "Minor failure")


def audit_event_r4(event: ClinicalEvent, request_id: str) -> _Json:
    """Return an R4 AuditEvent. `request_id`: the X-Request-Id of the audited call."""
    server = SERVERS[event.system]
    client = {"network": {"address": f"{event.workstation}.{server.site}", "type": "1"}}
    agents = _agents(
        event, client, {"network": {"address": server.url, "type": "5"}}, "purposeOfUse"
    )
    if event.recipient is not None:
        who = {"reference": event.recipient.reference, "display": event.recipient.name}
        agents.append({"type": {"coding": [codes.RECIPIENT]}, "who": who, "requestor": False})
    resource: _Json = {
        "resourceType": "AuditEvent",
        "meta": _meta(event),
        "type": codes.kind_of(event.interaction),
        "subtype": [codes.act_of(event.interaction)],
        "action": codes.ACTIONS[event.interaction],
        "recorded": event.recorded,
        "outcome": "4" if event.refused else "0",
        "agent": agents,
        "source": {
            "site": server.site,
            "observer": server.device,
            "type": [codes.APPLICATION_SERVER],
        },
    }
    if event.flaw == "no-action":
        del resource["action"]
    if event.refused:
        resource["outcomeDesc"] = event.refused
    if entities := _entities(event, request_id, is_r5=False):
        resource["entity"] = entities
    return resource


def audit_event_r5(event: ClinicalEvent, request_id: str) -> _Json:
    """Return an R5 AuditEvent. `request_id`: the X-Request-Id of the audited call.

    One patient is in `patient`; several are entities with the role of a patient.
    """
    server = SERVERS[event.system]
    client = {"networkString": f"{event.workstation}.{server.site}"}
    resource: _Json = {
        "resourceType": "AuditEvent",
        "meta": {"security": [codes.TEST_DATA]},
        "category": [{"coding": [codes.kind_of(event.interaction)]}],
        "code": {"coding": [codes.act_of(event.interaction)]},
        "action": codes.ACTIONS[event.interaction],
        "severity": "warning" if event.refused else "informational",
        "occurredDateTime": event.recorded,
        "recorded": event.recorded,
        "outcome": _SUCCESS,
        "agent": _agents(event, client, {"networkUri": server.url}, "authorization"),
        "source": {
            "site": {"display": server.site},
            "observer": server.device,
            "type": [{"coding": [codes.WEB_SERVER]}],
        },
    }
    if event.flaw == "no-action":
        del resource["action"]
    if event.refused:
        resource["outcome"] = {"code": _MINOR_FAILURE, "detail": [{"text": event.refused}]}
    if len(event.patients) == 1:
        resource["patient"] = person(event.patients[0])
    if event.encounter:
        resource["encounter"] = {"reference": event.encounter.reference}
    if entities := _entities(event, request_id, is_r5=True):
        resource["entity"] = entities
    return resource


def _meta(event: ClinicalEvent) -> _Json:
    """Claim the BALP profile that fits: those with Patient are for one patient and for success."""
    meta: _Json = {"security": [codes.TEST_DATA]}
    name = _PROFILE_OF.get(event.interaction)
    if name and not event.refused:
        meta["profile"] = [_PROFILES + ("Patient" if len(event.patients) == 1 else "") + name]
    return meta


def _agents(event: ClinicalEvent, client: _Json, server: _Json, purpose: str) -> list[_Json]:
    """Return client, server and user. `client`, `server`: their networks; `purpose`: its member."""
    actor, flaw = event.actor, event.flaw
    client_type, server_type, user_type = (
        codes.DISCLOSURE_TYPES if event.recipient else codes.AGENT_TYPES[event.interaction]
    )
    agents = [
        {
            "type": {"coding": [client_type]},
            "who": {"display": event.workstation},
            "requestor": actor is None and flaw != "no-requestor",
            **client,
        },
        {
            "type": {"coding": [server_type]},
            "who": SERVERS[event.system].device,
            "requestor": False,
            **server,
        },
    ]
    if actor is not None:
        user = {
            "type": {"coding": [user_type]},
            "who": {"display": actor.name} if flaw == "display-only-who" else person(actor),
            "requestor": flaw != "no-requestor",
            purpose: [codes.purpose(event.purpose)],
        }
        agents.append(user)
    return agents


def _entities(event: ClinicalEvent, request_id: str, *, is_r5: bool) -> list[_Json]:
    def classified(kind: codes.Coding, role: codes.Coding) -> _Json:
        return {"role": {"coding": [role]}} if is_r5 else {"type": kind, "role": role}

    entities: list[_Json] = []
    if event.query:
        request = f"GET {SERVERS[event.system].url}/{event.query}"
        query = b64encode(request.encode()).decode()
        entities.append({**classified(codes.SYSTEM_OBJECT, codes.QUERY_ROLE), "query": query})
    if event.what:
        role = codes.REPORT_ROLE if event.document else codes.RESOURCE_ROLE
        what = {"what": {"reference": event.what}, **classified(codes.SYSTEM_OBJECT, role)}
        if event.document:
            label = {"text": "document-digest"} if is_r5 else "document-digest"
            what["detail"] = [{"type": label, "valueString": event.digest}]
        entities.append(what)
    if len(event.patients) > 1 or not is_r5:
        patient = classified(codes.PERSON, codes.PATIENT_ROLE)
        entities += [{"what": person(each), **patient} for each in event.patients]
    if event.interaction not in ("login", "logout"):
        kind = {} if is_r5 else {"type": codes.REQUEST_ID}
        entities.append({"what": {"identifier": {"value": request_id}}, **kind})
    return entities
