"""Patterns that were planted are in the day, and can be found by who, whom and when."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from infra.demo.hospital import (
    ClinicalEvent,
    ScheduledScenario,
    World,
    break_the_glass,
    clinical_events,
    copied_out,
    curious_colleagues,
    guessed_password,
    hospital_day,
    reported_illness,
    submissions_of,
    tally,
    world_of,
)
from tests.demo.hospital.recount import codes_in, patients_of, resources

SEED = 3
EVENTS = 400


def _fhir(planted: ScheduledScenario) -> list[dict[str, Any]]:
    """The day's FHIR events from the hour in which the pattern was planted."""
    day = hospital_day(SEED, EVENTS, also=[planted], flawed_per_mille=0)
    events = [event for s in day if s.path != "/events" for event in resources(s)]
    return [event for event in events if event["recorded"][11:13] == f"{planted.hour:02d}"]


def _user(event: dict[str, Any]) -> str:
    return str(event["agent"][-1]["who"]["identifier"]["value"])


def test_curious_colleagues_are_none_of_the_care_team() -> None:
    """That many reads of one patient's record, none by who treats the patient."""
    encounter = world_of(SEED, EVENTS).encounters[5]
    events = _fhir(ScheduledScenario(3, 0, curious_colleagues(patient_index=5, viewers=9)))
    mrn = encounter.patient.mrn
    viewers = [_user(event) for event in events if mrn in patients_of(event)]
    assert len(viewers) >= 9
    carers = {person.id for person in encounter.care_team}
    assert sum(viewer not in carers for viewer in viewers) >= 9


def test_breaking_the_glass_follows_a_refusal() -> None:
    """One refusal, then that many reads with purpose of use BTG, by the same person."""
    mrn = world_of(SEED, EVENTS).patients[2].mrn
    events = _fhir(ScheduledScenario(2, 30, break_the_glass(patient_index=2, reads=4)))
    events = [event for event in events if patients_of(event) == {mrn}]
    refused = next(event for event in events if event["outcome"] == "4")
    broken = [event for event in events if "BTG" in codes_in(event["agent"])]
    assert len(broken) == 4
    assert {_user(event) for event in broken} == {_user(refused)}
    assert all(event["recorded"] > refused["recorded"] for event in broken)


def test_copied_out_records_are_many_exports_by_one_person() -> None:
    """Within minutes, each of another patient."""
    events = _fhir(ScheduledScenario(1, 0, copied_out(patients=20)))
    exports = [event for event in events if event["type"]["code"] == "110106"]
    by_person: dict[str, set[str]] = {}
    for event in exports:
        by_person.setdefault(_user(event), set()).update(patients_of(event))
    assert max(len(patients) for patients in by_person.values()) >= 20


def test_a_guessed_password_fails_often_and_then_succeeds() -> None:
    """Failed logins of one account, and a last one that succeeded."""
    events = _fhir(ScheduledScenario(4, 0, guessed_password(attempts=15)))
    logins = [event for event in events if "110122" in codes_in(event["subtype"])]
    failed = [_user(event) for event in logins if event["outcome"] == "4"]
    account = max(failed, key=failed.count)
    assert failed.count(account) >= 15
    assert [e["outcome"] for e in logins if _user(e) == account][15] == "0"


def test_seeded_events_count_towards_the_requested_number() -> None:
    """A day of 400 events has 400, planted ones included."""
    day = hospital_day(SEED, EVENTS, also=[ScheduledScenario(9, 0, copied_out(patients=30))])
    assert sum(count.events for count in tally(day).values()) == EVENTS


def test_refuses_more_seeded_events_than_requested() -> None:
    """Nothing that was planted is left out silently."""
    with pytest.raises(ValueError, match="seeded scenarios have 40 events, over 10"):
        hospital_day(SEED, 10, also=[ScheduledScenario(9, 0, copied_out(patients=40))])


def test_any_function_of_events_is_a_scenario() -> None:
    """Whatever yields happenings can be planted."""

    def curtain_call(world: World, random: Random, time_ms: int) -> Iterator[ClinicalEvent]:
        yield ClinicalEvent(time_ms, "app", "logout", world.patients[0], (world.patients[0],))

    (submission,) = hospital_day(SEED, 1, also=[ScheduledScenario(23, 59, curtain_call)])
    (event,) = resources(submission)
    assert event["patient"]["display"] == world_of(SEED, 1).patients[0].name


def test_omitted_events_leave_a_gap() -> None:
    """Between telling and sending the day may be edited."""
    world = world_of(SEED, EVENTS)
    events = clinical_events(world, SEED, EVENTS)
    quiet = range(world.at(9), world.at(11))
    remaining = [h for h in events if h.system != "ehr" or h.time_ms not in quiet]
    assert len(remaining) < len(events)
    sent = submissions_of(remaining, SEED, resent_per_mille=0)
    assert sum(submission.new_events for submission in sent) == len(remaining)


def test_a_reported_illness_is_a_disclosure_to_somebody_else() -> None:
    """An export for public health; who received it is neither the clerk nor the patient."""
    mrn = world_of(SEED, EVENTS).patients[4].mrn
    events = _fhir(ScheduledScenario(2, 0, reported_illness(patient_index=4)))
    (report,) = [event for event in events if "PUBHLTH" in codes_in(event["agent"])]
    assert patients_of(report) == {mrn}
    assert "disclose" in codes_in(report["subtype"])
    (recipient,) = [agent for agent in report["agent"] if "IRCP" in codes_in(agent)]
    assert recipient["who"]["reference"] == "Organization/health-authority"
    assert not recipient["requestor"]
    (asking,) = [agent for agent in report["agent"] if agent["requestor"]]
    assert asking["who"]["reference"].startswith("Practitioner/")
