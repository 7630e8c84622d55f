"""Convert R4 to R5, element by element."""

import re
from copy import deepcopy
from typing import Any, Final

from audit_ledger.events.strict_json import JsonObject
from audit_ledger.fhir_versions.cross_version_extensions import (
    AGENT,
    AGENT_LISTS,
    MADE,
    NETWORK,
    OUTCOME,
    OUTCOME_LISTS,
    R4,
    R5,
    UNKNOWN,
    carry,
    carry_object,
    carry_primitive,
    is_made,
    made,
    object_of,
    objects,
    popped,
    put,
    taken,
    value_of,
)

OUTCOMES: Final = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
URI: Final = "5"  # NetworkType
PATIENT: Final[JsonObject] = {
    "extension": [MADE],
    "type": {
        "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
        "code": "1",
        "display": "Person",
    },
    "role": {
        "system": "http://terminology.hl7.org/CodeSystem/object-role",
        "code": "1",
        "display": "Patient",
    },
}
"""R4's entity for R5's `patient`, without its `what`."""
OF_EVENT: Final = frozenset({"code", "severity", "patient", "encounter", "occurred", "outcome"})
LISTS_OF_EVENT: Final = frozenset({"category", "basedOn"})
OF_AGENT: Final = frozenset({"agent.network"})
OF_SOURCE: Final = frozenset({"source.site"})
LISTS_OF_SOURCE: Final = frozenset({"source.type"})
OF_ENTITY: Final = frozenset({"entity.role"})
LISTS_OF_ENTITY: Final = frozenset({"entity.securityLabel", "entity.agent"})
OF_DETAIL: Final = frozenset({"entity.detail.type", "entity.detail.value"})


def to_r5(event: JsonObject) -> JsonObject:
    """Return a decoded R4 AuditEvent converted to R5."""
    event = deepcopy(event)
    restored = taken(event, R5, one=OF_EVENT, lists=LISTS_OF_EVENT)
    _patient(event)
    _root(event)
    for agent in objects(event.get("agent")):
        _agent(agent)
    if isinstance(source := event.get("source"), dict):
        _source(source)
    for entity in objects(event.get("entity")):
        _entity(entity)
    for path in ("category", "basedOn"):
        if path in restored:
            event[path] = [value_of(one) for one in restored[path]]
    for path in ("code", "severity", "patient", "encounter"):
        if path in restored:
            put(event, path, restored[path][0])
    if "occurred" in restored:
        put(event, "occurredDateTime", restored["occurred"][0])
    if "outcome" in restored:
        event["outcome"] = object_of(restored["outcome"][0], OUTCOME, OUTCOME_LISTS)
    return event


def _patient(event: JsonObject) -> None:
    """Restore `patient` from the entity made of it, or make it of the only patient."""
    entities: list[Any] = event["entity"] if isinstance(event.get("entity"), list) else []
    made_last = any(
        is_made(one) and one == PATIENT | {"what": one.get("what")} for one in entities[-1:]
    )
    if made_last:
        event["patient"] = entities.pop()["what"]
        if not entities:
            del event["entity"]
        return
    named = [what for one in objects(entities) if (what := _as_patient(one)) is not None]
    if len(named) == 1:
        (what,) = named
        event["patient"] = {**what, "extension": [*what.get("extension", ()), MADE]}


def _as_patient(entity: JsonObject) -> JsonObject | None:
    """Return an entity's `what` if it names a patient by a reference that R5 allows."""
    what, role = entity.get("what"), entity.get("role")
    if not isinstance(what, dict) or not isinstance(role, dict) or role.get("code") != "1":
        return None
    if role.get("system", PATIENT["role"]["system"]) != PATIENT["role"]["system"]:
        return None
    if not isinstance(what.get("extension", []), list):
        return None
    reference = what.get("reference")
    names_patient = isinstance(reference, str) and re.search(r"(?:^|/)Patient/[^/]+$", reference)
    return what if names_patient or (reference is None and what.get("identifier")) else None


def _root(event: JsonObject) -> None:
    if isinstance(type_ := event.get("type"), dict):
        del event["type"]
        if not is_made(type_):
            event["category"] = [{"coding": [type_]}]
        if "subtype" not in event:
            event["code"] = deepcopy(UNKNOWN)
    if _codings(event.get("subtype")):
        event["code"] = {"coding": event.pop("subtype")}
    if "period" in event:
        event["occurredPeriod"] = event.pop("period")
    _outcome(event)
    if "purposeOfEvent" in event:
        event["authorization"] = event.pop("purposeOfEvent")


