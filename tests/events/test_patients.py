"""The patients of an event: every way to name one, and what only resembles it."""

from typing import Any

import pytest

from audit_ledger.events import (
    PatientReference,
    PatientRule,
    RejectedEventError,
    canonical_patient,
)
from audit_ledger.events.limits import MAX_PATIENTS
from tests.builders.audit_event import (
    ENTITY_TYPE,
    MRN,
    OBJECT_ROLE,
    PATIENT_ROLE,
    PERSON_TYPE,
    parsed,
    patient_entity,
    r4,
    r5,
)

BY_REFERENCE = PatientRule(namespace="portal:ehr")
BY_MRN = PatientRule(system=MRN)
MRN_7 = {"system": MRN, "value": "7"}
CONTAINED = {"resourceType": "Patient", "id": "p1", "identifier": [MRN_7]}


def patients(event: dict[str, Any]) -> list[PatientReference | None]:
    """Return the patient of each part."""
    return [part.patient for part in parsed(event).parts]


@pytest.mark.parametrize(("reference", "normal"), [
    ("Patient/1", "Patient/1"),
    ("Patient/1/_history/2", "Patient/1"),
    ("/Patient/1", "Patient/1"),
    ("https://ehr.example/fhir/Patient/1", "https://ehr.example/fhir/Patient/1"),
    ("https://ehr.example/fhir/Patient/1/_history/2", "https://ehr.example/fhir/Patient/1"),
    ("HTTPS://EHR.example:443/fhir/Patient/1/", "https://ehr.example/fhir/Patient/1"),
    ("http://localhost:8080/Patient/a.b-C", "http://localhost:8080/Patient/a.b-C"),
    ("http://ehr.example:80/Fhir/Patient/A", "http://ehr.example/Fhir/Patient/A"),
    ("Patient/1/", "Patient/1"),
    ("Patient/Patient", "Patient/Patient"),
    ("tenant-2/Patient/1", "tenant-2/Patient/1"),
])  # fmt: skip
def test_a_reference_to_a_patient_is_normalized(reference: str, normal: str) -> None:
    """Without the version; with the URL of its server, if it has one."""
    (patient,) = patients(r4(entity=[{"what": {"reference": reference}}]))
    assert patient == PatientReference(normal)


SERVER = PatientRule(namespace="https://ehr.example/fhir")


@pytest.mark.parametrize(("reference", "by_portal", "by_server"), [
    ("Patient/1", "portal:ehr/Patient/1", "https://ehr.example/fhir/Patient/1"),
    ("Patient/1/_history/2", "portal:ehr/Patient/1", "https://ehr.example/fhir/Patient/1"),
    ("Patient/1/", "portal:ehr/Patient/1", "https://ehr.example/fhir/Patient/1"),
    ("https://ehr.example/fhir/Patient/1", None, "https://ehr.example/fhir/Patient/1"),
    ("http://ehr.example/fhir/Patient/1/", None, "https://ehr.example/fhir/Patient/1"),
    ("https://EHR.example:443/fhir/Patient/1", None, "https://ehr.example/fhir/Patient/1"),
    ("https://ehr.example/fhir/Patient/a", None, "https://ehr.example/fhir/Patient/a"),
    ("https://ehr.example/fhir/Patient/A", None, "https://ehr.example/fhir/Patient/A"),
    ("https://ehr.example/FHIR/Patient/1", None, None),
    ("https://ehr.example/fhir/tenant/Patient/1", None, None),
    ("https://ehr.example:8443/fhir/Patient/1", None, None),
    ("https://ehr.example.org/fhir/Patient/1", None, None),
    ("https://other.example/fhir/Patient/1", None, None),
    ("tenant-2/Patient/1", None, None),
    ("../Patient/1", None, None),
    ("//ehr.example/fhir/Patient/1", None, None),
    ("Patient//1", None, None),
    ("Patient/1#p", None, None),
    ("Patient/a b", None, None),
    ("Patient/a|b", None, None),
    ("patient/1", None, None),
    ("#p1", None, None),
    ("urn:uuid:ABC", "urn:uuid:abc", "urn:uuid:abc"),
    ("urn:uuid:", None, None),
])  # fmt: skip
def test_a_reference_is_resolved_on_its_own_server_only(
    reference: str, by_portal: str | None, by_server: str | None
) -> None:
    """`Patient/1` of another server is somebody else and is not resolved."""
    assert canonical_patient(BY_REFERENCE, PatientReference(reference)) == by_portal
    assert canonical_patient(SERVER, PatientReference(reference)) == by_server


def test_the_same_id_of_two_servers_is_two_patients() -> None:
    """Also in one event: each has a part."""
    event = r4(
        entity=[
            patient_entity("https://a.example/fhir/Patient/1"),
            patient_entity("https://b.example/fhir/Patient/1"),
        ]
    )
    assert len(patients(event)) == 2


