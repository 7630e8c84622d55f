"""An event about several patients: each part contains nothing of the others, and all the rest."""

import json
from base64 import b64encode
from typing import Any

import pytest

from audit_ledger.events import Part, parse_audit_event
from tests.builders.audit_event import MRN, encoded, parsed, patient_entity, r4, r5
from tests.events.leaks import texts_in
from tests.events.two_people import ADA, BOB, DOCUMENT, parts


def both(**elements: Any) -> tuple[dict[str, Any], dict[str, Any], tuple[Part, ...]]:
    """Return Ada's and Bob's decoded parts of an event that names both, and the parts."""
    entities = [{"what": ADA, "role": {"code": "1"}}, {"what": BOB, "role": {"code": "1"}}]
    both_parts = parts(r4(entity=[*entities, *elements.pop("entity", [])], **elements))
    assert len(both_parts) == 2
    ada, bob = (json.loads(part.resource) for part in both_parts)
    return ada, bob, both_parts


def test_elements_of_other_patients_are_cut_and_listed() -> None:
    """Each part retains its own patient's entity and the document that both share."""
    ada, bob, (first, second) = both(entity=[DOCUMENT])
    assert [e["what"]["reference"] for e in ada["entity"]] == [
        ADA["reference"],
        "DocumentReference/d1",
    ]
    assert [e["what"]["reference"] for e in bob["entity"]] == [
        BOB["reference"],
        "DocumentReference/d1",
    ]
    assert first.cut == ("AuditEvent.entity[1]",)
    assert second.cut == ("AuditEvent.entity[0]",)
    assert first.patient is not None
    assert first.patient.reference == ADA["reference"]


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_all_other_bytes_stay(indent: int | None) -> None:
    """The first of two elements is cut with the comma behind it, the second with that before it."""
    event = r4(entity=[{"what": ADA}, {"what": BOB}])
    body = encoded(event, indent)
    text = body.decode()
    ada, bob = (json.dumps({"what": who}, indent=indent) for who in (ADA, BOB))
    if indent is not None:
        ada, bob = (one.replace("\n", "\n" + " " * 2 * indent) for one in (ada, bob))
    start, end = text.index(bob), text.index(bob) + len(bob)
    between = text[text.index(ada) + len(ada) : start]
    first, second = parse_audit_event(body).parts
    assert first.resource.decode() == text.replace(between + bob, "")
    assert second.resource.decode() == text.replace(ada + between, "")
    assert text[start:end] == bob


def test_texts_that_may_name_anyone_are_cut() -> None:
    """The narrative; texts of entities of no patient; every query."""
    query = b64encode(b"patient=ada-1815,bob-1903").decode()
    ada, bob, found = both(
        text={"status": "generated", "div": "<div>two people</div>"},
        entity=[
            {"role": {"code": "24"}, "query": query, "description": "two people"},
            {
                "what": {"reference": "List/1", "display": "their list"},
                "name": "their list",
                "detail": [{"type": "x", "valueString": "two people"}],
            },
        ],
    )
    for part in (ada, bob):
        assert "text" not in part
        assert part["entity"][1:] == [{"role": {"code": "24"}}, {"what": {"reference": "List/1"}}]
    assert found[0].cut == (
        "AuditEvent.entity[1]",
        "AuditEvent.entity[2].query",
        "AuditEvent.entity[2].description",
        "AuditEvent.entity[3].what.display",
        "AuditEvent.entity[3].name",
        "AuditEvent.entity[3].detail",
        "AuditEvent.text",
    )


def test_texts_in_the_patient_s_own_entity_stay() -> None:
    """They are about the patient of the part."""
    own = {
        "what": ADA,
        "role": {"code": "1"},
        "name": "Ada",
        "description": "seen today",
        "detail": [{"type": "x", "valueString": "bed 7"}],
    }
    ada, _ = parts(r4(entity=[own, {"what": BOB}]))
    assert json.loads(ada.resource)["entity"] == [own]


def test_mentions_of_another_in_the_patient_s_own_entity_are_cut() -> None:
    """Only the member is cut: the entity itself names the patient and stays."""
    own = {"what": {**ADA, "display": "Ada, not Bob Roe"}, "name": "see bob-1903", "lifecycle": {}}
    ada, _ = parts(r4(entity=[own, {"what": BOB}]))
    assert json.loads(ada.resource)["entity"] == [
        {"what": {"reference": ADA["reference"]}, "lifecycle": {}}
    ]


def test_an_identifier_that_two_patients_share_is_not_cut() -> None:
    """The same value in two systems: each part must still name its own patient."""
    one = {"identifier": {"system": "urn:a", "value": "55555"}}
    two = {"identifier": {"system": "urn:b", "value": "55555"}}
    first, second = parts(
        r4(
            outcomeDesc="55555",
            entity=[{"what": one, "role": {"code": "1"}}, {"what": two, "role": {"code": "1"}}],
        )
    )
    assert [e["what"] for e in json.loads(first.resource)["entity"]] == [one]
    assert [e["what"] for e in json.loads(second.resource)["entity"]] == [two]


def test_ids_with_a_common_prefix_are_different_patients() -> None:
    """Neither `Patient/12` nor any other 1 in a text mentions `Patient/1`."""
    event = r4(
        outcome="0",
        entity=[patient_entity("Patient/1"), patient_entity("Patient/12"), DOCUMENT],
        outcomeDesc="chart of Patient/12 opened",
    )
    first, second = parts(event)
    assert first.cut == ("AuditEvent.entity[1]", "AuditEvent.outcomeDesc")
    assert second.cut == ("AuditEvent.entity[0]",)


