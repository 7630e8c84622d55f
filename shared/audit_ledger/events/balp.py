"""Flag faults of events that claim a profile of IHE Basic Audit Log Patterns; reject none."""

from collections.abc import Iterable, Sequence
from typing import Final

from audit_ledger.events.balp_profiles import PROFILES, AgentSlice, BalpProfile, EntitySlice
from audit_ledger.events.fhir_model import (
    AgentElement,
    AuditEventElements,
    Code,
    ElementCodes,
    EntityElement,
    Reference,
    codes,
)
from audit_ledger.events.references import normalize_reference
from audit_ledger.events.strict_json import JsonObject

_CANONICAL: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
_PROFILE_OF: Final = {_CANONICAL + name: profile for name, profile in PROFILES.items()}


def flag_balp_faults(
    event: AuditEventElements,
    of: ElementCodes,
    document: JsonObject,
    flags: set[str],
    *,
    is_r4: bool,
) -> None:
    """Add a flag for each violation of the BALP profiles that an AuditEvent claims.

    An event that claims none has no faults. The flags are stable and all begin with `balp.`.
    `document` is the decoded JSON of `event`.
    """
    claims = event.meta.get("profile") if type(event.meta) is dict else None
    claimed: list[BalpProfile] = []  # each once, in any version
    for claim in claims if type(claims) is list else ():
        if type(claim) is not str or not claim.startswith(_CANONICAL):
            continue
        profile = _PROFILE_OF.get(claim) or _PROFILE_OF.get(claim.partition("|")[0])
        if profile is None:
            flags.add("balp.unknown-profile")
        elif not is_r4:
            flags.add("balp.not-r4")
        elif profile not in claimed:
            claimed.append(profile)
            _check(event, profile, flags)
            _check_agents(event, profile, of.agent_types, document, flags)
            _check_entities(event, profile, of, flags)


def _check(event: AuditEventElements, profile: BalpProfile, flags: set[str]) -> None:
    if profile.type is not None and profile.type not in codes(event.type):
        flags.add("balp.type")
    if profile.subtypes and profile.subtypes.isdisjoint(codes(event.subtype)):
        flags.add("balp.subtype")
    if profile.action is not None and event.action != profile.action:
        flags.add("balp.action")
    outcome = event.outcome
    if (profile.outcome == "success" and outcome != "0") or (profile.outcome and outcome is None):
        flags.add("balp.outcome")
    if not (event.source and event.source.get("observer")):
        flags.add("balp.no-source-observer")


def _check_agents(
    event: AuditEventElements,
    profile: BalpProfile,
    types: Sequence[Sequence[Code]],
    document: JsonObject,
    flags: set[str],
) -> None:
    counts = [0] * len(profile.agents)
    for index, agent in enumerate(event.agent or ()):
        for number in _slices(types[index], profile.agent_slice_of):
            rule = profile.agents[number]
            counts[number] += 1
            _check_agent(agent, rule, flags)
            if rule.recorder and not _is_observer(document, index):
                flags.add("balp.agent-not-observer")
    for rule, count in zip(profile.agents, counts, strict=True):
        if count < rule.min_count:
            flags.add(f"balp.no-{rule.name}")
        elif rule.max_count is not None and count > rule.max_count:
            flags.add("balp.repeated-agent")


def _check_entities(
    event: AuditEventElements, profile: BalpProfile, of: ElementCodes, flags: set[str]
) -> None:
    counts = [0] * len(profile.entities)
    for index, entity in enumerate(event.entity or ()):
        for number in _slices(of.entity_types[index], profile.entity_slice_of):
            counts[number] += 1
            _check_entity(entity, profile.entities[number], of.entity_roles[index], flags)
    for rule, count in zip(profile.entities, counts, strict=True):
        if count < rule.min_count:
            flags.add(f"balp.no-{rule.name}")
        elif rule.max_count is not None and count > rule.max_count:
            flags.add("balp.repeated-entity")


def _slices(types: Sequence[Code], slice_of: dict[Code, int]) -> Iterable[int]:
    """Return the numbers of the slices of an element with these types, each once."""
    if len(types) == 1:
        number = slice_of.get(types[0])
        return () if number is None else (number,)
    return {slice_of[code] for code in types if code in slice_of}


def _is_observer(document: JsonObject, index: int) -> bool:
    who = document["agent"][index].get("who")
    return bool(who == (document.get("source") or {}).get("observer"))


def _check_agent(agent: AgentElement, rule: AgentSlice, flags: set[str]) -> None:
    if rule.who and (agent.who is None or agent.who.is_empty):
        flags.add("balp.no-agent-who")
    elif rule.identifier and not _has_identifier_value(agent.who):
        flags.add("balp.no-agent-identifier")
    if rule.network == "required":
        if not agent.network:
            flags.add("balp.no-agent-network")
    elif rule.network == "forbidden" and (agent.network or agent.media):
        flags.add("balp.agent-network")
    if rule.policy and not agent.policy:
        flags.add("balp.no-agent-policy")
    if rule.requestor is not None and agent.requestor is not rule.requestor:
        flags.add("balp.agent-requestor")


def _check_entity(
    entity: EntityElement, rule: EntitySlice, roles: Sequence[Code], flags: set[str]
) -> None:
    what = None if entity.what is None or entity.what.is_empty else entity.what
    if rule.roles and rule.roles.isdisjoint(roles):
        flags.add("balp.entity-role")
    if rule.what == "forbidden":
        if what is not None:
            flags.add("balp.entity-what")
    elif rule.what is not None and what is None:
        flags.add("balp.no-entity-what")
    elif rule.what == "identifier" and not _has_identifier_value(what):
        flags.add("balp.no-entity-identifier")
    elif rule.what == "patient" and not _may_be_patient(what):
        flags.add("balp.entity-what")
    if rule.query and not entity.query:
        flags.add("balp.no-query-text")


def _has_identifier_value(reference: Reference | None) -> bool:
    return bool(reference and reference.identifier and reference.identifier.value)


def _may_be_patient(what: Reference | None) -> bool:
    target = what.reference if what else None
    return not target or normalize_reference(target)[0] in ("Patient", None)
