"""What a search finds among the samples of HL7 and IHE, against another filter over plain JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.match import matches
from audit_ledger.search.parameters import parse_search
from tests.builders.audit_event import patient_entity, r4, r5
from tests.builders.cloudevent import enveloped
from tests.builders.opened_event import accepted
from tests.conftest import MATERIAL
from tests.search.harvest import values
from tests.search.reference_filter import keeps
from tests.search.samples import samples

BOUND = ("date", "ge1900")
Query = list[tuple[str, str]]


def most(name: str) -> int:
    """How many values, parted by commas, a parameter may have."""
    return 1 if name.endswith(":missing") else 4


class Searched:
    """The samples, accepted and as plain JSON, alone and in CloudEvents; values to ask them for."""

    def __init__(self, shared_dir: Path) -> None:
        self.events: list[tuple[OpenedEvent, dict[str, Any]]] = []
        for seq, body in enumerate(samples(shared_dir)):
            for sent in (body, enveloped(body, is_base64=seq % 2 == 0)):
                event = accepted(sent, seq=seq, entry_time=1_795_675_141 + seq % 3)
                self.events.append((event, json.loads(body)))
        self.values = values([(plain, e.event_id, e.entry_time) for e, plain in self.events])

    def check(self, query: Query) -> int:
        """Search both ways; how many were found."""
        search = parse_search([*query, BOUND], is_strict=True)
        found = [event.event_id for event, _ in self.events if matches(search, event)]
        expected = [
            event.event_id
            for event, plain in self.events
            if keeps(plain, query, event_id=event.event_id, entry_time=event.entry_time)
        ]
        assert found == expected, query
        return len(found)


@pytest.fixture(scope="module")
def searched(shared_dir: Path) -> Searched:
    """All samples."""
    return Searched(shared_dir)


def test_each_value_of_each_parameter_finds_what_the_plain_filter_finds(searched: Searched) -> None:
    """Every value that a sample holds, in every form; and each parameter has hits and misses."""
    for name, some in searched.values.items():
        counts = [searched.check([(name, value)]) for value in some]
        assert 0 in counts or name == "action" or name.endswith((":not", ":missing")), name
        assert any(counts) or name == "source.identifier", name


def test_the_samples_are_asked_enough(searched: Searched) -> None:
    """No parameter of the table is left out, and there are 64 samples twice."""
    assert len(searched.events) == 128
    assert all(
        len(some) >= (2 if name.endswith(":missing") else 3)
        for name, some in searched.values.items()
    )
    assert {name.partition(":")[0] for name in searched.values} == {
        "date", "_lastUpdated", "_id", "patient", "patient.identifier", "agent",
        "agent.identifier", "source.identifier", "entity.identifier", "entity-type",
        "entity-role", "address", "action", "type", "category", "subtype", "code", "outcome",
        "purpose", "agent-role", "altid", "site", "entity", "source", "agent-name", "entity-name",
        "policy",
    }  # fmt: skip


@pytest.mark.skipif(not MATERIAL.is_dir(), reason=f"no test material at {MATERIAL}")
@given(data=st.data())
def test_and_and_or_combine_as_fhir_says(searched: Searched, data: st.DataObject) -> None:
    """Repetition is AND, a comma is OR, in any mixture of parameters."""
    names = data.draw(st.lists(st.sampled_from(sorted(searched.values)), min_size=1, max_size=3))
    query = []
    for name in names:
        some = st.lists(st.sampled_from(searched.values[name]), min_size=1, max_size=most(name))
        query.append((name, ",".join(data.draw(some))))
    searched.check(query)


def finds(event: dict[str, Any] | OpenedEvent, *query: tuple[str, str]) -> bool:
    """Search one event."""
    if not isinstance(event, OpenedEvent):
        event = accepted(json.dumps(event).encode())
    return matches(parse_search([*query, BOUND], is_strict=True), event)


@pytest.mark.parametrize(
    ("name", "asked", "is_found"),
    [
        ("address", "k\u00f6ln", True),  # precomposed
        ("address", "ko\u0308ln", True),  # combining
        ("address", "KOLN-3", True),
        ("address", "oln", False),
        ("address:contains", "OLN", True),
        ("address:exact", "K\u00f6ln-3.example", True),
        ("address:exact", "K\u00f6ln-3", False),
        ("address:exact", "k\u00f6ln-3.example", False),
    ],
)
def test_strings_match_whatever_their_case_and_accents(
    name: str, asked: str, is_found: bool
) -> None:
    """From the start; `:contains` anywhere; `:exact` as written."""
    agent = {"who": {"reference": "Device/1"}, "network": {"address": "K\u00f6ln-3.example"}}
    assert finds(r4(agent=[{**agent, "requestor": False}]), (name, asked)) is is_found


def test_an_event_without_what_is_asked_for_is_not_found() -> None:
    """No element, no match (FHIR, Search)."""
    bare = r4(action=None, agent=[{"requestor": True}])
    for name in ("agent.identifier", "purpose", "entity-type", "subtype"):
        assert not finds(bare, (name, "1"))
    assert not finds(bare, ("action", "C,R,U,D,E"))
    assert not finds(bare, ("outcome", "0,4,8,12,success"))
    assert not finds(bare, ("agent", "1"))
    assert not finds(bare, ("patient", "1"))
    assert not finds(bare, ("address", "a"))


def test_an_agent_who_is_a_patient_is_found_as_both() -> None:
    """R4's `patient` looks at agents too, also when the event is about somebody else."""
    agent = {"who": {"reference": "Patient/2"}, "requestor": True}
    event = r4(agent=[agent], entity=[patient_entity("Patient/1")])
    assert finds(event, ("patient", "1"))
    assert finds(event, ("patient", "2"))
    assert finds(event, ("agent", "Patient/2"))
    assert not finds(event, ("agent", "Patient/1"))


