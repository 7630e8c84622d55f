"""What happened, as FHIR R4 AuditEvents after the patterns of IHE BALP 1.1.4."""

from base64 import b64encode
from typing import Any

from infra.demo.hospital import codes
from infra.demo.hospital.clinical_event import Happening
from infra.demo.hospital.identifiers import SERVERS, person

_PROFILES = f"{codes.BALP}/StructureDefinition/IHE.BasicAudit."
_PROFILE_OF = {
    "read": "Read",
    "search": "Query",
    "create": "Create",
    "update": "Update",
    "delete": "Delete",
}


def audit_event_r4(happening: Happening, request_id: str) -> dict[str, Any]:
    """Write an AuditEvent. `request_id`: the X-Request-Id of the call that it is about."""
    interaction = happening.interaction
    server = SERVERS[happening.system]
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "meta": _meta(happening),
        "type": codes.kind_of(interaction),
        "subtype": [codes.act_of(interaction)],
        "action": codes.ACTIONS[interaction],
        "recorded": happening.recorded,
        "outcome": "4" if happening.refused else "0",
        "agent": _agents(happening),
        "source": {
            "site": server.site,
            "observer": server.device,
            "type": [codes.APPLICATION_SERVER],
        },
    }
    if happening.flaw == "no-action":
        del event["action"]
    if happening.refused:
        event["outcomeDesc"] = happening.refused
    if entities := _entities(happening, request_id):
        event["entity"] = entities
    return event


def _meta(happening: Happening) -> dict[str, Any]:
    """Claim the BALP profile that fits: those with Patient are for one patient and for success."""
    meta: dict[str, Any] = {"security": [codes.TEST_DATA]}
    name = _PROFILE_OF.get(happening.interaction)
    if name and not happening.refused:
        meta["profile"] = [_PROFILES + ("Patient" if len(happening.patients) == 1 else "") + name]
    return meta


def _agents(happening: Happening) -> list[dict[str, Any]]:
    server = SERVERS[happening.system]
    actor, recipient = happening.actor, happening.recipient
    client_type, server_type, user_type = (
        codes.DISCLOSURE_TYPES if recipient else codes.AGENT_TYPES[happening.interaction]
    )
    agents = [
        {
            "type": {"coding": [client_type]},
            "who": {"display": happening.workstation},
            "requestor": actor is None and happening.flaw != "no-requestor",
            "network": {"address": f"{happening.workstation}.{server.site}", "type": "1"},
        },
        {
            "type": {"coding": [server_type]},
            "who": server.device,
            "requestor": False,
            "network": {"address": server.url, "type": "5"},
        },
    ]
    if actor is not None:
        only_name = happening.flaw == "display-only-who"
        agents.append(
            {
                "type": {"coding": [user_type]},
                "who": {"display": actor.name} if only_name else person(actor),
                "requestor": happening.flaw != "no-requestor",
                "purposeOfUse": [codes.purpose(happening.purpose)],
            }
        )
    if recipient is not None:
        who = {"reference": recipient.reference, "display": recipient.name}
        agents.append({"type": {"coding": [codes.RECIPIENT]}, "who": who, "requestor": False})
    return agents


def _entities(happening: Happening, request_id: str) -> list[dict[str, Any]]:
    entities: list[dict[str, Any]] = []
    if happening.query:
        query = b64encode(
            f"GET {SERVERS[happening.system].url}/{happening.query}".encode()
        ).decode()
        entities.append({"type": codes.SYSTEM_OBJECT, "role": codes.QUERY_ROLE, "query": query})
    if happening.what:
        what: dict[str, Any] = {
            "what": {"reference": happening.what},
            "type": codes.SYSTEM_OBJECT,
            "role": codes.REPORT_ROLE if happening.document else codes.RESOURCE_ROLE,
        }
        if happening.document:
            what["detail"] = [{"type": "document-digest", "valueString": happening.digest}]
        entities.append(what)
    entities += [
        {"what": person(patient), "type": codes.PERSON, "role": codes.PATIENT_ROLE}
        for patient in happening.patients
    ]
    if happening.interaction not in ("login", "logout"):
        entities.append({"what": {"identifier": {"value": request_id}}, "type": codes.REQUEST_ID})
    return entities
