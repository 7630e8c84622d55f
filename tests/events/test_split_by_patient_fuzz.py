"""Whatever an event states about its patients, no part identifies another patient."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.events import parse_audit_event, parse_cloudevent_structured
from tests.builders.audit_event import MRN, OBJECT_ROLE, r4, r5
from tests.events.leaks import assert_only_spans_were_removed, texts_in

# Id, MRN, given name, family name; no text of one person contains another's.
PEOPLE = [
    ("pat-4a81", "90817263", "Wilhelmina", "Vandersloot"),
    ("pat-77c0", "18273645", "Anaximander", "Quispe"),
    ("pat-d00d", "55340912", "Günther", "Österreich"),
    ("pat-e55e", "30219873", "Siobhán", "Ó Conchobhair"),
]


def identifying_texts(person: tuple[str, str, str, str]) -> list[str]:
    """Return the texts that no other part may contain, case folded."""
    id_, mrn, given_name, family = person
    return [text.casefold() for text in (id_, mrn, f"{given_name} {family}")]


def spellings(person: tuple[str, str, str, str]) -> list[str]:
    """Return the ways in which senders mention a person."""
    id_, mrn, given_name, family = person
    name = f"{given_name} {family}"
    return [
        name,
        f"{family}, {given_name}",
        name.upper(),
        f"Patient/{id_}",
        f"GET https://ehr.example/Observation?patient={id_}&_sort=-date",
        quote(f"subject=Patient/{id_}", safe=""),
        quote_plus(f"name={name}"),
        f"MRN {mrn}",
        f"MRN{mrn}",
        f"{mrn}^^^&1.2.36&ISO",
        b64encode(f"PID|||{mrn}||{name}".encode()).decode(),
        b64encode(name.encode("latin-1")).decode(),
    ]


def entity_of(person: tuple[str, str, str, str], how: int, extra: str) -> dict[str, Any]:
    """Return an entity for a person, in one of the ways that senders use."""
    id_, mrn, given_name, family = person
    name = f"{given_name} {family}"
    role = {"system": OBJECT_ROLE, "code": "1"}
    identifier = {"system": MRN, "value": mrn}
    reference = f"Patient/{id_}"
    entities: list[dict[str, Any]] = [
        {"what": {"reference": reference, "identifier": identifier, "display": name}},
        {"what": {"reference": f"{reference}/", "identifier": identifier}, "name": name},
        {
            "what": {"identifier": identifier, "reference": f"{reference}/_history/9"},
            "role": role,
            "name": name,
            "detail": [{"type": "t", "valueString": extra}],
            "description": extra,
        },
        {
            "what": {"reference": reference, "identifier": identifier, "display": name},
            "role": {"coding": [role]},
            "query": b64encode(extra.encode()).decode(),
            "extension": [{"url": "u", "valueString": extra}],
        },
    ]
    return entities[how]


def places(text: str) -> list[dict[str, Any]]:
    """Return top-level elements that contain a text."""
    return [
        {"outcomeDesc": text},
        {"text": {"status": "generated", "div": f"<div>{text}</div>"}},
        {"contained": [{"resourceType": "Basic", "id": "b", "author": {"display": text}}]},
        {"meta": {"tag": [{"code": "x"}, {"display": text}], "source": text}},
        {"purposeOfEvent": [{"text": text}, {"coding": [{"code": "TREAT", "display": text}]}]},
        {"extension": [{"url": "u", "extension": [{"url": "v", "valueString": text}]}]},
        {"source": {"site": text, "observer": {"display": "d", "identifier": {"value": text}}}},
        {"id": text},
        {"implicitRules": text},
        {"basedOn": [{"reference": "ServiceRequest/1", "display": text}, {"display": text}]},
        {"subtype": [{"code": "read", "display": text}, {"code": "x"}]},
    ]


@st.composite
def events(draw: st.DrawFn) -> tuple[dict[str, Any], list[tuple[str, str, str, str]]]:
    """An event of two to four people who are mentioned all over it."""
    people = draw(st.permutations(PEOPLE))[: draw(st.integers(2, 4))]
    mention = st.sampled_from([text for person in people for text in spellings(person)])
    event = draw(st.sampled_from([r4, r5]))()
    for elements in draw(
        st.lists(mention.flatmap(lambda m: st.sampled_from(places(m))), max_size=5)
    ):
        event |= elements
    entities = [entity_of(p, draw(st.integers(0, 3)), draw(mention)) for p in people]
    shared = st.sampled_from(
        [
            lambda t: {"what": {"reference": "List/1", "display": t}, "name": t},
            lambda t: {"what": {"identifier": {"value": t}}, "description": t},
            lambda t: {"what": {"reference": t}, "securityLabel": [{"code": "R", "display": t}]},
            lambda t: {"query": b64encode(t.encode()).decode(), "role": {"code": "24"}},
            lambda t: {
                "detail": [{"type": "x", "valueBase64Binary": b64encode(t.encode()).decode()}]
            },
            lambda t: {"agent": [{"who": {"display": t}}, {"policy": [t, "p"]}]},
        ]
    )
    for _ in range(draw(st.integers(0, 3))):
        entities.insert(draw(st.integers(0, len(entities))), draw(shared)(draw(mention)))
    event["entity"] = entities
    event["agent"][0]["policy"] = [draw(mention), "policy"]
    event["agent"][0]["location"] = {"display": draw(mention)}
    if draw(st.booleans()):
        id_, mrn, *_ = people[0]
        event["patient"] = {
            "reference": f"Patient/{id_}",
            "identifier": {"system": MRN, "value": mrn},
        }
        event["encounter"] = {"reference": "Encounter/1", "display": draw(mention)}
    return event, people


def assert_parts_are_private(parts: Any, people: list[tuple[str, str, str, str]]) -> None:
    """Assert that each part names the one person it is about, and reveals no other."""
    assert len(parts) == len(people)
    for part in parts:
        (own,) = [p for p in people if part.patient.reference == f"Patient/{p[0]}"]
        texts = list(texts_in(part.resource))
        assert any(own[0] in text for text in texts)
        for other in people:
            if other is not own:
                leaked = [t for t in identifying_texts(other) if any(t in text for text in texts)]
                assert leaked == []


@given(events(), st.sampled_from([None, 1]), st.booleans())
def test_no_part_of_an_audit_event_identifies_another_patient(
    event: tuple[dict[str, Any], list[tuple[str, str, str, str]]],
    indent: int | None,
    ascii_only: bool,
) -> None:
    """In any spelling that an independent search of raw, decoded and unpacked texts finds."""
    document, people = event
    body = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    parts = parse_audit_event(body).parts
    assert_parts_are_private(parts, people)
    for part in parts:
        assert_only_spans_were_removed(part.resource, body, part.cut)


@given(events(), st.integers(0, 3), st.integers(0, 11))
def test_no_part_of_a_cloudevent_identifies_another_patient(
    event: tuple[dict[str, Any], list[tuple[str, str, str, str]]],
    person_index: int,
    spelling_index: int,
) -> None:
    """Its envelope is cut as well: subject, and extension attributes that mention someone."""
    document, people = event
    person = people[person_index % len(people)]
    envelope = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:ehr",
        "type": "fhir.auditevent",
        "subject": f"Patient/{person[0]}",
        "about": spellings(person)[spelling_index],
        "data": document,
    }
    parts = parse_cloudevent_structured(json.dumps(envelope).encode()).parts
    assert_parts_are_private(parts, people)
    for part in parts:
        assert json.loads(part.resource)["type"] == "fhir.auditevent"
        assert all(path.startswith(("data.", "subject", "about")) for path in part.cut)
