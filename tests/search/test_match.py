"""Searches of the samples of HL7 and IHE, compared with an independent filter over plain JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.match import matches
from audit_ledger.search.parameters import parse_search
from tests.builders.audit_event import audit_event_samples, encoded, patient_entity, r4, r5
from tests.builders.cloudevent import cloudevent, enveloped
from tests.builders.opened_event import accepted
from tests.conftest import MATERIAL
from tests.search.harvest import values
from tests.search.reference_filter import is_found

BOUND = ("date", "ge1900")
Query = list[tuple[str, str]]


class SearchedSamples:
    """The samples, accepted and as plain JSON, alone and in CloudEvents; values to search for."""

    def __init__(self, shared_dir: Path) -> None:
        self.events: list[tuple[OpenedEvent, dict[str, Any]]] = []
        for seq, path in enumerate(audit_event_samples(shared_dir)):
            body = path.read_bytes()
            for sent in (body, enveloped(body, is_base64=seq % 2 == 0)):
                event = accepted(sent, seq=seq, entry_time=1_795_675_141 + seq % 3)
                self.events.append((event, json.loads(body)))
        self.values = values([(plain, e.event_id, e.entry_time) for e, plain in self.events])

    def check(self, query: Query) -> int:
        """Compare both searches; return how many events they find."""
        search = parse_search([*query, BOUND], is_strict=True)
        found = [event.event_id for event, _ in self.events if matches(search, event)]
        expected = [
            event.event_id
            for event, plain in self.events
            if is_found(plain, query, event_id=event.event_id, entry_time=event.entry_time)
        ]
        assert found == expected, query
        return len(found)


@pytest.fixture(scope="module")
def samples(shared_dir: Path) -> SearchedSamples:
    """All samples, and the values to search for."""
    return SearchedSamples(shared_dir)


def test_every_value_finds_what_the_plain_filter_finds(samples: SearchedSamples) -> None:
    """Every value of a sample, in every form; each parameter has values that match and others."""
    for name, some in samples.values.items():
        counts = [samples.check([(name, value)]) for value in some]
        assert 0 in counts or name == "action" or name.endswith((":not", ":missing")), name
        assert any(counts) or name == "source.identifier", name


def test_every_parameter_is_searched_in_all_samples(samples: SearchedSamples) -> None:
    """64 samples, each alone and in a CloudEvent, by at least three values of each parameter."""
    assert len(samples.events) == 128
    assert all(
        len(some) >= (2 if name.endswith(":missing") else 3)
        for name, some in samples.values.items()
    )
    assert {name.partition(":")[0] for name in samples.values} == {
        "date", "_lastUpdated", "_id", "patient", "patient.identifier", "agent",
        "agent.identifier", "source.identifier", "entity.identifier", "entity-type",
        "entity-role", "address", "action", "type", "category", "subtype", "code", "outcome",
        "purpose", "agent-role", "altid", "site", "entity", "source", "agent-name", "entity-name",
        "policy",
    }  # fmt: skip


@pytest.mark.skipif(not MATERIAL.is_dir(), reason=f"no test material at {MATERIAL}")
@given(data=st.data())
def test_repetition_is_and_a_comma_is_or(samples: SearchedSamples, data: st.DataObject) -> None:
    """In any mixture of parameters."""
    names = data.draw(st.lists(st.sampled_from(sorted(samples.values)), min_size=1, max_size=3))
    query = []
    for name in names:
        max_values = 1 if name.endswith(":missing") else 4
        some = st.lists(st.sampled_from(samples.values[name]), min_size=1, max_size=max_values)
        query.append((name, ",".join(data.draw(some))))
    samples.check(query)


def finds(event: dict[str, Any] | OpenedEvent, *query: tuple[str, str]) -> bool:
    """Return whether a search finds an event."""
    if not isinstance(event, OpenedEvent):
        event = accepted(json.dumps(event).encode())
    return matches(parse_search([*query, BOUND], is_strict=True), event)


@pytest.mark.parametrize(
    ("name", "value", "is_match"),
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
def test_strings_match_regardless_of_case_and_accents(
    name: str, value: str, is_match: bool
) -> None:
    """From the start; with `:contains` anywhere, with `:exact` as written."""
    agent = {"who": {"reference": "Device/1"}, "network": {"address": "K\u00f6ln-3.example"}}
    assert finds(r4(agent=[{**agent, "requestor": False}]), (name, value)) is is_match


def test_an_absent_element_matches_no_value() -> None:
    """FHIR, Search."""
    bare = r4(action=None, agent=[{"requestor": True}])
    for name in ("agent.identifier", "purpose", "entity-type", "subtype"):
        assert not finds(bare, (name, "1"))
    assert not finds(bare, ("action", "C,R,U,D,E"))
    assert not finds(bare, ("outcome", "0,4,8,12,success"))
    assert not finds(bare, ("agent", "1"))
    assert not finds(bare, ("patient", "1"))
    assert not finds(bare, ("address", "a"))


def test_a_patient_who_acts_is_found_as_patient_and_agent() -> None:
    """R4's `patient` compares agents too, also if the event is about another patient."""
    agent = {"who": {"reference": "Patient/2"}, "requestor": True}
    event = r4(agent=[agent], entity=[patient_entity("Patient/1")])
    assert finds(event, ("patient", "1"))
    assert finds(event, ("patient", "2"))
    assert finds(event, ("agent", "Patient/2"))
    assert not finds(event, ("agent", "Patient/1"))


