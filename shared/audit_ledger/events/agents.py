"""Who did it: canonical candidates of each agent, whether a person, and who asked for it."""

from collections.abc import Mapping
from typing import Final

from audit_ledger.events.elements import codes_in, object_in, objects_in, text_in
from audit_ledger.events.event import Agent
from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.patients import patient_named_by
from audit_ledger.events.references import identifier_pairs, identifiers_of, normalize_reference
from audit_ledger.events.rejected import RejectedEvent

MAX_AGENTS = 64  # beyond, an event is found by its first agents only; its record keeps all

_PERSONS: Final = {"Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person"}
_PERSON_CODES: Final = {
    "humanuser",  # extra-security-role-type
    "IRCP", "AUT", "INF", "ENT", "PPRF", "SPRF", "PRF", "ATND", "VRF", "LA",  # v3-ParticipationType
    "PAT", "AGNT", "GUARD", "NOK", "ECON",  # v3-RoleClass
    "UserSamlAgent", "UserOauthAgent",  # BALP UserAgentTypes
    "429577009",  # SNOMED CT, patient advocate
}  # fmt: skip
_DEVICE_CODES: Final = {
    "110150", "110151", "110152", "110153", "110154", "110155",  # DICOM: application, …, media
    "authserver", "datacollector", "dataprocessor",  # extra-security-role-type
    "AuthzOauthService",  # BALP UserAgentTypes
    "PROV", "ORG", "DEV", "MANU",  # v3-RoleClass and kin: organisations and devices
    "homeCommunityId", "custodian", "assembler",
}  # fmt: skip
_OTHER_IDENTIFIERS: Final = (
    "http://hl7.org/fhir/StructureDefinition/auditevent-AlternativeUserID",
    "https://profiles.ihe.net/ITI/BALP/StructureDefinition/ihe-otherId",
)


def read_agents(
    resource: JsonObject, contained: Mapping[str, JsonObject], place: str, flags: set[str]
) -> tuple[Agent, ...]:
    """Read the agents: requesting persons first, then other persons, then the rest likewise."""
    agents = [
        read_agent(agent, contained, f"{place}.agent[{index}]")
        for index, agent in enumerate(objects_in(resource, "agent", place))
    ]
    if not agents:
        flags.add("fhir.no-agent")
    if len(agents) > MAX_AGENTS:
        flags.add("agent.too-many")
    agents.sort(key=lambda agent: (not agent.is_person, not agent.requestor))
    agents = agents[:MAX_AGENTS]
    for agent in agents:
        if not agent.candidates:
            flags.add("agent.unidentified")
        elif agent.is_person and agent.candidates[0].startswith("display|"):
            flags.add("agent.display-only")
    return tuple(agents)


def read_agent(agent: JsonObject, contained: Mapping[str, JsonObject], place: str) -> Agent:
    """Read one agent.

    Candidates, the best first: `reference|Practitioner/1`, `identifier|<system>|<value>`,
    `altId|<id>`, `display|<name>`. A contained resource gives its identifiers, not its `#id`.
    """
    requestor = agent.get("requestor")
    if requestor is not None and type(requestor) is not bool:
        raise RejectedEvent(422, "structure", f"{place}.requestor", "true or false")
    who = object_in(agent, "who", place) or {}
    who_place = f"{place}.who"
    kind, candidates = _identity(who, contained, who_place)
    if "extension" in agent:
        candidates += _other_identifiers(agent, place)
    if alternative := text_in(agent, "altId", place):
        candidates.append(f"altId|{alternative}")
    if name := text_in(agent, "name", place) or text_in(who, "display", who_place):
        candidates.append(f"display|{name}")
    return Agent(
        tuple(dict.fromkeys(candidates)),
        requestor is True,
        _is_person(agent, kind),
        patient_named_by(who, contained, who_place) if kind == "Patient" else None,
    )


def _identity(
    who: JsonObject, contained: Mapping[str, JsonObject], place: str
) -> tuple[str | None, list[str]]:
    """Give the resource type of `who`, where known, and its candidates."""
    candidates = []
    kind = None
    pairs = list(identifiers_of(who, place))
    reference = text_in(who, "reference", place)
    resource = contained.get(reference) if reference else None
    if resource is not None:
        kind = resource.get("resourceType")
        for item in objects_in(resource, "identifier", f"{place}.resolve()"):
            pairs += identifier_pairs(item, f"{place}.resolve().identifier")
    elif reference:
        target = normalize_reference(reference)
        kind = target.type
        if not reference.startswith("#"):
            candidates.append(f"reference|{target.normal}")
    if kind is None and (declared := text_in(who, "type", place)):
        kind = declared.rpartition("/")[2]
    return kind, candidates + [f"identifier|{system}|{value}" for system, value in pairs]


def _is_person(agent: JsonObject, kind: str | None) -> bool:
    if kind is not None:
        return kind in _PERSONS
    codes = {code for _, code in (*codes_in(agent, "type"), *codes_in(agent, "role"))}
    return not codes.isdisjoint(_PERSON_CODES) or (
        agent.get("requestor") is True and codes.isdisjoint(_DEVICE_CODES)
    )


def _other_identifiers(agent: JsonObject, place: str) -> list[str]:
    found = []
    for index, extension in enumerate(objects_in(agent, "extension", place)):
        if extension.get("url") in _OTHER_IDENTIFIERS:
            extension_place = f"{place}.extension[{index}]"
            identifier = object_in(extension, "valueIdentifier", extension_place)
            found += identifier_pairs(identifier or {}, f"{extension_place}.valueIdentifier")
    return [f"identifier|{system}|{value}" for system, value in found]


def canonical_agent(agent: Agent) -> str | None:
    """Give the best of an agent's candidates; None when the event names them by nothing."""
    return agent.candidates[0] if agent.candidates else None
