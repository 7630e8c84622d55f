"""OCSF 1.5 (Open Cybersecurity Schema Framework): one event per line, a file for each class.

    api_activity.ndjson   datastore_activity.ndjson   authentication.ndjson

`ocsf_class` determines the class of an event. The lines conform to later 1.x versions as well;
earlier ones limit the length of strings, and nothing is truncated here.

| attribute                    | from                                                            |
|------------------------------|-----------------------------------------------------------------|
| `time`                       | the event's own time                                            |
| `metadata`                   | `uid` event id, `sequence` entry, `log_name` origin,             |
|                              | `log_provider` portal, `log_version` format, `event_code` the    |
|                              | most specific code, `labels` flags, `logged_time` received,      |
|                              | `processed_time` the entry's time, `original_time` as sent       |
| `actor.user`                 | the requestor, if a person; another person; none: `actor.app_…`  |
| `actor.app_name`, `.app_uid` | the requesting application, else the one at the source           |
| `src_endpoint`               | the client: DICOM 110153 Source, or 110152 Destination of a FHIR |
|                              | read, else 110150 Application, else who has an address           |
| `dst_endpoint`               | the server: the other of the two, or the custodian               |
| `status…`, `severity…`       | outcome                                                         |
| `api`                        | operation, and the server as service (API Activity)             |
| `resources`                  | entities (API Activity; `unmapped.resources` of others)         |
| `database`, `query_info`     | the server, and the first query (Datastore Activity)            |
| `user`, `service`            | who logged in, and where (Authentication)                       |
| `unmapped`                   | everything else, as in CSV: agents, patients, codes, purposes, … |

Attributes that OCSF requires and an event lacks are `Unknown`.
"""

from base64 import b64decode
from binascii import Error
from typing import Final

import msgspec

from audit_ledger.events.codings import Coded
from audit_ledger.events.event_details import AgentDetails, EntityDetails, EventDetails
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.events.strict_json import JsonObject
from audit_ledger.exports.labels import names_of_agent, without_none
from audit_ledger.exports.ocsf_class import (
    CATEGORY_NAMES,
    CLASS_NAMES,
    SEVERITIES,
    OcsfClass,
    classify,
    outcome_of,
)
from audit_ledger.exports.ocsf_endpoints import (
    UNKNOWN,
    actor_agent,
    client_of,
    ocsf_actor,
    ocsf_endpoint,
    ocsf_user,
    server_of,
)
from audit_ledger.records.opened_event import OpenedEvent

OCSF_VERSION: Final = "1.5.0"
FILES: Final = {
    OcsfClass.API_ACTIVITY: "api_activity.ndjson",
    OcsfClass.DATASTORE_ACTIVITY: "datastore_activity.ndjson",
    OcsfClass.AUTHENTICATION: "authentication.ndjson",
}

_PRODUCT: Final = {"name": "Audit Ledger", "vendor_name": "Audit Ledger"}
_encoder = msgspec.json.Encoder()


def ocsf_line(event: OpenedEvent, origin: str) -> tuple[str, bytes]:
    r"""Return the file of an event, and its line with `\n` at the end."""
    ocsf = ocsf_event(event, origin)
    return FILES[OcsfClass(ocsf["class_uid"])], _encoder.encode(ocsf) + b"\n"


def ocsf_event(event: OpenedEvent, origin: str) -> JsonObject:
    """Return an event in OCSF. `origin`: the ledger's. ValueError if `received` is invalid."""
    details = event.details
    classified = classify(details)
    outcome = outcome_of(details)
    class_uid = classified.class_uid
    category_uid = class_uid // 1000
    client, server = client_of(details), server_of(details)
    service = _service(server, event)
    resources = [_resource(entity) for entity in details.entities]
    ocsf = without_none(
        {
            "category_uid": category_uid,
            "category_name": CATEGORY_NAMES[category_uid],
            "class_uid": int(class_uid),
            "class_name": CLASS_NAMES[class_uid],
            "activity_id": classified.activity_id,
            "activity_name": classified.activity_name,
            "type_uid": class_uid * 100 + classified.activity_id,
            "type_name": f"{CLASS_NAMES[class_uid]}: {classified.activity_name}",
            "severity_id": outcome.severity_id,
            "severity": SEVERITIES[outcome.severity_id],
            "status_id": outcome.status_id,
            "status": outcome.status,
            "status_code": outcome.code,
            "status_detail": details.outcome_text,
            "time": event.time_ms,
            "message": _message(details),
            "metadata": _metadata(event, origin),
            "actor": ocsf_actor(details, client),
            "src_endpoint": ocsf_endpoint(client),
            "dst_endpoint": None if server is None else ocsf_endpoint(server),
        }
    )
    unmapped = _unmapped(event)
    if class_uid is OcsfClass.API_ACTIVITY:
        ocsf["api"] = {"operation": classified.operation, "service": service}
        if resources:
            ocsf["resources"] = resources
    else:
        unmapped["operation"] = classified.operation
        if resources:
            unmapped["resources"] = resources
    if class_uid is OcsfClass.DATASTORE_ACTIVITY:
        ocsf["database"] = {**service, "type_id": 0, "type": UNKNOWN}
        ocsf["type_id"], ocsf["type"] = 1, "Database"
        if query := _query_info(details):
            ocsf["query_info"] = query
    if class_uid is OcsfClass.AUTHENTICATION:
        ocsf["user"] = ocsf_user(actor_agent(details))
        ocsf["service"] = service
    ocsf["unmapped"] = unmapped
    return ocsf