def test_an_id_alone_finds_agents_of_any_type_but_no_urn() -> None:
    """`agent=1` finds Device/1 and Practitioner/1."""
    for reference, is_match in (
        ("Device/1", True),
        ("https://a.example/Practitioner/1/_history/2", True),
        ("Practitioner/11", False),
        ("urn:uuid:1", False),
        ("https://a.example/users/1", False),
        ("users/1", False),
    ):
        event = r4(agent=[{"who": {"reference": reference}, "requestor": True}])
        assert finds(event, ("agent", "1")) is is_match, reference


def test_a_urn_uuid_is_found_in_any_case() -> None:
    """It is compared in one form."""
    event = r4(entity=[patient_entity("urn:uuid:0A3B")])
    assert finds(event, ("patient", "URN:UUID:0a3b"))
    assert not finds(event, ("patient", "urn:uuid:0a3c"))


def test_a_contained_agent_is_found_by_its_identifiers() -> None:
    """`#d1` names nobody outside of the event."""
    doctor = {
        "resourceType": "Practitioner",
        "id": "d1",
        "identifier": [{"system": "urn:staff", "value": "a|b,c"}],
    }
    event = r5(contained=[doctor], agent=[{"who": {"reference": "#d1"}, "requestor": True}])
    assert finds(event, ("agent.identifier", r"urn:staff|a\|b\,c"))
    assert finds(event, ("agent.identifier", r"a\|b\,c"))
    assert not finds(event, ("agent.identifier", r"|a\|b\,c"))


def test_only_an_outcome_of_r4_has_the_system_of_fhir() -> None:
    """R4's outcome is a code with a bound value set; R5's Coding has its own system."""
    system = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
    assert finds(r4(outcome="8"), ("outcome", f"{system}|8"))
    assert finds(r4(outcome="8"), ("outcome", "|8"))
    own = r5(outcome={"code": {"system": "http://hl7.org/fhir/issue-severity", "code": "success"}})
    assert finds(own, ("outcome", "success"))
    assert not finds(own, ("outcome", "|success"))
    other = r5(outcome={"code": {"system": "urn:other", "code": "8"}})
    assert not finds(other, ("outcome", f"{system}|8"))


def test_a_record_event_is_found_by_its_members() -> None:
    """A CloudEvent without AuditEvent: by type, action, patient, actor, document and time."""
    data = {
        "patient": {"identifier": {"system": "urn:mrn", "value": "7"}},
        "actor": {"reference": "Practitioner/2"},
        "document": {"reference": "DocumentReference/3", "identifier": {"value": "r"}},
    }
    event = accepted(encoded(cloudevent(time="2026-11-22T05:59:00Z", data=data)))
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


def test_a_cloudevent_without_time_is_found_by_the_time_of_receipt() -> None:
    """To the millisecond."""
    event = accepted(encoded(cloudevent(type="door.opened")))
    assert finds(event, ("date", "2026-11-26T05:59:00.456Z"))
    assert not finds(event, ("date", "2026-11-26T05:59:00.457Z"))