def test_contained_resources_stay_only_in_the_parts_they_belong_to() -> None:
    """A contained patient in the own part, resources of agents in all parts, others in none."""
    ada = {
        "resourceType": "Patient",
        "id": "a",
        "identifier": [{"system": MRN, "value": "11112222"}],
        "name": [{"family": "Lovelace", "given": ["Ada", "King"]}],
    }
    bob = {
        "resourceType": "Patient",
        "id": "b",
        "identifier": [{"system": MRN, "value": "33334444"}],
        "name": [{"text": "Bob Roe"}],
    }
    doctor = {"resourceType": "Practitioner", "id": "d"}
    event = r4(
        contained=[
            ada,
            bob,
            doctor,
            {"resourceType": "Basic", "id": "x"},
            {"resourceType": "List"},
        ],
        agent=[{"who": {"reference": "#d"}}],
        outcomeDesc="King Ada Lovelace was compared",
        purposeOfEvent=[{"text": "about Lovelace, Ada"}, {"text": "about Roe"}],
        entity=[patient_entity("#a"), patient_entity("#b")],
    )
    first, second = (json.loads(part.resource) for part in parts(event))
    assert [c.get("id") for c in first["contained"]] == ["a", "d"]
    assert [c.get("id") for c in second["contained"]] == ["b", "d"]
    assert "purposeOfEvent" in first
    assert second.get("purposeOfEvent") == [{"text": "about Roe"}]
    assert "outcomeDesc" not in second


def test_agents_stay_in_every_part_even_if_they_are_patients() -> None:
    """Bob's record must show who read it, even if Ada did."""
    agent = {"who": ADA, "name": "Ada Lovelace", "altId": "ada-1815", "requestor": True}
    ada, bob, _ = both(agent=[agent, {"who": {"display": "Dr Bob Roe"}}])
    assert ada["agent"] == bob["agent"] == [agent, {"who": {"display": "Dr Bob Roe"}}]
    assert [e["what"]["reference"] for e in bob["entity"]] == [BOB["reference"]]


def test_a_contained_agent_stays_in_every_part() -> None:
    """Even a contained patient whom both an entity and an agent refer to."""
    ada = {
        "resourceType": "Patient",
        "id": "a",
        "identifier": [{"system": MRN, "value": "11112222"}],
        "name": [{"text": "Ada Lovelace"}],
    }
    event = r4(
        contained=[ada],
        agent=[{"who": {"reference": "#a"}, "requestor": True}],
        entity=[patient_entity("#a"), {"what": BOB}],
    )
    _, bob = parts(event)
    assert bob.cut == ("AuditEvent.entity[0]",)
    assert json.loads(bob.resource)["contained"] == [ada]


def test_r5_s_patient_is_cut_with_its_encounter() -> None:
    """From the part of another patient; the encounter belongs to `patient`."""
    event = r5(
        patient=ADA,
        encounter={"reference": "Encounter/e1"},
        entity=[patient_entity(BOB["reference"]), {"role": {"coding": [{"code": "4"}]}}],
    )
    ada, bob = parts(event, 2)
    assert ada.cut == ("AuditEvent.entity[0]",)
    assert bob.cut == ("AuditEvent.patient", "AuditEvent.encounter")
    assert json.loads(ada.resource)["encounter"] == {"reference": "Encounter/e1"}
    assert b"Encounter" not in bob.resource


def test_an_array_that_would_become_empty_is_cut() -> None:
    """FHIR has no empty arrays. R5's `patient` names one patient, the only entity the other."""
    ada, bob = parts(r5(patient=ADA, entity=[{"what": BOB}]))
    assert "entity" not in json.loads(ada.resource)
    assert ada.cut == ("AuditEvent.entity[0]",)
    assert json.loads(bob.resource)["entity"] == [{"what": BOB}]


def test_a_nested_agent_who_is_another_patient_is_cut() -> None:
    """R5's entity.agent attributes an entity to someone."""
    event = r5(
        entity=[
            {"what": ADA},
            {"what": BOB},
            {
                "what": {"reference": "Consent/1"},
                "agent": [{"who": {"display": "Dr"}}, {"who": {"reference": BOB["reference"]}}],
            },
        ]
    )
    ada, _ = parts(event)
    assert ada.cut == ("AuditEvent.entity[1]", "AuditEvent.entity[2].agent[1]")


def test_parsing_an_event_again_results_in_the_same_parts() -> None:
    """In the same order, for redeliveries: event ids contain the numbers of parts."""
    event = r4(entity=[patient_entity(f"Patient/p{n}") for n in (3, 1, 2)])
    one, two = parsed(event).parts, parsed(event).parts
    assert one == two
    assert [p.patient and p.patient.reference for p in one] == [
        "Patient/p3",
        "Patient/p1",
        "Patient/p2",
    ]


def test_the_search_for_leaks_finds_encoded_texts() -> None:
    """The check of these tests is itself tested: plain, escaped, percent-encoded, base64."""
    for hidden in (
        b'{"a": "x Bob Roe y"}',
        rb'{"a": "B\u006fb Roe"}',
        b'{"a": "Bob%20Roe"}',
        b'{"a": "' + b64encode(b"x Bob Roe") + b'"}',
    ):
        assert any("bob roe" in text for text in texts_in(hidden)), hidden