def _metadata(event: OpenedEvent, origin: str) -> JsonObject:
    codes = (*event.details.subtypes, *event.details.types)
    labels = [*event.flags, *(("conflict",) if event.conflict else ())]
    return without_none(
        {
            "version": OCSF_VERSION,
            "product": _PRODUCT,
            "uid": event.event_id,
            "sequence": event.seq,
            "log_name": origin,
            "log_provider": event.portal,
            "log_version": event.format,
            "event_code": codes[0].code if codes else None,
            "labels": labels or None,
            "logged_time": parse_instant_ms(event.received),
            "processed_time": event.entry_time * 1000,
            "original_time": event.details.time,
        }
    )


def _message(details: EventDetails) -> str | None:
    words = [coded.display or coded.code for coded in (*details.types, *details.subtypes)]
    return ": ".join(words) or None


def _service(server: AgentDetails | None, event: OpenedEvent) -> JsonObject:
    """Return the place of the event: the server, else the recording system, else the portal."""
    if server is not None:
        names = names_of_agent(server)
        name, uid = server.name, names[0] if names else None
    else:
        names = event.details.source.names
        name, uid = event.details.source.display, names[0] if names else None
    return without_none({"name": name, "uid": uid}) or {"name": event.portal}


def _resource(entity: EntityDetails) -> JsonObject:
    names = entity.what.names
    kinds = (*entity.types, *entity.roles)
    data = without_none(
        {
            "uids": list(names[1:]) or None,
            "types": _tokens(entity.types),
            "roles": _tokens(entity.roles),
            "description": entity.description,
            "query": entity.query,
            "sha256": None if entity.digest is None else entity.digest.hex(),
        }
    )
    resource = without_none(
        {
            "uid": names[0] if names else None,
            "name": entity.name,
            "type": (kinds[0].display or kinds[0].code) if kinds else None,
            "data": data or None,
        }
    )
    return resource if names or entity.name else {"name": UNKNOWN, **resource}


def _query_info(details: EventDetails) -> JsonObject | None:
    for entity in details.entities:
        if entity.query is not None:
            names = entity.what.names
            name = entity.name or (names[0] if names else UNKNOWN)
            return {"name": name, "query_string": _decode_query(entity.query)}
    return None


def _decode_query(query: str) -> str:
    """Return the text of a query in base64; any other query unchanged."""
    try:
        return b64decode(query, validate=True).decode()
    except (Error, ValueError):
        return query


def _unmapped(event: OpenedEvent) -> JsonObject:
    details = event.details
    return without_none(
        {
            "action": details.action,
            "types": _coded(details.types),
            "subtypes": _coded(details.subtypes),
            "outcome": _coded(details.outcome),
            "purposes": _coded(details.purposes),
            "patients": [list(patient.names) for patient in details.patients] or None,
            "agents": [_agent(agent) for agent in details.agents] or None,
            "source": without_none(
                {"names": list(details.source.names), "name": details.source.display}
            ),
            "site": details.site,
            "cut": list(event.cut) or None,
        }
    )


def _agent(agent: AgentDetails) -> JsonObject:
    return without_none(
        {
            "names": list(names_of_agent(agent)),
            "name": agent.name,
            "requestor": agent.agent.requestor,
            "roles": _coded(agent.roles),
            "role_text": agent.role_text,
            "address": agent.address,
            "purposes": _coded(agent.purposes),
        }
    )


def _coded(codes: tuple[Coded, ...]) -> list[JsonObject] | None:
    return [
        without_none({"system": c.system or None, "code": c.code, "display": c.display})
        for c in codes
    ] or None


def _tokens(codes: tuple[Coded, ...]) -> list[str] | None:
    return [coded.token for coded in codes] or None
