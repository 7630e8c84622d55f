"""Faults of events that claim a profile of IHE Basic Audit Log Patterns: flagged, never refused."""

from typing import Any, Final

from audit_ledger.events.balp_profiles import PROFILES, AgentSlice, EntitySlice, Profile
from audit_ledger.events.elements import codes
from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.references import normalize_reference

_CANONICAL: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"


def flag_balp_faults(event: JsonObject, flags: set[str], *, is_r4: bool) -> None:
    """Add the codes of what is wrong with an AuditEvent by the BALP profiles that it claims.

    An event that claims none has no faults. The codes are stable and all begin with `balp.`.
    """
    meta = event.get("meta")
    claims = meta.get("profile") if isinstance(meta, dict) else None
    for claim in claims if isinstance(claims, list) else ():
        if not isinstance(claim, str) or not claim.startswith(_CANONICAL):
            continue
        profile = PROFILES.get(claim.removeprefix(_CANONICAL).partition("|")[0])
        if profile is None:
            flags.add("balp.unknown-profile")
        elif not is_r4:
            flags.add("balp.not-r4")
        else:
            _check(event, profile, flags)


def _check(event: JsonObject, profile: Profile, flags: set[str]) -> None:
    if profile.type is not None and profile.type not in codes(event.get("type")):
        flags.add("balp.type")
    if profile.subtypes and profile.subtypes.isdisjoint(codes(event.get("subtype"))):
        flags.add("balp.subtype")
    if profile.action is not None and event.get("action") != profile.action:
        flags.add("balp.action")
    outcome = event.get("outcome")
    if (profile.outcome == "success" and outcome != "0") or (profile.outcome and outcome is None):
        flags.add("balp.outcome")
    observer = (event.get("source") or {}).get("observer")
    if not observer:
        flags.add("balp.no-source-observer")
    _check_agents(event, profile.agents, observer, flags)
    _check_entities(event, profile.entities, flags)


def _check_agents(
    event: JsonObject, rules: tuple[AgentSlice, ...], observer: Any, flags: set[str]
) -> None:
    agents = [(agent, codes(agent.get("type"))) for agent in event.get("agent") or ()]
    for rule in rules:
        found = [agent for agent, types in agents if not rule.types.isdisjoint(types)]
        for agent in found:
            _check_agent(agent, rule, observer, flags)
        if len(found) < rule.least:
            flags.add(f"balp.no-{rule.name}")
        elif rule.most is not None and len(found) > rule.most:
            flags.add("balp.repeated-agent")


def _check_entities(event: JsonObject, rules: tuple[EntitySlice, ...], flags: set[str]) -> None:
    entities = [(entity, codes(entity.get("type"))) for entity in event.get("entity") or ()]
    for rule in rules:
        found = [entity for entity, types in entities if rule.type in types]
        for entity in found:
            _check_entity(entity, rule, flags)
        if len(found) < rule.least:
            flags.add(f"balp.no-{rule.name}")
        elif rule.most is not None and len(found) > rule.most:
            flags.add("balp.repeated-entity")


def _check_agent(agent: JsonObject, rule: AgentSlice, observer: Any, flags: set[str]) -> None:
    who = agent.get("who")
    if rule.who and not who:
        flags.add("balp.no-agent-who")
    elif rule.identifier and not _identifier_value(who):
        flags.add("balp.no-agent-identifier")
    if rule.network == "demanded":
        if not agent.get("network"):
            flags.add("balp.no-agent-network")
    elif rule.network == "forbidden" and (agent.get("network") or agent.get("media")):
        flags.add("balp.agent-network")
    if rule.policy and not agent.get("policy"):
        flags.add("balp.no-agent-policy")
    if rule.requestor is not None and agent.get("requestor") is not rule.requestor:
        flags.add("balp.agent-requestor")
    if rule.recorder and who != observer:
        flags.add("balp.agent-not-observer")


def _check_entity(entity: JsonObject, rule: EntitySlice, flags: set[str]) -> None:
    what = entity.get("what")
    if rule.roles and rule.roles.isdisjoint(codes(entity.get("role"))):
        flags.add("balp.entity-role")
    if rule.what == "forbidden":
        if what:
            flags.add("balp.entity-what")
    elif rule.what is not None and not what:
        flags.add("balp.no-entity-what")
    elif rule.what == "identifier" and not _identifier_value(what):
        flags.add("balp.no-entity-identifier")
    elif rule.what == "patient":
        target = (what or {}).get("reference")
        if target and normalize_reference(target)[0] not in ("Patient", None):
            flags.add("balp.entity-what")
    if rule.query and not entity.get("query"):
        flags.add("balp.no-query-text")


def _identifier_value(reference: JsonObject | None) -> Any:
    return ((reference or {}).get("identifier") or {}).get("value")