@pytest.mark.parametrize(
    "reference",
    [
        "Observation/1",
        "patient/1",
        "PatientX/1",
        "https://x/fhir/Patientx/1",
        "urn:uuid:1",
        "1",
        "",
    ],
)
def test_a_reference_to_another_resource_is_no_patient(reference: str) -> None:
    """Unless a role states otherwise."""
    assert patients(r4(entity=[{"what": {"reference": reference}}])) == [None]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        # by role, in R4's and R5's shape, older or no system
        ({"what": {"identifier": MRN_7}, "role": PATIENT_ROLE}, ((MRN, "7"),)),
        ({"what": {"identifier": MRN_7}, "role": {"coding": [PATIENT_ROLE]}}, ((MRN, "7"),)),
        ({"what": {"identifier": MRN_7}, "role": {"code": "1"}}, ((MRN, "7"),)),
        (
            {
                "what": {"identifier": MRN_7},
                "role": {"system": "http://hl7.org/fhir/object-role", "code": "1"},
            },
            ((MRN, "7"),),
        ),
        # by the type of what is referred to
        ({"what": {"identifier": MRN_7, "type": "Patient"}}, ((MRN, "7"),)),
        (
            {
                "what": {
                    "identifier": MRN_7,
                    "type": "http://hl7.org/fhir/StructureDefinition/Patient",
                }
            },
            ((MRN, "7"),),
        ),
        (
            {
                "what": {"identifier": MRN_7},
                "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Patient"},
            },
            ((MRN, "7"),),
        ),
        # identifiers without system, as CX, in a search
        ({"what": {"identifier": {"value": "7"}}, "role": PATIENT_ROLE}, (("", "7"),)),
        (
            {"what": {"identifier": {"value": "7^^^H&1.2.3&ISO"}}, "role": PATIENT_ROLE},
            (("", "7^^^H&1.2.3&ISO"), ("urn:oid:1.2.3", "7")),
        ),
        (
            {"what": {"reference": "Patient?identifier=urn%3Amrn%7C7"}},
            (("urn:mrn", "7"),),
        ),
    ],
)
def test_a_patient_may_be_named_by_identifier(
    entity: dict[str, Any], expected: tuple[tuple[str, str], ...]
) -> None:
    """System and value as submitted, and parsed if the value is an HL7 v2 CX."""
    (patient,) = patients(r4(entity=[entity]))
    assert patient is not None
    assert patient.identifiers == expected


@pytest.mark.parametrize(
    "entity",
    [
        {"what": {"identifier": MRN_7}},
        {"what": {"identifier": MRN_7}, "role": {"system": OBJECT_ROLE, "code": "4"}},
        {"what": {"identifier": MRN_7}, "role": {"system": "urn:other", "code": "1"}},
        {"what": {"identifier": MRN_7}, "type": {"system": ENTITY_TYPE, "code": "2"}},
        # persons who are no patients
        {
            "what": {"reference": "Practitioner/1"},
            "type": PERSON_TYPE,
        },
        {
            "what": {"identifier": MRN_7},
            "type": PERSON_TYPE,
            "role": {"system": OBJECT_ROLE, "code": "15"},
        },
    ],
)
def test_other_entities_are_no_patients(entity: dict[str, Any]) -> None:
    """Documents, queries, practitioners."""
    assert patients(r4(entity=[entity])) == [None]


def test_a_person_without_role_is_assumed_a_patient_and_flagged() -> None:
    """Missing a patient is worse than indexing under a person who is none."""
    event = parsed(r4(entity=[{"what": {"identifier": MRN_7}, "type": PERSON_TYPE}]))
    assert event.parts[0].patient == PatientReference(None, ((MRN, "7"),))
    assert event.flags == ("patient.assumed-from-type",)


def test_a_contained_patient_is_identified_by_its_identifiers() -> None:
    """`#p1` means something only within the event."""
    for entity in ({"what": {"reference": "#p1"}}, patient_entity("#p1")):
        (patient,) = patients(r4(contained=[CONTAINED], entity=[entity]))
        assert patient == PatientReference(None, ((MRN, "7"),))


def test_a_contained_resource_of_another_type_is_no_patient() -> None:
    """HL7's error example refers to a contained OperationOutcome."""
    contained = {"resourceType": "OperationOutcome", "id": "p1"}
    assert patients(r4(contained=[contained], entity=[{"what": {"reference": "#p1"}}])) == [None]


def test_r5_names_the_patient_in_a_top_level_element() -> None:
    """By reference or identifier, with or without entities."""
    assert patients(r5(patient={"reference": "Patient/1"})) == [PatientReference("Patient/1")]
    assert patients(r5(patient={"identifier": MRN_7})) == [PatientReference(None, ((MRN, "7"),))]
    same = r5(patient={"reference": "Patient/1"}, entity=[patient_entity("Patient/1/_history/2")])
    assert patients(same) == [PatientReference("Patient/1")]


def test_an_r4_event_with_r5_s_patient_is_about_that_patient_too() -> None:
    """A sender's mix of releases must not hide a patient."""
    event = r4(patient={"reference": "Patient/1"}, entity=[patient_entity("Patient/2")])
    found = patients(event)
    assert found == [PatientReference("Patient/1"), PatientReference("Patient/2")]


