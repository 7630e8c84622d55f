"""R5 → R4, element by element."""

from copy import deepcopy
from typing import Any, Final

from audit_ledger.errors import FormatError
from audit_ledger.events.json_document import JsonObject
from audit_ledger.releases.carried import (
    AGENT,
    MADE,
    NETWORK,
    OUTCOME,
    R4,
    R5,
    UNKNOWN,
    carry,
    carry_object,
    is_made,
    made,
    object_of,
    objects,
    taken,
    value_of,
)
from audit_ledger.releases.to_r5 import OUTCOMES, URI

OF_AGENT: Final = frozenset(
    {"agent.altId", "agent.name", "agent.media", "agent.network", "agent.network.type"}
)
OF_ENTITY: Final = frozenset(
    {"entity.type", "entity.lifecycle", "entity.name", "entity.description"}
)

_OF_SEVERITY: Final = {  # of FHIR issues, as R5 has them in the place of outcomes
    "success": "0",
    "information": "0",
    "warning": "4",
    "error": "8",
    "fatal": "12",
}


def to_r4(event: JsonObject) -> JsonObject:
    """Give an R5 AuditEvent, decoded, as one of R4."""
    event = deepcopy(event)
    _codes(event)
    for element, kind in (
        ("severity", "Code"),
        ("patient", "Reference"),
        ("encounter", "Reference"),
    ):
        if element in event and f"_{element}" not in event:
            carry(event, f"{R5}{element}", kind, event.pop(element))
    for reference in _popped_list(event, "basedOn"):
        carry(event, f"{R5}basedOn", "Reference", reference)
    if "occurredPeriod" in event:
        event["period"] = event.pop("occurredPeriod")
    if "occurredDateTime" in event and "_occurredDateTime" not in event:
        carry(event, f"{R5}occurred", "DateTime", event.pop("occurredDateTime"))
    _outcome(event)
    if "authorization" in event:
        event["purposeOfEvent"] = event.pop("authorization")
    for agent in objects(event.get("agent")):
        _agent(agent)
    if isinstance(source := event.get("source"), dict):
        _source(source)
    for entity in objects(event.get("entity")):
        _entity(entity)
    return event


def _codes(event: JsonObject) -> None:
    """`category` is R4's one `type`, `code` its `subtype`."""
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
    words = next((one.get("text") for one in objects(details) if "text" in one), None)
    if isinstance(words, str):
        event["outcomeDesc"] = words
    expected: JsonObject = {"code": {"system": OUTCOMES, "code": event.get("outcome")}}
    if isinstance(code, dict) and is_made(code):
        expected = {"code": code}
    if "outcomeDesc" in event:
        expected["detail"] = [{"text": words}]
    if outcome != expected:
        carry_object(event, f"{R5}outcome", outcome, OUTCOME)


def _agent(agent: JsonObject) -> None:
    restored = taken(agent, R4, one=OF_AGENT)
    if is_made(agent.get("who")):
        del agent["who"]
    for element in ("altId", "name", "media"):
        if f"agent.{element}" in restored:
            agent[element] = value_of(restored[f"agent.{element}"][0])
    if "requestor" not in agent and "_requestor" not in agent:
        agent["requestor"], agent["_requestor"] = False, {"extension": [MADE]}
    if "agent.network" in restored:
        agent.pop("networkString", None)
        agent["network"] = object_of(restored["agent.network"][0], NETWORK, frozenset())
    elif "networkUri" in agent:
        agent["network"] = {"address": agent.pop("networkUri"), "type": URI}
    elif "networkString" in agent:
        agent["network"] = {"address": agent.pop("networkString")}
        if "agent.network.type" in restored:
            agent["network"]["type"] = value_of(restored["agent.network.type"][0])
    elif "networkReference" in agent:
        carry(agent, f"{R5}agent.network", "Reference", agent.pop("networkReference"))
    if "authorization" in agent:
        agent["purposeOfUse"] = agent.pop("authorization")


def _source(source: JsonObject) -> None:
    if isinstance(site := source.get("site"), dict):
        display = site.get("display")
        del source["site"]
        if isinstance(display, str):
            source["site"] = display
        if site != {"display": display}:
            carry(source, f"{R5}source.site", "Reference", site)
    _as_codings(source, "type", "source.type")


def _entity(entity: JsonObject) -> None:
    restored = taken(entity, R4, one=OF_ENTITY)
    for element in ("type", "lifecycle", "name", "description"):
        if f"entity.{element}" in restored:
            entity[element] = value_of(restored[f"entity.{element}"][0])
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
            raise FormatError("AuditEvent: entity.agent is no list of objects")
        carry_object(entity, f"{R5}entity.agent", agent, AGENT)


def _detail(detail: JsonObject) -> None:
    type_ = detail.get("type")
    if isinstance(type_, dict):
        text = type_.get("text")
        coded = next(iter(objects(type_.get("coding"))), {})
        detail["type"] = text or coded.get("display") or coded.get("code") or "unknown"
        if type_ != {"text": text}:
            carry(detail, f"{R5}entity.detail.type", "CodeableConcept", type_)
    for name in [name for name in detail if name.startswith("value")]:
        if name not in ("valueString", "valueBase64Binary"):
            carry(detail, f"{R5}entity.detail.value", name.removeprefix("value"), detail.pop(name))
            detail["_valueString"] = deepcopy(UNKNOWN)


def _as_codings(holder: JsonObject, element: str, path: str) -> None:
    """CodeableConcepts become Codings; all of them are carried where one is more than a Coding."""
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
    """Take a list out of an object; what is none stays."""
    return holder.pop(element) if isinstance(holder.get(element), list) else []
