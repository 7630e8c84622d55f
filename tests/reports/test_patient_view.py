"""The patient's view: recounted, in plain words, and masked in every rendering."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.document import Instant
from audit_ledger.reports.html import to_html
from audit_ledger.reports.patient_view import (
    PatientView,
    ViewPolicy,
    patient_view,
    patient_view_document,
)
from audit_ledger.reports.rendering import to_csv, to_json
from audit_ledger.reports.suspension import Suspension
from audit_ledger.reports.time_zone import UTC_ZONE, Zone
from tests.builders.audit_event import DICOM, audit_event_samples, disclosure, patient_entity, r4
from tests.builders.opened_event import ms, opened, opened_sample
from tests.builders.random_day import random_day
from tests.reports.covers import BERLIN, EVER, cover

OPEN = ViewPolicy()
MASKED = ViewPolicy(day_only=True, role_only=True)
MADE = ms("2027-01-02T03:04:05.678Z")


def view(
    events: list[OpenedEvent], policy: ViewPolicy = OPEN, zone: Zone = UTC_ZONE
) -> PatientView:
    """Return what the patient sees."""
    return patient_view(events, policy, period=EVER, made_ms=MADE, zone=zone)[0]


def rendered(result: PatientView) -> str:
    """Return every rendering of every table in one text."""
    document = patient_view_document(result, cover())
    tables = [to_csv(document, table.key) for table in document.tables]
    return b"\n".join((to_json(document), to_html(document), *tables)).decode()


@pytest.mark.parametrize("seed", range(3))
def test_view_of_a_random_day_equals_a_recount(seed: int) -> None:
    """One line per event, the newest first; for each person as many as in the plain JSON."""
    day = random_day(seed)
    result = view([opened(event, seq) for seq, event in enumerate(day)])
    order = sorted(range(len(day)), key=lambda seq: (ms(day[seq]["recorded"]), seq), reverse=True)
    assert [access.entry for access in result.accesses] == order
    assert [access.when for access in result.accesses] == [
        Instant(ms(day[s]["recorded"])) for s in order
    ]
    names = [event["agent"][0]["who"]["display"] for event in day]
    assert {person.who: person.number for person in result.people} == Counter(names)
    for person in result.people:
        times = [ms(e["recorded"]) for e, n in zip(day, names, strict=True) if n == person.who]
        assert (person.first, person.last) == (Instant(min(times)), Instant(max(times)))
    numbers = [person.number for person in result.people]
    assert numbers == sorted(numbers, reverse=True)


def agent_of(event: dict[str, Any], reference: str, **elements: Any) -> dict[str, Any]:
    """Return the event with another agent."""
    return {**event, "agent": [{"who": {"reference": reference}, "requestor": True, **elements}]}


PATIENT = patient_entity("Patient/1")
READ = r4(outcome="0", entity=[PATIENT, {"what": {"reference": "Observation/3"}}])
RESULTS = "test results and measurements"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (READ, ("health professional", "looked at", RESULTS)),
        ({**READ, "action": "C"}, ("health professional", "added", RESULTS)),
        (
            {**READ, "action": "D", "outcome": "8"},
            ("health professional", "tried to remove, and failed", RESULTS),
        ),
        (
            r4(entity=[PATIENT]),
            ("health professional", "looked at (outcome not recorded)", "the health record"),
        ),
        (
            r4(action=None, outcome="0", entity=[PATIENT, {"what": {"reference": "Basic/1"}}]),
            ("health professional", "did something to", "the health record"),
        ),
        (
            disclosure(outcome="0"),
            ("health professional", "passed on to someone else", "documents"),
        ),
        (
            r4(
                type={"system": DICOM, "code": "110113"},
                subtype=[{"system": DICOM, "code": "110127"}],
                action="E",
                outcome="0",
                entity=[PATIENT],
            ),
            ("health professional", "opened as an emergency", "the health record"),
        ),
        (agent_of(READ, "Patient/1"), ("patient", "looked at", RESULTS)),
        (agent_of(READ, "RelatedPerson/1"), ("relative or friend", "looked at", RESULTS)),
        (agent_of(READ, "Device/1"), ("device or software", "looked at", RESULTS)),
    ],
)
def test_line_is_in_plain_words(event: dict[str, Any], expected: tuple[str, str, str]) -> None:
    """Role, action and category of data."""
    (access,) = view([opened(event)]).accesses
    assert (access.role, access.action, access.category) == expected


def test_the_patient_is_called_you() -> None:
    """Whatever name the portal sends; another patient is not."""
    events = [
        opened(agent_of(READ, "Patient/1/_history/2", name="Ada"), 1),
        opened(agent_of(READ, "Patient/2", name="Bob"), 2),
        opened(agent_of(READ, "https://x.example.org/Patient/1", name="Eve"), 3),
    ]
    names = {access.entry: access.who for access in view(events).accesses}
    assert names == {1: "you", 2: "Bob", 3: "Eve"}


def test_two_persons_of_one_name_are_two() -> None:
    """They are distinguished by their identifiers."""
    events = [
        opened(agent_of(READ, f"Practitioner/{number}", name="Dr Smith"), number)
        for number in (1, 2, 2)
    ]
    assert [(p.who, p.number) for p in view(events).people] == [("Dr Smith", 2), ("Dr Smith", 1)]


def test_organisation_is_that_of_the_user_and_not_of_the_recipient(shared_dir: Path) -> None:
    """BALP names it."""
    path = shared_dir / "samples/balp-1.1.4/AuditEvent-ex-auditPoke-SAML-Comp.json"
    (access,) = view([opened_sample(path)]).accesses
    assert (access.organisation or "").startswith("St. Mary of Examples")
    assert view([opened(disclosure())]).accesses[0].organisation is None


def test_suspended_events_leave_no_trace() -> None:
    """The renderings are, byte for byte, those of a ledger without them."""
    events = [opened(event, seq) for seq, event in enumerate(random_day(1, 80))]
    stated = Suspension(
        agency="Bureau",
        recipients=frozenset({"reference|Organization/lab", "reference|Practitioner/p3"}),
        from_ms=MADE - 1,
        until_ms=MADE + 1,
    )
    policy = ViewPolicy(suspensions=(stated,))
    hidden, suspended = patient_view(events, policy, period=EVER, made_ms=MADE, zone=UTC_ZONE)
    words = (b"Organization/lab", b'Practitioner/p3"')
    others = [event for event in events if not any(word in event.resource for word in words)]
    assert 0 < len(others) < len(events)
    assert rendered(hidden) == rendered(view(others))
    assert [s.number for s in suspended] == [len(events) - len(others)]


def names_in(event: Any) -> set[str]:
    """Return all names, identifiers and addresses of agents in the plain JSON."""
    names = set()
    for agent in event["agent"]:
        who = agent.get("who", {})
        names |= {agent.get("name"), agent.get("altId"), who.get("display"), who.get("reference")}
        names.add(who.get("identifier", {}).get("value"))
        names.add((agent.get("network") or {}).get("address"))
        names.add(agent.get("networkString"))
    return {name for name in names if name}


def assert_masked(events: list[dict[str, Any]], result: PatientView, zone: Zone) -> None:
    """Require that no rendering has an agent's name, or a time of day of an event in any form.

    The cover has times of day of its own: 00:00:00, and 03:04:05 of MADE.
    """
    text = rendered(result).replace("00:00:00", "").replace("03:04:05", "")
    for event in events:
        for name in names_in(event):
            assert name not in text
        moment = datetime.fromisoformat(event["recorded"])
        for clock in (moment, moment.astimezone(UTC), moment.astimezone(zone.info)):
            assert f"{clock:%H:%M:%S}" not in text
            assert f"{clock:%H:%M}" not in text.replace("00:00", "")
        assert str(ms(event["recorded"])) not in text
        assert str(ms(event["recorded"]) // 1000) not in text
    values = json.loads(to_json(patient_view_document(result, cover())))
    assert {access.who for access in result.accesses} == {None}
    assert {person.who for person in result.people} == {None}
    assert {key for row in values["accesses"] for key in row} == {
        "when", "stated", "role", "organisation", "action", "category",
    }  # fmt: skip
    days = [row["when"] for row in values["accesses"]]
    days += [row[key] for row in values["people"] for key in ("first", "last")]
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) for day in days)


@given(seed=st.integers(0, 2**32))
def test_masked_view_has_no_name_and_no_time_of_random_days(seed: int) -> None:
    """Its days are those of the zone."""
    day = random_day(seed, 20)
    result = view([opened(event, seq) for seq, event in enumerate(day)], MASKED, BERLIN)
    assert_masked(day, result, BERLIN)
    expected = [datetime.fromisoformat(e["recorded"]).astimezone(BERLIN.info).date() for e in day]
    assert sorted(str(access.when) for access in result.accesses) == sorted(map(str, expected))
    assert sum(person.number for person in result.people) == len(day)


def test_masked_view_has_no_name_and_no_time_of_any_sample(shared_dir: Path) -> None:
    """The sender's words for roles may reveal a person, so the report's own are used."""
    paths = audit_event_samples(shared_dir)
    samples = [json.loads(path.read_bytes()) for path in paths]
    chosen = {
        seq: event
        for seq, event in enumerate(samples)
        if "Organization/" not in json.dumps(event) and '"PROV"' not in json.dumps(event)
    }
    assert len(chosen) > 30
    masked = view([opened_sample(paths[seq], seq) for seq in chosen], MASKED)
    assert_masked(list(chosen.values()), masked, UTC_ZONE)


def test_masks_a_name_wherever_the_sender_wrote_it() -> None:
    """In a role's text, a code's display, the name of the organisation, an entity."""
    event = r4(
        agent=[
            {
                "who": {"reference": "Practitioner/77", "display": "Dr Zebra"},
                "requestor": True,
                "type": {"coding": [{"system": "urn:r", "code": "r", "display": "Zebra's deputy"}]},
                "role": [{"text": "nurse of Dr Zebra"}],
            },
            {"who": {"reference": "Organization/8", "display": "Practice of Dr Zebra"}},
        ],
        entity=[
            PATIENT,
            {"what": {"reference": "DocumentReference/3"}, "name": "Letter by Dr Zebra"},
        ],
    )
    shown = view([opened(event)])
    assert "Zebra" in rendered(shown)
    masked = view([opened(event)], ViewPolicy(role_only=True))
    assert "Zebra" not in rendered(masked)
    assert masked.accesses[0].role == "health professional"
    assert masked.accesses[0].organisation is None
    other = {**event["agent"][1], "who": {"display": "General Hospital"}, "requestor": False}
    other["type"] = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleClass", "code": "PROV"}]
    }
    (access,) = view([opened({**event, "agent": [event["agent"][0], other]})], MASKED).accesses
    assert access.organisation == "General Hospital"


@pytest.mark.parametrize(
    "name", ["Jane Smithson, MD", "Smithson, Jane", "Dr. Smithson", "J. M. Smithson", "SMITHSON"]
)
def test_masks_an_organisation_that_bears_a_persons_name(name: str) -> None:
    """In any order, with any titles; one that only shares a title or an initial is shown."""
    person = {"who": {"reference": "Practitioner/77", "display": name}, "requestor": True}
    for organisation, shown in (
        ("Family Practice Dr. Jane Smithson", None),
        ("Smithson & Sons", None),
        ("St. M. Dr. Elsewhere", "St. M. Dr. Elsewhere"),
    ):
        agents = [person, {"who": {"reference": "Organization/8", "display": organisation}}]
        (access,) = view([opened(r4(agent=agents))], ViewPolicy(role_only=True)).accesses
        assert access.organisation == shown


def test_agents_without_names_are_grouped_by_role() -> None:
    """They are not one person."""
    nurse = {"role": [{"coding": [{"system": "urn:r", "code": "n", "display": "nurse"}]}]}
    events = [
        opened(r4(agent=[{"requestor": True, **role}]), seq)
        for seq, role in enumerate((nurse, nurse, {}))
    ]
    people = view(events, ViewPolicy()).people
    assert [(person.who, person.role == "nurse", person.number) for person in people] == [
        (None, True, 2),
        (None, False, 1),
    ]


def test_each_mask_hides_nothing_else() -> None:
    """Days appear with names, and times with roles."""
    events = [opened(READ | {"agent": [{"who": {"display": "Dr Zebra"}, "requestor": True}]}, 41)]
    days = view(events, ViewPolicy(day_only=True))
    assert "Dr Zebra" in rendered(days)
    assert (days.accesses[0].entry, str(days.accesses[0].when)) == (None, "2026-11-22")
    roles = view(events, ViewPolicy(role_only=True))
    assert "Zebra" not in rendered(roles)
    assert (roles.accesses[0].entry, roles.accesses[0].when) == (41, Instant(events[0].time_ms))
    assert "2026-11-22T05:59:00.123+00:00" in rendered(roles)


def test_view_without_events_states_that_there_is_none() -> None:
    """In words, in place of an empty table."""
    assert "No access to the record is recorded for this time." in rendered(view([]))


def test_reprs_contain_no_personal_data() -> None:
    """They may end up in logs."""
    shown = repr(view([opened(disclosure())]))
    assert not any(word in shown for word in ("doc", "passed on", "documents"))
