"""The ledger understands all that the hospital sends, and flags only what was seeded."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import pytest

from audit_ledger.events import (
    Event,
    PatientRule,
    RejectedEventError,
    canonical_agent,
    canonical_patient,
    parse_audit_event,
    parse_bundle,
    parse_cloudevent_binary,
    parse_cloudevent_structured,
    parse_cloudevents_batch,
)
from infra.demo.hospital import ST_ELSEWHERE, Submission, hospital_day
from tests.demo.hospital.recount import patients_of, resources

EVENTS = 1_500
# What each seeded flaw is flagged as.
FLAGS = {"agent.display-only", "balp.agent-requestor", "balp.action"}


def parsed(submission: Submission) -> Sequence[Event | RejectedEventError]:
    """What the ledger's parsers make of a submission, by the route it takes."""
    body = submission.body
    version = submission.content_type.rpartition("fhirVersion=")[2]
    if submission.how == "audit-event":
        return [parse_audit_event(body, version)]
    if submission.how == "cloudevent-structured":
        return [parse_cloudevent_structured(body)]
    if submission.how == "cloudevent-binary":
        return [parse_cloudevent_binary(submission.headers, body)]
    if submission.how == "cloudevents-batch":
        return parse_cloudevents_batch(body)
    bundle = parse_bundle(body, version)
    assert submission.how == f"bundle-{bundle.type}"
    return bundle.entries


@pytest.fixture(scope="module")
def day() -> list[tuple[Submission, list[Event]]]:
    """A day with many flaws: each submission and its events, none of them rejected."""
    submissions = hospital_day(11, EVENTS, flawed_per_mille=40, resent_per_mille=0)
    found = [(submission, parsed(submission)) for submission in submissions]
    return [(s, [event for event in events if isinstance(event, Event)]) for s, events in found]


def test_nothing_is_rejected(day: list[tuple[Submission, list[Event]]]) -> None:
    """Every event of every submission becomes an event."""
    assert all(len(events) == submission.events for submission, events in day)


def test_only_seeded_flaws_are_flagged(day: list[tuple[Submission, list[Event]]]) -> None:
    """As many flagged events as were seeded in each submission, with each kind of flag."""
    flags: Counter[str] = Counter()
    for submission, events in day:
        flagged = [event for event in events if event.flags]
        assert len(flagged) == submission.flawed
        flags.update(flag for event in flagged for flag in event.flags)
    assert set(flags) == FLAGS


def test_a_day_without_flaws_has_no_flags() -> None:
    """With none seeded there is none."""
    for submission in hospital_day(12, 600, flawed_per_mille=0):
        assert [event.flags for event in parsed(submission) if isinstance(event, Event)] == [
            ()
        ] * submission.events


def test_a_day_has_the_expected_entries(
    day: list[tuple[Submission, list[Event]]],
) -> None:
    """One part per patient, or one of the ledger itself."""
    for submission, events in day:
        assert sum(len(event.parts) for event in events) == submission.new_entries


def test_patients_are_found_by_their_portals_rule(
    day: list[tuple[Submission, list[Event]]],
) -> None:
    """The settings that a Portal gives resolve each patient to system and MRN, across portals."""
    rules = {
        portal_id: PatientRule(system=settings["patient"]["system"])
        for portals in ST_ELSEWHERE.ledgers.values()
        for portal_id, settings in portals.items()
    }
    for submission, events in day:
        rule = rules[submission.portal]
        for resource, event in zip(resources(submission), events, strict=True):
            found = {canonical_patient(rule, p.patient) for p in event.parts if p.patient}
            assert found == {f"{rule.system}|{mrn}" for mrn in patients_of(resource)}


def test_times_and_agents_are_read(day: list[tuple[Submission, list[Event]]]) -> None:
    """The event's own time to the millisecond, and somebody or something that did it."""
    for submission, events in day:
        for resource, event in zip(resources(submission), events, strict=True):
            written = datetime.fromisoformat(resource.get("recorded") or resource["time"])
            assert event.time_ms == round(written.timestamp() * 1000)
            assert canonical_agent(event.agents[0])


def test_events_of_cloudevents_have_their_senders_id(
    day: list[tuple[Submission, list[Event]]],
) -> None:
    """So that one which is sent again is known."""
    ids = [event.sender_id for s, events in day if s.path == "/events" for event in events]
    assert None not in ids
    assert len(set(ids)) == len(ids)
