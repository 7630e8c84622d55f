"""Agents: canonical candidates, persons and devices, order, flags."""

from typing import Any

import pytest

from audit_ledger.events import Agent, PatientReference, canonical_agent
from audit_ledger.events.agents import MAX_INDEXED_AGENTS
from tests.builders.audit_event import MRN, parsed, r4, r5

DCM = "http://dicom.nema.org/resources/ontology/DCM"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ALTERNATIVE = "http://hl7.org/fhir/StructureDefinition/auditevent-AlternativeUserID"
OTHER_ID = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/ihe-otherId"


def agent(**elements: Any) -> Agent:
    """Return the only agent of an event."""
    (only,) = parsed(r4(agent=[elements])).agents
    return only


def typed(system: str, code: str) -> dict[str, Any]:
    """Return a CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


def test_candidates_are_ordered_from_best_to_worst() -> None:
    """Reference, identifiers, other identifiers, altId, name, each with its kind."""
    doctor = agent(
        who={
            "reference": "https://ehr.example/fhir/Practitioner/7/_history/1",
            "identifier": {"system": "urn:staff", "value": "s7"},
            "display": "Dr Seven",
        },
        altId="seven",
        name="Seven, Dr",
        extension=[
            {"url": OTHER_ID, "valueIdentifier": {"system": "urn:npi", "value": "123"}},
            {"url": "urn:else", "valueIdentifier": {"value": "not an agent's"}},
        ],
    )
    assert doctor.candidates == (
        "reference|Practitioner/7",
        "identifier|urn:staff|s7",
        "identifier|urn:npi|123",
        "altId|seven",
        "display|Seven, Dr",
    )
    assert canonical_agent(doctor) == "reference|Practitioner/7"


@pytest.mark.parametrize(
    ("elements", "canonical"),
    [
        ({"who": {"reference": "Practitioner/7"}}, "reference|Practitioner/7"),
        ({"who": {"reference": "urn:uuid:ABC"}}, "reference|urn:uuid:abc"),
        ({"who": {"identifier": {"value": "95"}}, "altId": "a"}, "identifier||95"),
        ({"who": {"identifier": {"system": "urn:staff", "value": ""}}, "altId": "a"}, "altId|a"),
        ({"who": {"display": "Dr Seven"}}, "display|Dr Seven"),
        ({"name": "Dr Seven"}, "display|Dr Seven"),
        ({"altId": "a", "name": "Dr Seven"}, "altId|a"),
        (
            {"extension": [{"url": ALTERNATIVE, "valueIdentifier": {"value": "6580"}}]},
            "identifier||6580",
        ),
        ({}, None),
        ({"who": None, "requestor": None}, None),
        ({"who": {}, "policy": ["token"]}, None),
    ],
)
def test_the_canonical_identifier_is_the_best_candidate(
    elements: dict[str, Any], canonical: str | None
) -> None:
    """It is None for an agent without any identifier."""
    assert canonical_agent(agent(**elements)) == canonical


def test_a_contained_agent_is_identified_by_its_identifiers() -> None:
    """`#doc` would be the same for everyone."""
    contained = {
        "resourceType": "Practitioner",
        "id": "doc",
        "identifier": [{"system": "urn:staff", "value": "s7"}],
    }
    event = r4(contained=[contained], agent=[{"who": {"reference": "#doc"}, "requestor": False}])
    (doctor,) = parsed(event).agents
    assert doctor.candidates == ("identifier|urn:staff|s7",)
    assert doctor.is_person


@pytest.mark.parametrize(
    ("elements", "is_person"),
    [
        # the referenced type decides
        ({"who": {"reference": "Practitioner/1"}}, True),
        ({"who": {"reference": "https://x/PractitionerRole/1"}}, True),
        ({"who": {"reference": "RelatedPerson/1"}}, True),
        ({"who": {"reference": "Patient/1"}}, True),
        ({"who": {"reference": "Device/1"}, "requestor": True}, False),
        ({"who": {"reference": "Organization/1"}, "requestor": True}, False),
        ({"who": {"type": "Practitioner", "identifier": {"value": "1"}}}, True),
        ({"who": {"type": "Device", "identifier": {"value": "1"}}, "requestor": True}, False),
        # else codes
        ({"type": typed(PARTICIPATION, "IRCP")}, True),
        ({"role": [typed(PARTICIPATION, "AUT")]}, True),
        ({"type": {"coding": [{"code": "humanuser"}]}}, True),
        ({"type": typed(DCM, "110153"), "requestor": True}, False),
        ({"type": typed(DCM, "110150"), "requestor": False}, False),
        # else whether the agent made the request
        ({"requestor": True}, True),
        ({"requestor": True, "type": {"text": "user"}}, True),
        ({"requestor": False}, False),
        ({}, False),
    ],
)
def test_persons_are_distinguished_from_devices(elements: dict[str, Any], is_person: bool) -> None:
    """By the referenced type, else by codes; else an agent that made the request is a person."""
    assert agent(**elements).is_person is is_person


def test_requesting_persons_come_first_among_agents() -> None:
    """Then other persons, other requesting agents, the rest; equals keep the event's order."""
    event = r5(
        agent=[
            {"who": {"reference": "Device/1"}, "requestor": False},
            {"who": {"reference": "Device/2"}, "requestor": True},
            {"who": {"reference": "Practitioner/3"}, "requestor": False},
            {"who": {"reference": "Practitioner/4"}, "requestor": True},
            {"who": {"reference": "Practitioner/5"}, "requestor": True},
        ]
    )
    assert [canonical_agent(each) for each in parsed(event).agents] == [
        "reference|Practitioner/4",
        "reference|Practitioner/5",
        "reference|Practitioner/3",
        "reference|Device/2",
        "reference|Device/1",
    ]


def test_an_agent_who_is_a_patient_has_the_patient_s_references() -> None:
    """With all identifiers of the patient."""
    patient = agent(who={"reference": "Patient/1", "identifier": {"system": MRN, "value": "7"}})
    assert patient.patient == PatientReference("Patient/1", ((MRN, "7"),))
    assert agent(who={"type": "Patient", "identifier": {"value": "7"}}).patient is not None
    assert agent(who={"reference": "Practitioner/1"}).patient is None


def test_a_person_with_only_a_name_is_flagged_and_a_device_is_not() -> None:
    """A person's name identifies nobody; a device often has nothing but its host name."""
    person = {"who": {"display": "Dr Seven"}, "requestor": True}
    device = {"who": {"display": "host.example"}, "requestor": False}
    assert parsed(r4(agent=[person])).flags == ("agent.display-only",)
    assert parsed(r4(agent=[device])).flags == ()


def test_a_limited_number_of_agents_is_indexed() -> None:
    """The first ones, which include requesting persons."""
    devices = [{"who": {"reference": f"Device/{n}"}} for n in range(MAX_INDEXED_AGENTS)]
    doctor = {"who": {"reference": "Practitioner/1"}, "requestor": True}
    event = parsed(r4(agent=[*devices, doctor]))
    assert len(event.agents) == MAX_INDEXED_AGENTS
    assert canonical_agent(event.agents[0]) == "reference|Practitioner/1"
    assert event.flags == ("agent.too-many",)