def _outcome(event: JsonObject) -> None:
    code, text = event.get("outcome"), event.get("outcomeDesc")
    if not isinstance(code, str | None) or not isinstance(text, str | None):
        return
    of_code, of_text = popped(event, "outcome", "code"), popped(event, "outcomeDesc", "text")
    if not of_code and not of_text:
        return
    outcome: JsonObject = {"code": deepcopy(UNKNOWN)}
    if of_code:
        outcome = {"code": {"system": OUTCOMES, **of_code}}
    if of_text:
        outcome["detail"] = [of_text]
    event["outcome"] = outcome


def _agent(agent: JsonObject) -> None:
    restored = taken(agent, R5, one=OF_AGENT)
    name = agent.get("name")
    if "who" not in agent:
        agent["who"] = made({"display": name}) if isinstance(name, str) else deepcopy(UNKNOWN)
    for element in ("altId", "name"):
        carry_primitive(agent, f"{R4}agent.{element}", "String", element)
    if "media" in agent:
        carry(agent, f"{R4}agent.media", "Coding", agent.pop("media"))
    if agent.get("requestor") is False and agent.get("_requestor") == {"extension": [MADE]}:
        del agent["requestor"], agent["_requestor"]
    network = agent.get("network")
    if isinstance(network, dict):
        del agent["network"]
        is_plain = set(network) <= {"address", "_address", "type"}
        if not is_plain or not {"address", "_address"} & set(network):
            carry_object(agent, f"{R4}agent.network", network, NETWORK)
            if isinstance(network.get("address"), str):
                agent["networkString"] = network["address"]
        elif network.get("type") == URI:
            agent |= popped(network, "address", "networkUri")
        else:
            agent |= popped(network, "address", "networkString")
            if "type" in network:
                carry(agent, f"{R4}agent.network.type", "Code", network["type"])
    if "purposeOfUse" in agent:
        agent["authorization"] = agent.pop("purposeOfUse")
    if "agent.network" in restored:
        agent["networkReference"] = value_of(restored["agent.network"][0])


def _source(source: JsonObject) -> None:
    restored = taken(source, R5, one=OF_SOURCE, lists=LISTS_OF_SOURCE)
    if isinstance(source.get("site"), str | None) and {"site", "_site"} & set(source):
        source["site"] = popped(source, "site", "display")
    if _codings(source.get("type")):
        source["type"] = [{"coding": [coding]} for coding in source["type"]]
    if "source.site" in restored:
        source["site"] = value_of(restored["source.site"][0])
    if "source.type" in restored:
        source["type"] = [value_of(one) for one in restored["source.type"]]


def _entity(entity: JsonObject) -> None:
    restored = taken(entity, R5, one=OF_ENTITY, lists=LISTS_OF_ENTITY)
    for element in ("type", "lifecycle"):
        if element in entity:
            carry(entity, f"{R4}entity.{element}", "Coding", entity.pop(element))
    for element in ("name", "description"):
        carry_primitive(entity, f"{R4}entity.{element}", "String", element)
    if isinstance(role := entity.get("role"), dict) and "coding" not in role:
        entity["role"] = {"coding": [role]}
    if _codings(entity.get("securityLabel")):
        entity["securityLabel"] = [{"coding": [label]} for label in entity["securityLabel"]]
    for detail in objects(entity.get("detail")):
        of_detail = taken(detail, R5, one=OF_DETAIL)
        if isinstance(detail.get("type"), str | None) and {"type", "_type"} & set(detail):
            detail["type"] = popped(detail, "type", "text")
        if "entity.detail.type" in of_detail:
            detail["type"] = value_of(of_detail["entity.detail.type"][0])
        if "entity.detail.value" in of_detail:
            detail.pop("_valueString", None)
            (extension,) = of_detail["entity.detail.value"]
            detail |= {name: value for name, value in extension.items() if name != "url"}
    if "entity.role" in restored:
        entity["role"] = value_of(restored["entity.role"][0])
    if "entity.securityLabel" in restored:
        entity["securityLabel"] = [value_of(one) for one in restored["entity.securityLabel"]]
    if "entity.agent" in restored:
        entity["agent"] = [object_of(one, AGENT, AGENT_LISTS) for one in restored["entity.agent"]]


def _codings(value: Any) -> bool:
    """Return whether a value is a list of Codings, not of R5's CodeableConcepts."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and "coding" not in one for one in value)
    )
