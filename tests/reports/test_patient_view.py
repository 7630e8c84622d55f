"""Who accessed my record: recounted, read in plain words, and masked everywhere."""

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
    """What the patient sees."""
    return patient_view(events, policy, period=EVER, made_ms=MADE, zone=zone)[0]


def rendered(found: PatientView) -> str:
    """Every rendering of every table, in one text."""
    document = patient_view_document(found, cover())
    tables = [to_csv(document, table.key) for table in document.tables]
    return b"\n".join((to_json(document), to_html(document), *tables)).decode()


@pytest.mark.parametrize("seed", range(3))
def test_a_made_up_day_recounted(seed: int) -> None:
    """A line an event, the newest first; as many for each person as the plain JSON has."""
    day = random_day(seed)
    found = view([opened(event, seq) for seq, event in enumerate(day)])
    order = sorted(range(len(day)), key=lambda seq: (ms(day[seq]["recorded"]), seq), reverse=True)
    assert [access.entry for access in found.accesses] == order
    assert [access.when for access in found.accesses] == [
        Instant(ms(day[s]["recorded"])) for s in order
    ]
    names = [event["agent"][0]["who"]["display"] for event in day]
    assert {person.who: person.number for person in found.people} == Counter(names)
    for person in found.people:
        times = [ms(e["recorded"]) for e, n in zip(day, names, strict=True) if n == person.who]
        assert (person.first, person.last) == (Instant(min(times)), Instant(max(times)))
    numbers = [person.number for person in found.people]
    assert numbers == sorted(numbers, reverse=True)


def agent_of(event: dict[str, Any], reference: str, **elements: Any) -> dict[str, Any]:
    """The event, done by another."""
    return {**event, "agent": [{"who": {"reference": reference}, "requestor": True, **elements}]}


PATIENT = patient_entity("Patient/1")
READ = r4(outcome="0", entity=[PATIENT, {"what": {"reference": "Observation/3"}}])


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (READ, ("health professional", "looked at", "test results and measurements")),
        (
            {**READ, "action": "C"},
            ("health professional", "added", "test results and measurements"),
        ),
        (
            {**READ, "action": "D", "outcome": "8"},
            (
                "health professional",
                "tried to remove, and failed",
                "test results and measurements",
            ),
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
        (agent_of(READ, "Patient/1"), ("patient", "looked at", "test results and measurements")),
        (
            agent_of(READ, "RelatedPerson/1"),
            ("relative or friend", "looked at", "test results and measurements"),
        ),
        (
            agent_of(READ, "Device/1"),
            ("device or software", "looked at", "test results and measurements"),
        ),
    ],
)
def test_a_line_is_in_plain_words(event: dict[str, Any], expected: tuple[str, str, str]) -> None:
    """Role, action, and category of what."""
    (access,) = view([opened(event)]).accesses
    assert (access.role, access.action, access.category) == expected


def test_the_patient_is_you() -> None:
    """Whatever name the portal has; another patient is not you."""
    events = [
        opened(agent_of(READ, "Patient/1/_history/2", name="Ada"), 1),
        opened(agent_of(READ, "Patient/2", name="Bob"), 2),
        opened(agent_of(READ, "https://x.example.org/Patient/1", name="Eve"), 3),
    ]
    assert {access.entry: access.who for access in view(events).accesses} == {
        1: "you",
        2: "Bob",
        3: "Eve",
    }


def test_two_of_one_name_stay_two() -> None:
    """They are told apart by what identifies them, not by name."""
    events = [
        opened(agent_of(READ, f"Practitioner/{number}", name="Dr Smith"), number)
        for number in (1, 2, 2)
    ]
    assert [(p.who, p.number) for p in view(events).people] == [("Dr Smith", 2), ("Dr Smith", 1)]


def test_the_organisation_is_of_who_looked_and_not_of_who_received(shared_dir: Path) -> None:
    """BALP names it; else the portal's, where the policy knows it."""
    policy = ViewPolicy(organisations={"ehr": "St Elsewhere"})
    path = shared_dir / "samples/balp-1.1.4/AuditEvent-ex-auditPoke-SAML-Comp.json"
    (named,) = view([opened_sample(path)], policy).accesses
    assert (named.organisation or "").startswith("St. Mary of Examples")
    (received,) = view([opened(disclosure())], policy).accesses
    assert received.organisation == "St Elsewhere"
    assert view([opened(disclosure())]).accesses[0].organisation is None


def test_what_is_suspended_leaves_no_trace() -> None:
    """As in an accounting: byte for byte as if it had not been."""
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
    never = [event for event in events if not any(word in event.resource for word in words)]
    assert 0 < len(never) < len(events)
    assert rendered(hidden) == rendered(view(never))
    assert [s.number for s in suspended] == [len(events) - len(never)]


def names_in(event: Any) -> set[str]:
    """Whatever names an agent: read from the plain JSON."""
    found = set()
    for agent in event["agent"]:
        who = agent.get("who", {})
        found |= {agent.get("name"), agent.get("altId"), who.get("display"), who.get("reference")}
        found.add(who.get("identifier", {}).get("value"))
        found.add((agent.get("network") or {}).get("address"))
        found.add(agent.get("networkString"))
    return {name for name in found if name}


