"""Convert R5 to R4, element by element."""

from copy import deepcopy
from typing import Any, Final

from audit_ledger.errors import FormatError
from audit_ledger.events.strict_json import JsonObject
from audit_ledger.fhir_versions.cross_version_extensions import (
    AGENT,
    MADE,
    NETWORK,
    OUTCOME,
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
from audit_ledger.fhir_versions.to_r5 import OUTCOMES, PATIENT, URI

OF_AGENT: Final = frozenset(
    {"agent.altId", "agent.name", "agent.media", "agent.network", "agent.network.type"}
)
OF_ENTITY: Final = frozenset(
    {"entity.type", "entity.lifecycle", "entity.name", "entity.description"}
)

_OF_SEVERITY: Final = {  # severities of FHIR issues, which R5 uses instead of outcome codes
    "success": "0",
    "information": "0",
    "warning": "4",
    "error": "8",
    "fatal": "12",
}


def to_r4(event: JsonObject) -> JsonObject:
    """Return a decoded R5 AuditEvent converted to R4."""
    event = deepcopy(event)
    _codes(event)
    carry_primitive(event, f"{R5}severity", "Code", "severity")
    patient = event.pop("patient", None)
    if "encounter" in event:
        carry(event, f"{R5}encounter", "Reference", event.pop("encounter"))
    for reference in _popped_list(event, "basedOn"):
        carry(event, f"{R5}basedOn", "Reference", reference)
    if "occurredPeriod" in event:
        event["period"] = event.pop("occurredPeriod")
    carry_primitive(event, f"{R5}occurred", "DateTime", "occurredDateTime")
    _outcome(event)
    if "authorization" in event:
        event["purposeOfEvent"] = event.pop("authorization")
    for agent in objects(event.get("agent")):
        _agent(agent)
    if isinstance(source := event.get("source"), dict):
        _source(source)
    for entity in objects(event.get("entity")):
        _entity(entity)
    _patient(event, patient)
    return event


def _patient(event: JsonObject, patient: Any) -> None:
    """Add an entity of role 1 for `patient`, as R4 names patients, unless `patient` was made."""
    if patient is None or is_made(patient):
        return
    entities = event.setdefault("entity", [])
    if isinstance(patient, dict) and isinstance(entities, list):
        entities.append({**PATIENT, "what": patient})
    else:
        carry(event, f"{R5}patient", "Reference", patient)


def _codes(event: JsonObject) -> None:
    """Convert `category` to R4's only `type`, and `code` to `subtype`."""
    code = event.get("code")
    if not isinstance(code, dict):
        return
    del event["code"]
    codings = objects(code.get("coding"))
    if not is_made(code):
        if codings:
            event["subtype"] = codings
        if code != {"coding": codings} or not codings:
            carry(event, f"{R5}code", "CodeableConcept", code)
    category = event.pop("category", None)
    if category is None:
        event["type"] = made(codings[0]) if codings else deepcopy(UNKNOWN)
        return
    first = next((c for one in objects(category) for c in objects(one.get("coding"))), None)
    event["type"] = first if first is not None else deepcopy(UNKNOWN)
    if category != [{"coding": [first]}]:
        for one in category if isinstance(category, list) else [category]:
            carry(event, f"{R5}category", "CodeableConcept", one)


def _outcome(event: JsonObject) -> None:
    outcome = event.get("outcome")
    if not isinstance(outcome, dict):
        return
    del event["outcome"]
    code, details = outcome.get("code"), outcome.get("detail")
    if isinstance(code, dict) and not is_made(code):
        own = code.get("code")
        as_r4 = own if code.get("system") == OUTCOMES else _OF_SEVERITY.get(str(own))
        if isinstance(as_r4, str):
            event["outcome"] = as_r4
        if code.get("system") == OUTCOMES and "_code" in code:
            event["_outcome"] = code["_code"]
    concept = next((one for one in objects(details) if {"text", "_text"} & set(one)), {})
    event |= _renamed(concept, "text", "outcomeDesc")
    expected: JsonObject = {"code": {"system": OUTCOMES, **_renamed(event, "outcome", "code")}}
    if isinstance(code, dict) and is_made(code):
        expected = {"code": code}
    if of_text := _renamed(event, "outcomeDesc", "text"):
        expected["detail"] = [of_text]
    if outcome != expected:
        carry_object(event, f"{R5}outcome", outcome, OUTCOME)


def _renamed(holder: JsonObject, element: str, name: str) -> JsonObject:
    """Return a primitive element and its `_element`, both under another name."""
    return popped(dict(holder), element, name)


def _agent(agent: JsonObject) -> None:
    restored = taken(agent, R4, one=OF_AGENT)
    if is_made(agent.get("who")):
        del agent["who"]
    for element in ("altId", "name", "media"):
        if f"agent.{element}" in restored:
            put(agent, element, restored[f"agent.{element}"][0])
    if "requestor" not in agent and "_requestor" not in agent:
        agent["requestor"], agent["_requestor"] = False, {"extension": [MADE]}
    if "agent.network" in restored:
        agent.pop("networkString", None)
        agent["network"] = object_of(restored["agent.network"][0], NETWORK, frozenset())
    elif uri := popped(agent, "networkUri", "address"):
        agent["network"] = {**uri, "type": URI}
    elif string := popped(agent, "networkString", "address"):
        agent["network"] = string
        if "agent.network.type" in restored:
            agent["network"]["type"] = value_of(restored["agent.network.type"][0])
    elif "networkReference" in agent:
        carry(agent, f"{R5}agent.network", "Reference", agent.pop("networkReference"))
    if "authorization" in agent:
        agent["purposeOfUse"] = agent.pop("authorization")


def _source(source: JsonObject) -> None:
    if isinstance(site := source.get("site"), dict):
        del source["site"]
        source |= _renamed(site, "display", "site")
        if site != _renamed(source, "site", "display"):
            carry(source, f"{R5}source.site", "Reference", site)
    _as_codings(source, "type", "source.type")


def _entity(entity: JsonObject) -> None:
    restored = taken(entity, R4, one=OF_ENTITY)
    for element in ("type", "lifecycle", "name", "description"):
        if f"entity.{element}" in restored:
            put(entity, element, restored[f"entity.{element}"][0])
    role = entity.get("role")
    if isinstance(role, dict) and ("coding" in role or "text" in role):
        codings = objects(role.get("coding"))
        del entity["role"]
        if codings:
            entity["role"] = codings[0]
        if role != {"coding": codings[:1]}:
            carry(entity, f"{R5}entity.role", "CodeableConcept", role)
    _as_codings(entity, "securityLabel", "entity.securityLabel")
    for detail in objects(entity.get("detail")):
        _detail(detail)
    for agent in _popped_list(entity, "agent"):
        if not isinstance(agent, dict):
            raise FormatError("AuditEvent.entity.agent: expected a list of objects")
        carry_object(entity, f"{R5}entity.agent", agent, AGENT)


def _detail(detail: JsonObject) -> None:
    type_ = detail.get("type")
    if isinstance(type_, dict):
        coded = next(iter(objects(type_.get("coding"))), {})
        del detail["type"]
        detail |= _renamed(type_, "text", "type")
        if not {"type", "_type"} & set(detail):
            detail["type"] = coded.get("display") or coded.get("code") or "unknown"
        if type_ != _renamed(detail, "type", "text"):
            carry(detail, f"{R5}entity.detail.type", "CodeableConcept", type_)
    values = {name.removeprefix("_") for name in detail if name.startswith(("value", "_value"))}
    for name in sorted(values - {"valueString", "valueBase64Binary"}):
        carry_primitive(detail, f"{R5}entity.detail.value", name.removeprefix("value"), name)
        detail["_valueString"] = deepcopy(UNKNOWN)


def _as_codings(holder: JsonObject, element: str, path: str) -> None:
    """Convert CodeableConcepts to Codings; carry all of them if one is more than a Coding."""
    concepts = holder.get(element)
    if not isinstance(concepts, list) or not all(
        isinstance(one, dict) and ("coding" in one or "text" in one) for one in concepts
    ):
        return
    codings = [coding for one in concepts for coding in objects(one.get("coding"))]
    if concepts != [{"coding": [coding]} for coding in codings]:
        for one in concepts:
            carry(holder, f"{R5}{path}", "CodeableConcept", one)
    del holder[element]
    if codings:
        holder[element] = codings


def _popped_list(holder: JsonObject, element: str) -> list[Any]:
    """Remove and return a list of an object; leave a value that is no list."""
    return holder.pop(element) if isinstance(holder.get(element), list) else []