def test_an_agent_by_id_alone_is_of_any_type_but_no_urn() -> None:
    """`agent=1` finds Device/1 and Practitioner/1."""
    for reference, is_found in (
        ("Device/1", True),
        ("https://a.example/Practitioner/1/_history/2", True),
        ("Practitioner/11", False),
        ("urn:uuid:1", False),
        ("https://a.example/users/1", False),
        ("users/1", False),
    ):
        event = r4(agent=[{"who": {"reference": reference}, "requestor": True}])
        assert finds(event, ("agent", "1")) is is_found, reference


def test_urn_uuid_is_found_in_any_case() -> None:
    """References in urn:uuid: have one form."""
    event = r4(entity=[patient_entity("urn:uuid:0A3B")])
    assert finds(event, ("patient", "URN:UUID:0a3b"))
    assert not finds(event, ("patient", "urn:uuid:0a3c"))


def test_identifiers_of_a_contained_agent_are_the_agents() -> None:
    """`#d1` names nobody outside of the event; its identifiers do."""
    doctor = {
        "resourceType": "Practitioner",
        "id": "d1",
        "identifier": [{"system": "urn:staff", "value": "a|b,c"}],
    }
    event = r5(contained=[doctor], agent=[{"who": {"reference": "#d1"}, "requestor": True}])
    assert finds(event, ("agent.identifier", r"urn:staff|a\|b\,c"))
    assert finds(event, ("agent.identifier", r"a\|b\,c"))
    assert not finds(event, ("agent.identifier", r"|a\|b\,c"))


def test_an_outcome_without_system_has_fhirs_only_where_it_is_r4s() -> None:
    """R4's outcome is a code, whose system FHIR says; R5's Coding says its own."""
    system = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
    assert finds(r4(outcome="8"), ("outcome", f"{system}|8"))
    assert finds(r4(outcome="8"), ("outcome", "|8"))
    own = r5(outcome={"code": {"system": "http://hl7.org/fhir/issue-severity", "code": "success"}})
    assert finds(own, ("outcome", "success"))
    assert not finds(own, ("outcome", "|success"))
    other = r5(outcome={"code": {"system": "urn:other", "code": "8"}})
    assert not finds(other, ("outcome", f"{system}|8"))


def test_a_record_event_is_found_by_what_it_says() -> None:
    """A CloudEvent without AuditEvent: its type, action, patient, actor and document."""
    event = accepted(
        json.dumps(
            {
                "specversion": "1.0",
                "id": "1",
                "source": "urn:lab",
                "type": "record.result.filed",
                "time": "2026-11-22T05:59:00Z",
                "data": {
                    "patient": {"identifier": {"system": "urn:mrn", "value": "7"}},
                    "actor": {"reference": "Practitioner/2"},
                    "document": {"reference": "DocumentReference/3", "identifier": {"value": "r"}},
                },
            }
        ).encode()
    )
    for name, value in (
        ("type", "record.result.filed"),
        ("action", "C"),
        ("patient.identifier", "urn:mrn|7"),
        ("agent", "2"),
        ("entity.identifier", "|r"),
        ("date", "2026-11-22T05:59"),
    ):
        assert finds(event, (name, value)), name
        assert not finds(event, (name, {"date": "1999", "action": "D"}.get(name, "other")))


def test_a_cloudevent_without_time_is_found_by_when_it_came() -> None:
    """Its own time is that of receipt, milliseconds and all."""
    event = accepted(b'{"specversion":"1.0","id":"1","source":"urn:a","type":"door.opened"}')
    assert finds(event, ("date", "2026-11-26T05:59:00.456Z"))
    assert not finds(event, ("date", "2026-11-26T05:59:00.457Z"))
