"""What happened, as FHIR R5 AuditEvents: category and code, `patient`, required `agent.who`."""

from base64 import b64encode
from typing import Any

from infra.demo.hospital import codes
from infra.demo.hospital.clinical_event import Happening
from infra.demo.hospital.identifiers import SERVERS, person

_OUTCOMES = f"{codes.TERMINOLOGY}/audit-event-outcome"
_SUCCESS = {"code": codes.coding(_OUTCOMES, "0", "Success")}
_MINOR_FAILURE = codes.coding(_OUTCOMES, "4", "Minor failure")


def audit_event_r5(happening: Happening, request_id: str) -> dict[str, Any]:
    """Write an AuditEvent. `request_id`: the X-Request-Id of the call that it is about.

    One patient stands in `patient`; several, as entities with the role of a patient.
    """
    server = SERVERS[happening.system]
    event: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "meta": {"security": [codes.TEST_DATA]},
        "category": [{"coding": [codes.kind_of(happening.interaction)]}],
        "code": {"coding": [codes.act_of(happening.interaction)]},
        "action": codes.ACTIONS[happening.interaction],
        "severity": "warning" if happening.refused else "informational",
        "occurredDateTime": happening.recorded,
        "recorded": happening.recorded,
        "outcome": _SUCCESS,
        "agent": _agents(happening),
        "source": {
            "site": {"display": server.site},
            "observer": server.device,
            "type": [{"coding": [codes.WEB_SERVER]}],
        },
    }
    if happening.flaw == "no-action":
        del event["action"]
    if happening.refused:
        event["outcome"] = {"code": _MINOR_FAILURE, "detail": [{"text": happening.refused}]}
    if len(happening.patients) == 1:
        event["patient"] = person(happening.patients[0])
    if happening.encounter:
        event["encounter"] = {"reference": happening.encounter.reference}
    if entities := _entities(happening, request_id):
        event["entity"] = entities
    return event


def _agents(happening: Happening) -> list[dict[str, Any]]:
    server = SERVERS[happening.system]
    client_type, server_type, user_type = codes.AGENT_TYPES[happening.interaction]
    actor = happening.actor
    agents = [
        {
            "type": {"coding": [client_type]},
            "who": {"display": happening.workstation},
            "requestor": actor is None and happening.flaw != "no-requestor",
            "networkString": f"{happening.workstation}.{server.site}",
        },
        {
            "type": {"coding": [server_type]},
            "who": server.device,
            "requestor": False,
            "networkUri": server.url,
        },
    ]
    if actor is not None:
        only_name = happening.flaw == "display-only-who"
        agents.append(
            {
                "type": {"coding": [user_type]},
                "who": {"display": actor.name} if only_name else person(actor),
                "requestor": happening.flaw != "no-requestor",
                "authorization": [codes.purpose(happening.purpose)],
            }
        )
    return agents


def _entities(happening: Happening, request_id: str) -> list[dict[str, Any]]:
    entities: list[dict[str, Any]] = []
    if happening.query:
        query = b64encode(
            f"GET {SERVERS[happening.system].url}/{happening.query}".encode()
        ).decode()
        entities.append({"role": {"coding": [codes.QUERY_ROLE]}, "query": query})
    if happening.what:
        role = codes.REPORT_ROLE if happening.document else codes.RESOURCE_ROLE
        what: dict[str, Any] = {
            "what": {"reference": happening.what},
            "role": {"coding": [role]},
        }
        if happening.document:
            detail = {"type": {"text": "document-digest"}, "valueString": happening.digest}
            what["detail"] = [detail]
        entities.append(what)
    if len(happening.patients) > 1:
        role_of_patient = {"coding": [codes.PATIENT_ROLE]}
        entities += [{"what": person(p), "role": role_of_patient} for p in happening.patients]
    if happening.interaction not in ("login", "logout"):
        entities.append({"what": {"identifier": {"value": request_id}}})
    return entities
