"""Faults of events that claim a profile of IHE Basic Audit Log Patterns: flagged, never refused."""

from collections.abc import Iterator
from typing import Any, Final

from audit_ledger.events.balp_profiles import PROFILES, AgentSlice, EntitySlice, Profile
from audit_ledger.events.elements import codes
from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.references import normalize_reference

_CANONICAL: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"


def balp_faults(event: JsonObject, *, is_r4: bool) -> Iterator[str]:
    """Give the codes of what is wrong with an AuditEvent by the BALP profiles that it claims.

    An event that claims none has none. The codes are stable and all begin with `balp.`.
    """
    meta = event.get("meta")
    claims = meta.get("profile") if isinstance(meta, dict) else None
    for claim in claims if isinstance(claims, list) else ():
        if not isinstance(claim, str) or not claim.startswith(_CANONICAL):
            continue
        profile = PROFILES.get(claim.removeprefix(_CANONICAL).partition("|")[0])
        if profile is None:
            yield "balp.unknown-profile"
        elif not is_r4:
            yield "balp.not-r4"
        else:
            yield from _faults(event, profile)


def _faults(event: JsonObject, profile: Profile) -> Iterator[str]:
    if profile.type is not None and profile.type not in codes(event.get("type")):
        yield "balp.type"
    if profile.subtypes and profile.subtypes.isdisjoint(codes(event.get("subtype"))):
        yield "balp.subtype"
    if profile.action is not None and event.get("action") != profile.action:
        yield "balp.action"
    outcome = event.get("outcome")
    if (profile.outcome == "success" and outcome != "0") or (profile.outcome and outcome is None):
        yield "balp.outcome"
    observer = (event.get("source") or {}).get("observer")
    if not observer:
        yield "balp.no-source-observer"
    agents = event.get("agent") or []
    for agent_slice in profile.agents:
        found = [a for a in agents if not agent_slice.types.isdisjoint(codes(a.get("type")))]
        yield from _count(agent_slice, len(found), "agent")
        for agent in found:
            yield from _agent_faults(agent, agent_slice, observer)
    entities = event.get("entity") or []
    for entity_slice in profile.entities:
        found = [e for e in entities if entity_slice.type in codes(e.get("type"))]
        yield from _count(entity_slice, len(found), "entity")
        for entity in found:
            yield from _entity_faults(entity, entity_slice)


def _count(rule: AgentSlice | EntitySlice, found: int, element: str) -> Iterator[str]:
    if found < rule.least:
        yield f"balp.no-{rule.name.lower()}"
    if rule.most is not None and found > rule.most:
        yield f"balp.repeated-{element}"


def _agent_faults(agent: JsonObject, rule: AgentSlice, observer: Any) -> Iterator[str]:
    who = agent.get("who")
    if rule.who and not who:
        yield "balp.no-agent-who"
    elif rule.identifier and not _identifier_value(who):
        yield "balp.no-agent-identifier"
    if rule.network == "demanded" and not agent.get("network"):
        yield "balp.no-agent-network"
    if rule.network == "forbidden" and (agent.get("network") or agent.get("media")):
        yield "balp.agent-network"
    if rule.policy and not agent.get("policy"):
        yield "balp.no-agent-policy"
    if rule.requestor is not None and agent.get("requestor") is not rule.requestor:
        yield "balp.agent-requestor"
    if rule.recorder and who != observer:
        yield "balp.agent-not-observer"


def _entity_faults(entity: JsonObject, rule: EntitySlice) -> Iterator[str]:
    what = entity.get("what")
    if rule.roles and rule.roles.isdisjoint(codes(entity.get("role"))):
        yield "balp.entity-role"
    if rule.what == "forbidden":
        if what:
            yield "balp.entity-what"
    elif rule.what is not None and not what:
        yield "balp.no-entity-what"
    elif rule.what == "identifier" and not _identifier_value(what):
        yield "balp.no-entity-identifier"
    elif rule.what == "patient":
        target = (what or {}).get("reference")
        if target and normalize_reference(target)[0] not in ("Patient", None):
            yield "balp.entity-what"
    if rule.query and not entity.get("query"):
        yield "balp.no-query-text"


def _identifier_value(reference: JsonObject | None) -> Any:
    return ((reference or {}).get("identifier") or {}).get("value")
