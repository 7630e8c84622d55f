"""The bounds of a search: every matching event is within them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.events import PatientReference, canonical_agent, parse_audit_event
from audit_ledger.search.match import matches
from audit_ledger.search.parameters import parse_search
from audit_ledger.search.query_plan import (
    EventPeriod,
    agent_lookups,
    entry_period,
    event_period,
    patient_lookups,
    requested_ids,
)
from tests.builders.audit_event import encoded, r4
from tests.builders.opened_event import accepted

NOVEMBER_22 = 1_795_305_600_000
DAY = 86_400_000
START, END = -62_135_596_800_000, 253_402_300_800_000

DATES = ["2026-11-22", "2026-11", "2025", "2026-11-23T01:00Z", "2026-11-22T23:59:59.999Z"]
CONDITIONS = st.builds(
    "".join, st.tuples(st.sampled_from(["", "ge", "gt", "le", "lt"]), st.sampled_from(DATES))
)


def parse(*pairs: tuple[str, str]) -> Any:
    """Parse a search that is bounded by an id."""
    return parse_search([*pairs, ("_id", "x")], is_strict=True)


def test_the_period_is_implied_by_all_dates() -> None:
    """The intersection of repetitions, the span of alternatives; all time without a date."""
    assert event_period(parse()) == EventPeriod(START, END)
    both = parse(("date", "ge2026-11-22"), ("date", "lt2026-11-24"))
    assert event_period(both) == EventPeriod(NOVEMBER_22, NOVEMBER_22 + 2 * DAY)
    either = parse(("date", "2026-11-22,2026-11-25"))
    assert event_period(either) == EventPeriod(NOVEMBER_22, NOVEMBER_22 + 4 * DAY)
    never = parse(("date", "2026-11-22"), ("date", "2026-11-24"))
    assert event_period(never).is_empty
    assert not event_period(both).is_empty


def test_the_period_of_entries_is_independent_of_that_of_events() -> None:
    """`_lastUpdated` bounds the entries' times, `date` the events'."""
    search = parse(("_lastUpdated", "2026-11-22"), ("date", "2026-11-23"))
    assert entry_period(search) == EventPeriod(NOVEMBER_22, NOVEMBER_22 + DAY)
    assert event_period(search) == EventPeriod(NOVEMBER_22 + DAY, NOVEMBER_22 + 2 * DAY)


@given(
    st.lists(st.lists(CONDITIONS, min_size=1, max_size=3), min_size=1, max_size=3),
    st.integers(NOVEMBER_22 - 400 * DAY, NOVEMBER_22 + 3 * DAY),
)
def test_a_matching_event_is_within_the_period(dates: list[list[str]], time_ms: int) -> None:
    """For any mixture of conditions and any instant."""
    search = parse_search([("date", ",".join(some)) for some in dates], is_strict=True)
    event = accepted(encoded(r4()), time_ms=time_ms)
    if matches(search, event):
        period = event_period(search)
        assert period.from_ms <= time_ms < period.to_ms


def test_requested_ids_are_those_that_all_criteria_allow() -> None:
    """None without a criterion."""
    assert requested_ids(parse_search([("date", "2026")], is_strict=True)) is None
    assert requested_ids(parse_search([("_id", "b,a,b")], is_strict=True)) == ("b", "a")
    both = parse_search([("_id", "a,b,c"), ("_id", "c,b")], is_strict=True)
    assert requested_ids(both) == ("b", "c")
    assert requested_ids(parse_search([("_id", "a"), ("_id", "b")], is_strict=True)) == ()


def test_patients_are_looked_up_by_reference_or_by_system_and_value() -> None:
    """One lookup for each repetition, unless one of its alternatives cannot be hashed."""
    search = parse(
        ("patient", "1,urn:uuid:A"),
        ("patient.identifier", "urn:mrn|7"),
        ("patient.identifier", "urn:mrn|7,8"),
        ("patient.identifier", "|7"),
        ("patient.identifier", "urn:mrn|"),
        ("patient", "1,urn:oid:1.2"),
    )
    assert patient_lookups(search) == (
        (PatientReference("Patient/1"), PatientReference("urn:uuid:a")),
        (PatientReference(None, (("urn:mrn", "7"),)),),
    )


@pytest.mark.parametrize(
    ("pair", "names", "patients", "is_complete"),
    [
        (("agent", "Practitioner/1"), ["reference|Practitioner/1"], [], True),
        (
            ("agent", "Person/1,RelatedPerson/2"),
            ["reference|Person/1", "reference|RelatedPerson/2"],
            [],
            True,
        ),
        (
            ("agent", "Patient/1"),
            [],
            [PatientReference("Patient/1")],
            True,
        ),
        (
            ("agent", "urn:uuid:a"),
            ["reference|urn:uuid:a"],
            [PatientReference("urn:uuid:a")],
            False,
        ),
        (("agent", "https://a.example/u/1"), ["reference|https://a.example/u/1"], [], False),
        (
            ("agent.identifier", r"urn:s|9\|5"),
            ["identifier|urn:s|9|5"],
            [PatientReference(None, (("urn:s", "9|5"),))],
            False,
        ),
    ],
)
def test_agents_are_looked_up_by_their_canonical_names(
    pair: tuple[str, str], names: list[str], patients: list[PatientReference], is_complete: bool
) -> None:
    """And by the pseudonym of the patient that they may be."""
    (lookup,) = agent_lookups(parse(pair))
    assert (list(lookup.names), list(lookup.patients)) == (names, patients)
    assert lookup.is_complete is is_complete


@pytest.mark.parametrize(
    "pair",
    [
        ("agent", "1"),
        ("agent", "Device/1"),
        ("agent", "Organization/1"),
        ("agent", "Practitioner/1,Device/1"),
        ("agent.identifier", "95"),
        ("agent.identifier", "|95"),
        ("agent.identifier", "urn:s|"),
        ("agent.identifier", "urn:s|95,96"),
    ],
)
def test_an_agent_that_is_not_indexed_is_no_lookup(pair: tuple[str, str]) -> None:
    """Without type, system or value, or not a person."""
    assert agent_lookups(parse(pair)) == ()


@pytest.mark.parametrize(
    "type_",
    [
        "Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person", "Device",
        "Organization", "CareTeam", "HealthcareService", "Group", "DeviceDefinition",
    ],
)  # fmt: skip
def test_a_complete_lookup_has_the_name_that_ingest_indexes(type_: str) -> None:
    """For agents that are persons by their type; others are no lookup."""
    who = {"reference": f"https://a.example/fhir/{type_}/1/_history/1", "display": "One"}
    who |= {"identifier": {"system": "urn:s", "value": "95"}}  # type: ignore[dict-item]
    (agent,) = parse_audit_event(
        json.dumps(r4(agent=[{"who": who, "requestor": True}])).encode()
    ).agents
    if type_ == "Patient":  # of another server: no relative reference names it
        named = ("https://a.example/fhir/Patient/1", (("urn:s", "95"),))
        assert agent.patient == PatientReference(*named)
        return
    lookups = agent_lookups(parse(("agent", f"{type_}/1")))
    if agent.is_person:
        (lookup,) = lookups
        assert lookup.is_complete
        if agent.patient is None:  # else indexed by the patient's pseudonym alone
            assert lookup.names == (canonical_agent(agent),)
        else:
            assert [patient.reference for patient in lookup.patients] == [agent.patient.reference]
        assert (agent.patient is None) == bool(lookup.names)
    else:
        assert lookups == ()


def test_no_repr_shows_agents_or_patients() -> None:
    """It may be logged by mistake."""
    search = parse(("agent", "Practitioner/jane"), ("patient", "jane"))
    assert "jane" not in repr((agent_lookups(search), patient_lookups(search)))
