"""A hospital's day is the same each time it is generated, and adds up."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import pairwise

import pytest

from infra.demo.hospital import DAY, Submission, hospital_day, tally
from tests.conftest import REPOSITORY
from tests.demo.hospital.recount import codes_in, patients_of, resources, strings

EVENTS = 1_200
SEED = 7


@pytest.fixture(scope="module")
def day() -> list[Submission]:
    return list(hospital_day(SEED, EVENTS))


def test_a_seed_generates_the_same_day(day: list[Submission]) -> None:
    """Every byte and every time is the same the second time."""
    assert list(hospital_day(SEED, EVENTS)) == day


def test_another_seed_generates_another_day(day: list[Submission]) -> None:
    """No body of one day occurs in the other."""
    other = {submission.body for submission in hospital_day(SEED + 1, EVENTS)}
    assert other.isdisjoint(submission.body for submission in day)


def test_a_day_does_not_depend_on_the_process(day: list[Submission]) -> None:
    """No hash order and no clock went into it: another process tells the same."""
    code = (
        "from hashlib import sha256; from infra.demo.hospital import hospital_day;"
        f"print(sha256(b''.join(s.body for s in hospital_day({SEED}, {EVENTS}))).hexdigest())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={"PYTHONHASHSEED": "4711", "PYTHONPATH": f"shared{os.pathsep}."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == sha256(b"".join(s.body for s in day)).hexdigest()


def test_a_day_has_the_requested_number_of_events(day: list[Submission]) -> None:
    """Counted from the bodies: the first sendings hold exactly that number of events."""
    first = [submission for submission in day if not submission.is_resent]
    assert sum(len(resources(submission)) for submission in first) == EVENTS
    assert sum(count.events for count in tally(day).values()) == EVENTS


def test_a_submission_counts_its_events_and_entries(day: list[Submission]) -> None:
    """Number of events and entries agree with a recount; one that is resent adds nothing."""
    for submission in day:
        events = resources(submission)
        assert submission.events == len(events)
        if submission.is_resent:
            assert (submission.new_events, submission.new_entries) == (0, 0)
        else:
            entries = sum(len(patients_of(event)) or 1 for event in events)
            assert submission.new_entries == entries


def test_a_resent_submission_has_the_same_bytes_and_id() -> None:
    """Each was sent before, within a minute, and has a sender's id."""
    seen: dict[bytes, Submission] = {}
    resent = 0
    for submission in hospital_day(SEED, EVENTS, resent_per_mille=100):
        if submission.is_resent:
            resent += 1
            first = seen[submission.body]
            assert first.headers == submission.headers
            assert 0 < submission.sent_ms - first.sent_ms < 60_000
            assert submission.idempotency_key or submission.path == "/events"
        else:
            assert submission.body not in seen
            seen[submission.body] = submission
    assert resent


def test_resends_nothing_at_zero_per_mille() -> None:
    """Zero of a thousand is none."""
    assert not any(s.is_resent for s in hospital_day(SEED, EVENTS, resent_per_mille=0))


def test_events_carry_times_of_the_day_and_are_sent_afterwards() -> None:
    """Submissions come in order of sending, each after its newest event, whatever the date."""
    submissions = list(hospital_day(SEED, 300, day=date(2025, 2, 28)))
    assert all(one.sent_ms <= next_.sent_ms for one, next_ in pairwise(submissions))
    for submission in submissions:
        for event in resources(submission):
            recorded = datetime.fromisoformat(event.get("recorded") or event["time"])
            assert recorded.astimezone(UTC).date() == date(2025, 2, 28)
            assert recorded.timestamp() * 1000 < submission.sent_ms


def test_the_day_is_busier_than_the_night(day: list[Submission]) -> None:
    """More is sent from 8 to 12 than from 0 to 4."""
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp() * 1000
    hours = Counter(int((submission.sent_ms - midnight) // 3_600_000) for submission in day)
    assert sum(hours[hour] for hour in range(8, 12)) > 2 * sum(hours[hour] for hour in range(4))


def test_every_way_of_sending_occurs(day: list[Submission]) -> None:
    """Three portals, two ledgers, and each kind of request that the API takes."""
    assert {submission.how for submission in day} == {
        "audit-event",
        "bundle-batch",
        "bundle-transaction",
        "cloudevent-structured",
        "cloudevent-binary",
        "cloudevents-batch",
    }
    assert {(submission.ledger, submission.portal) for submission in day} == {
        ("st-elsewhere", "ehr"),
        ("st-elsewhere", "app"),
        ("riverside-lab", "lab"),
    }


def test_every_kind_of_event_occurs(day: list[Submission]) -> None:
    """Each action, logins, logouts, exports, broken glass, refusals, and patients themselves."""
    fhir = [event for s in day if s.path != "/events" for event in resources(s)]
    assert {event.get("action") for event in fhir} >= {"C", "R", "U", "D", "E"}
    found = set().union(*(codes_in(event) for event in fhir))
    assert found >= {"110122", "110123", "110106", "BTG", "PATRQT", "TREAT", "HPAYMT"}
    assert any(event["outcome"] == "4" for event in fhir)
    assert any(len(patients_of(event)) > 1 for event in fhir)
    assert any(not patients_of(event) for event in fhir)


def test_record_events_name_the_digest_of_their_document(day: list[Submission]) -> None:
    """As RFC 6920 writes it: SHA-256 in base64url without padding."""
    digests = [
        text
        for submission in day
        for text in strings(resources(submission))
        if text.startswith("ni:")
    ]
    assert digests
    assert {s.portal for s in day if b"ni:///sha-256;" in s.body} == {"lab", "ehr"}
    assert all(re.fullmatch(r"ni:///sha-256;[A-Za-z0-9_-]{43}", text) for text in digests)


def test_uses_example_hosts_only(day: list[Submission]) -> None:
    """Hosts are reserved for examples, or are where FHIR's and DICOM's codes are defined."""
    vocabularies = ("hl7.org", "terminology.hl7.org", "dicom.nema.org", "profiles.ihe.net")
    for submission in day:
        for text in strings(resources(submission)):
            for host in re.findall(r"https?://([^/]+)", text):
                assert host.endswith(".example") or host in vocabularies
    fhir = [event for s in day if s.path != "/events" for event in resources(s)]
    assert all("HTEST" in codes_in(event["meta"]) for event in fhir)


def test_events_are_as_large_as_real_ones(day: list[Submission]) -> None:
    """Below 5 KB each, and no request comes near what a queue message may hold."""
    assert all(submission.body and len(submission.body) < 128_000 for submission in day)
    assert max(len(json.dumps(e)) for s in day for e in resources(s)) < 5_000


def test_the_laboratory_numbers_its_events_without_a_gap(day: list[Submission]) -> None:
    """From 1, in the order of sending: CloudEvents extension "sequence", type Integer."""
    sent = [e for s in day if s.portal == "lab" and not s.is_resent for e in resources(s)]
    assert [int(event["sequence"]) for event in sent] == list(range(1, len(sent) + 1))
    assert {event["sequencetype"] for event in sent} == {"Integer"}
