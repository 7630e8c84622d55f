"""The agents of an event: users, their organisations, recipients; and its patient."""

from collections.abc import Iterable
from typing import Final

from audit_ledger.events.code_systems import (
    DICOM,
    PARTICIPATION,
    PROVENANCE_ROLE,
    ROLE_CLASS,
    SECURITY_ROLE,
    SNOMED,
    USER_AGENT,
)
from audit_ledger.events.codings import Coded
from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import AgentDetails, EventDetails
from audit_ledger.events.fhir_model import Code
from audit_ledger.reports.codes import RECIPIENT_ROLES, canonical_code, canonical_codes
from audit_ledger.reports.labels import join_distinct

ROLE_WORDS: Final = {
    (SNOMED, "429577009"): "patient advocate",
    (SNOMED, "307969004"): "public health officer",
    (ROLE_CLASS, "PAT"): "patient",
    (ROLE_CLASS, "GUARD"): "guardian",
    (ROLE_CLASS, "NOK"): "next of kin",
    (ROLE_CLASS, "ECON"): "emergency contact",
    (PARTICIPATION, "ATND"): "attending health professional",
}
"""Names of roles that reveal no person, whatever the sender writes."""

# Systems whose codes state the part of an agent in the event, not its role.
_OF_THE_PART_ONLY: Final = {DICOM, PARTICIPATION, PROVENANCE_ROLE, SECURITY_ROLE, USER_AGENT}
_ORGANISATIONS: Final = frozenset(
    {
        (ROLE_CLASS, "PROV"),  # BALP: the organization of the user
        ("urn:ihe:iti:xca:2010", "homeCommunityId"),
        (PARTICIPATION, "CST"),
        (PROVENANCE_ROLE, "custodian"),
    }
)
_ROLE_OF_TYPE: Final = {
    "Patient": "patient",
    "Practitioner": "health professional",
    "PractitionerRole": "health professional",
    "RelatedPerson": "relative or friend",
    "Device": "device or software",
    "Organization": "organisation",
}


def agent_name(agent: AgentDetails) -> str | None:
    """Return an agent's name, else an identifier, else the reference, else None."""
    if agent.name or agent.who.display:
        return agent.name or agent.who.display
    for _, value in agent.who.identifiers:
        return value
    return agent.who.reference or next(iter(map(_bare_identifier, agent.agent.candidates)), None)


def agent_id(agent: AgentDetails) -> str | None:
    """Return the best identifier of an agent: reference, identifier, or name."""
    return next(iter(map(_bare_identifier, agent.agent.candidates)), None)


def users_of(details: EventDetails) -> tuple[AgentDetails, ...]:
    """Return the users: requesting persons, else persons, else requesters, else the first."""
    agents = details.agents
    for chosen in (
        tuple(a for a in agents if a.agent.is_person and a.agent.requestor),
        tuple(a for a in agents if a.agent.is_person),
        tuple(a for a in agents if a.agent.requestor),
    ):
        if chosen:
            return chosen
    return agents[:1]


def role_of(agent: AgentDetails, *, own_words_only: bool = False) -> str:
    """Return an agent's role; `own_words_only`: none of the sender's words, which may name it."""
    pairs = canonical_codes(agent.roles)
    for pair, words in ROLE_WORDS.items():
        if pair in pairs:
            return words
    of_agent = (c for c in agent.roles if canonical_code(c)[0] not in _OF_THE_PART_ONLY)
    display = next((c.display for c in of_agent if c.display), None)
    if display is not None and not own_words_only:
        return display
    type_ = (agent.who.reference or "").partition("/")[0]
    return _ROLE_OF_TYPE.get(type_) or ("person" if agent.agent.is_person else "device or software")


def organisations_of(details: EventDetails) -> tuple[AgentDetails, ...]:
    """Return the agents that are organisations of users, not of recipients."""
    received = frozenset[Code]().union(*RECIPIENT_ROLES)
    return tuple(
        agent
        for agent in details.agents
        if not agent.agent.is_person
        and not canonical_codes(agent.roles) & received
        and (
            (agent.who.reference or "").startswith("Organization/")
            or (
                canonical_codes(agent.roles) & _ORGANISATIONS
                and not (agent.who.reference or "").startswith("Device/")
            )
        )
    )


def recipients_of(details: EventDetails) -> tuple[AgentDetails, ...]:
    """Return the recipients: all agents of the first of `RECIPIENT_ROLES` that any agent has."""
    for role in RECIPIENT_ROLES:
        agents = tuple(agent for agent in details.agents if canonical_codes(agent.roles) & role)
        if agents:
            return agents
    return ()


def is_the_patient(agent: AgentDetails, details: EventDetails) -> bool:
    """Return whether an agent is the patient whom the event is about."""
    named = agent.agent.patient
    return named is not None and any(_same(named, patient) for patient in details.patients)


def patient_of(details: EventDetails, by: str = "; ") -> str | None:
    """Return the patients of an event, each by the first name that it has there."""
    return join_distinct((next(iter(patient.names), None) for patient in details.patients), by)


def purposes_of(stating: Iterable[AgentDetails | EventDetails]) -> tuple[Coded, ...]:
    """Return the purposes that agents or an event state; without a code, their text."""
    return tuple(
        purpose
        for one in stating
        for purpose in (*one.purposes, *(Coded("", text, text) for text in one.uncoded_purposes))
    )


def _same(one: PatientReference, other: PatientReference) -> bool:
    if one.reference is not None and one.reference == other.reference:
        return True
    return bool(set(one.identifiers) & set(other.identifiers))


def _bare_identifier(candidate: str) -> str:
    """Return a canonical identifier without its kind: `reference|Practitioner/1`."""
    return candidate.partition("|")[2].removeprefix("|")