def test_the_same_patient_named_twice_is_one() -> None:
    """By an equal reference or identifier, also through a third element that links the two."""
    both = {"reference": "Patient/1/_history/3", "identifier": MRN_7}
    event = r4(
        entity=[
            patient_entity("Patient/1"),
            {"what": {"identifier": MRN_7}, "role": PATIENT_ROLE},
            {"what": both},
        ]
    )
    assert patients(event) == [PatientReference("Patient/1", ((MRN, "7"),))]
    assert parsed(event).parts[0].cut == ()


def test_patients_without_a_link_are_different() -> None:
    """In the order of their first mention."""
    event = r4(
        entity=[
            patient_entity("Patient/2"),
            patient_entity("Patient/1"),
            {"what": {"identifier": {"system": "urn:other", "value": "7"}}, "role": PATIENT_ROLE},
            {"what": {"identifier": MRN_7}, "role": PATIENT_ROLE},
            patient_entity("Patient/2"),
        ]
    )
    assert patients(event) == [
        PatientReference("Patient/2"),
        PatientReference("Patient/1"),
        PatientReference(None, (("urn:other", "7"),)),
        PatientReference(None, ((MRN, "7"),)),
    ]


def test_an_event_without_another_patient_is_about_the_acting_patient() -> None:
    """A login, or a look at the own record: the agent that made the request comes first."""
    event = r4(
        agent=[
            {"who": {"reference": "Patient/helper"}, "requestor": False},
            {"who": {"reference": "Patient/own"}, "requestor": True},
        ]
    )
    assert patients(event) == [PatientReference("Patient/own")]


def test_a_patient_who_acts_on_another_is_only_the_agent() -> None:
    """If a mother reads her child's record, the event is about the child."""
    event = parsed(
        r4(
            agent=[{"who": {"reference": "Patient/mother"}, "requestor": True}],
            entity=[patient_entity("Patient/child")],
        )
    )
    assert [part.patient for part in event.parts] == [PatientReference("Patient/child")]
    assert event.agents[0].patient == PatientReference("Patient/mother")


def test_a_patient_without_any_identifier_is_flagged() -> None:
    """The event is about a patient whom nobody can look up."""
    event = parsed(r4(entity=[patient_entity(name="someone")]))
    assert event.parts[0].patient == PatientReference()
    assert event.flags == ("patient.unidentified",)


def test_too_many_patients_in_one_event_are_rejected() -> None:
    """With 413; at the limit each has a part."""
    entities = [patient_entity(f"Patient/{n}") for n in range(MAX_PATIENTS + 1)]
    assert len(parsed(r4(entity=entities[1:])).parts) == MAX_PATIENTS
    with pytest.raises(RejectedEventError) as caught:
        parsed(r4(entity=entities))
    assert (caught.value.status, caught.value.code) == (413, "too-costly")


@pytest.mark.parametrize(("rule", "patient", "canonical"), [
    (BY_MRN, PatientReference(None, ((MRN, "7"),)), f"{MRN}|7"),
    (BY_MRN, PatientReference("Patient/1", (("", "7"), (MRN, "8"))), f"{MRN}|8"),
    (BY_MRN, PatientReference("Patient/1"), None),
    (BY_MRN, PatientReference("Patient/1", (("", "7"),)), None),
    (BY_REFERENCE, PatientReference("Patient/1", ((MRN, "7"),)), "portal:ehr/Patient/1"),
    (BY_REFERENCE, PatientReference(None, ((MRN, "7"),)), None),
    (BY_REFERENCE, PatientReference("Person/1"), None),
    (BY_REFERENCE, PatientReference("Patient?identifier=x|1"), None),
    (BY_REFERENCE, PatientReference("Patient/"), None),
    (BY_REFERENCE, PatientReference("#p1"), None),
    (BY_REFERENCE, PatientReference("urn:uuid:ABC-1"), "urn:uuid:abc-1"),
    (BY_REFERENCE, PatientReference("urn:oid:1.2.3"), None),
    (PatientRule(), PatientReference("Patient/1", ((MRN, "7"),)), None),
    (PatientRule(MRN, "portal:ehr"), PatientReference("Patient/1"), "portal:ehr/Patient/1"),
    (PatientRule(MRN, "portal:ehr"), PatientReference("Patient/1", ((MRN, "7"),)), f"{MRN}|7"),
])  # fmt: skip
def test_the_portal_s_rule_determines_the_canonical_identifier(
    rule: PatientRule, patient: PatientReference, canonical: str | None
) -> None:
    """It is None if the event does not name the patient that way."""
    assert canonical_patient(rule, patient) == canonical


def test_canonical_identifiers_of_the_two_rules_never_collide() -> None:
    """Those of systems contain a bar, those of references do not."""
    tricky = PatientReference(None, (("Patient/1", ""), ("Patient/1", "x")))
    assert canonical_patient(PatientRule(system="Patient/1"), tricky) != "Patient/1"
