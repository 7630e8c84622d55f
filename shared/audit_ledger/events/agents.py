"""Parse agents: canonical identifiers, whether each is a person, and who is the requestor."""

from collections.abc import Sequence
from typing import Final

from audit_ledger.events.contained import Contained, resolve
from audit_ledger.events.event import Agent
from audit_ledger.events.fhir_model import AgentElement, Code, codes
from audit_ledger.events.patients import as_patient
from audit_ledger.events.references import pairs_of

MAX_INDEXED_AGENTS = 64  # only the first agents are indexed; the record contains all

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
    elements: Sequence[AgentElement],
    types: Sequence[Sequence[Code]],
    contained: Contained,
    place: str,
    flags: set[str],
) -> tuple[Agent, ...]:
    """Return the agents: requesting persons first, then other persons, then the rest likewise.

    `types`: the codes of each agent's type.
    """
    if not elements:
        flags.add("fhir.no-agent")
    agents = [
        read_agent(element, types[index], contained, place, "agent", index)
        for index, element in enumerate(elements)
    ]
    if len(agents) > 1:
        agents.sort(key=precedence)
    if len(agents) > MAX_INDEXED_AGENTS:
        flags.add("agent.too-many")
        del agents[MAX_INDEXED_AGENTS:]
    for agent in agents:
        if not agent.candidates:
            flags.add("agent.unidentified")
        elif agent.is_person and agent.candidates[0].startswith("display|"):
            flags.add("agent.display-only")
    return tuple(agents)


def precedence(agent: Agent) -> tuple[bool, bool]:
    """Return the sort key of agents: requesting persons, other persons, then the rest likewise."""
    return not agent.is_person, not agent.requestor


def read_agent(
    agent: AgentElement, types: Sequence[Code], contained: Contained, *place: str | int
) -> Agent:
    """Parse one agent, whose type has the codes `types`.

    Candidates, the best first: `reference|Practitioner/1`, `identifier|<system>|<value>`,
    `altId|<id>`, `display|<name>`. A contained resource contributes identifiers, not its `#id`.
    """
    candidates = []
    kind = patient = display = None
    pairs: Sequence[tuple[str, str]] = ()
    if agent.who is not None:
        who = resolve(agent.who, contained, *place, "who")
        kind, pairs, display = who.type, who.identifiers, agent.who.display
        if who.reference is not None:
            candidates.append(f"reference|{who.reference}")
        if kind == "Patient":
            patient = as_patient(who)
    if agent.extension is not None:
        others = [e.value_identifier for e in agent.extension if e.url in _OTHER_IDENTIFIERS]
        more = pairs_of(identifier for identifier in others if identifier is not None)
        pairs = tuple(dict.fromkeys((*pairs, *more)))
    for system, value in pairs:
        candidates.append(f"identifier|{system}|{value}")
    if agent.alt_id:
        candidates.append(f"altId|{agent.alt_id}")
    if name := agent.name or display:
        candidates.append(f"display|{name}")
    return Agent(
        tuple(candidates),
        agent.requestor is True,
        _is_person(agent, types) if kind is None else kind in _PERSONS,
        patient,
    )


def _is_person(agent: AgentElement, types: Sequence[Code]) -> bool:
    is_device = False
    for _, code in types if agent.role is None else (*types, *codes(agent.role)):
        if code in _PERSON_CODES:
            return True
        is_device = is_device or code in _DEVICE_CODES
    return agent.requestor is True and not is_device


def canonical_agent(agent: Agent) -> str | None:
    """Return the best of an agent's candidates; None if the agent has none."""
    return agent.candidates[0] if agent.candidates else None