def assert_masked(events: list[dict[str, Any]], found: PatientView, zone: Zone) -> None:
    """No agent's name, and no time of day of an event in any form, in any rendering."""
    text = rendered(found)
    for event in events:
        for name in names_in(event):
            assert name not in text
        moment = datetime.fromisoformat(event["recorded"])
        for clock in (moment, moment.astimezone(UTC), moment.astimezone(zone.info)):
            assert f"{clock:%H:%M:%S}" not in text
            assert f"{clock:%H:%M}" not in text.replace("03:04", "").replace("00:00", "")
        assert str(ms(event["recorded"])) not in text
        assert str(ms(event["recorded"]) // 1000) not in text
    values = json.loads(to_json(patient_view_document(found, cover())))
    assert {access.who for access in found.accesses} == {None}
    assert {person.who for person in found.people} == {None}
    assert {key for row in values["accesses"] for key in row} == {
        "when", "stated", "role", "organisation", "action", "category",
    }  # fmt: skip
    days = [row["when"] for row in values["accesses"]]
    days += [row[key] for row in values["people"] for key in ("first", "last")]
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) for day in days)


@given(seed=st.integers(0, 2**32))
def test_masking_shows_no_name_and_no_time_of_made_up_days(seed: int) -> None:
    """And the days are right: those of the zone."""
    day = [e for e in random_day(seed, 20) if e["recorded"][11:16] not in ("00:00", "03:04")]
    found = view([opened(event, seq) for seq, event in enumerate(day)], MASKED, BERLIN)
    assert_masked(day, found, BERLIN)
    expected = [datetime.fromisoformat(e["recorded"]).astimezone(BERLIN.info).date() for e in day]
    assert sorted(str(access.when) for access in found.accesses) == sorted(map(str, expected))
    assert sum(person.number for person in found.people) == len(day)


def test_masking_shows_no_name_and_no_time_of_any_sample(shared_dir: Path) -> None:
    """Roles, and displays of roles, are the sender's words: they may tell, so ours are used."""
    paths = audit_event_samples(shared_dir)
    samples = [json.loads(path.read_bytes()) for path in paths]
    hidden = [
        event
        for event in samples
        if "Organization/" not in json.dumps(event) and '"PROV"' not in json.dumps(event)
    ]
    assert len(hidden) > 30
    events = [
        opened_sample(path, seq)
        for seq, (path, event) in enumerate(zip(paths, samples, strict=True))
        if event in hidden
    ]
    assert_masked(hidden, view(events, MASKED), UTC_ZONE)


def test_a_persons_name_is_masked_wherever_the_sender_wrote_it() -> None:
    """In the role's text, a code's display, the name of the organisation, the entity."""
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
    (kept,) = view([opened({**event, "agent": [event["agent"][0], other]})], MASKED).accesses
    assert kept.organisation == "General Hospital"


@pytest.mark.parametrize(
    "name", ["Jane Smithson, MD", "Smithson, Jane", "Dr. Smithson", "J. M. Smithson", "SMITHSON"]
)
def test_an_organisation_that_bears_a_persons_name_is_masked(name: str) -> None:
    """In whatever order, with whatever titles; what only shares a title or an initial stays."""
    person = {"who": {"reference": "Practitioner/77", "display": name}, "requestor": True}
    for organisation, shown in (
        ("Family Practice Dr. Jane Smithson", None),
        ("Smithson & Sons", None),
        ("St. M. Dr. Elsewhere", "St. M. Dr. Elsewhere"),
    ):
        agents = [person, {"who": {"reference": "Organization/8", "display": organisation}}]
        (access,) = view([opened(r4(agent=agents))], ViewPolicy(role_only=True)).accesses
        assert access.organisation == shown


def test_those_of_whom_nothing_is_recorded_are_not_one_person() -> None:
    """They are told apart by what they are, at least."""
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


def test_each_mask_hides_its_own_only() -> None:
    """Days with names, and times with roles."""
    events = [opened(READ | {"agent": [{"who": {"display": "Dr Zebra"}, "requestor": True}]}, 41)]
    days = view(events, ViewPolicy(day_only=True))
    assert "Dr Zebra" in rendered(days)
    assert (days.accesses[0].entry, str(days.accesses[0].when)) == (None, "2026-11-22")
    roles = view(events, ViewPolicy(role_only=True))
    assert "Zebra" not in rendered(roles)
    assert (roles.accesses[0].entry, roles.accesses[0].when) == (41, Instant(events[0].time_ms))
    assert "2026-11-22T05:59:00.123+00:00" in rendered(roles)


def test_nobody_came() -> None:
    """A page that says so is a page too."""
    assert "No access to the record is recorded for this time." in rendered(view([]))


def test_no_repr_tells_anything() -> None:
    """They end up in logs."""
    found = view([opened(disclosure())], ViewPolicy(organisations={"ehr": "St Elsewhere"}))
    shown = repr((found, found.accesses, found.people))
    assert not any(word in shown for word in ("doc", "Elsewhere", "documents"))
