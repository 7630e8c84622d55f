"""A day of which something did not hold does not pass for one that did."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.demo.checks import answer_faults, faults, resent_entries
from infra.demo.expectations import SEEDED, expected_of
from infra.demo.hospital import Submission, hospital_day, tally
from infra.demo.hospital.population import Patient
from infra.demo.ledger_command import Ran
from infra.demo.metrics import Figures
from infra.demo.posting import accepted_events
from infra.demo.queries import Answers
from infra.local.cloud import LocalCloud
from infra.local.cost.meter import Usage
from infra.local.lambda_runtime.sqs_event_source import Batch
from tests.demo.hospital.recount import codes_in, patients_of, resources

DATE = datetime.now(UTC).date()
DAY = list(hospital_day(3, 400, day=DATE, resent_per_mille=100))


def figures(ledger_id: str) -> Figures:
    """The figures of a ledger of which everything held."""
    wanted = tally(DAY)[ledger_id]
    again = sum(
        next(f for f in DAY if f.body == s.body and f.portal == s.portal).new_entries
        for s in DAY
        if s.is_resent and s.ledger == ledger_id
    )
    return Figures(
        name=ledger_id,
        events=wanted.events,
        entries=wanted.entries + 1,
        control_entries=1,
        blocks=3,
        digests=2,
        duplicates=again,
        lost_races=0,
        batches=3,
        sequencer_calls=20,
        used=Usage({}, {}),
    )


GOOD = [figures("st-elsewhere"), figures("riverside-lab")]


def cloud(*refusals: object) -> LocalCloud:
    permissions = SimpleNamespace(refusals=list(refusals))
    return cast(LocalCloud, SimpleNamespace(permissions=permissions))


def test_a_correct_day_has_no_faults() -> None:
    assert sum(resent_entries(DAY).values()) > 0
    assert list(faults(DAY, GOOD, cloud(), [Batch(("a", "b"), frozenset())])) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"events": 7}, "st-elsewhere: events accepted: 7, expected "),
        ({"entries": 7}, "st-elsewhere: entries of events: 6, expected "),
        ({"control_entries": 2}, "st-elsewhere: control entries: 2, expected 1"),
        ({"duplicates": 0}, "st-elsewhere: resent records left out: 0, expected "),
    ],
)
def test_reports_each_different_figure(change: dict[str, Any], said: str) -> None:
    wrong = replace(GOOD[0], **change)
    assert any(fault.startswith(said) for fault in faults(DAY, [wrong, GOOD[1]], cloud(), []))


def test_reports_a_failed_message_and_a_refused_call() -> None:
    batches = [Batch(("a", "b"), frozenset({"b"}))]
    found = list(faults(DAY, GOOD, cloud("a refusal"), batches))
    assert found == [
        "queues: messages that failed: 1, expected 0",
        "roles: calls refused for want of permission: 1, expected 0",
    ]


def sent(how: str) -> Submission:
    return next(s for s in DAY if s.how == how)


@pytest.mark.parametrize(
    ("how", "status", "body", "accepted"),
    [
        ("audit-event", 201, b"", 1),
        ("audit-event", 500, b'{"message":"Internal Server Error"}', 0),
        ("cloudevents-batch", 202, b'{"accepted":3,"ids":[]}', 3),
        (
            "bundle-batch",
            200,
            b'{"entry":[{"response":{"status":"201"}},{"response":{"status":"422"}}]}',
            1,
        ),
        ("bundle-transaction", 422, b"{}", 0),
    ],
)
def test_counts_accepted_events_by_the_response(
    how: str, status: int, body: bytes, accepted: int
) -> None:
    assert accepted_events(sent(how), status, body) == accepted


EXPECTED = replace(
    expected_of(3, 400, DATE), accesses=5, disclosures=2, left_out=1, glass_broken=4, numbered=90
)
ANSWERS = Answers(
    search=Ran("ledger search", 0, "id-1\nid-2\nid-3"),
    found=("id-1", "id-2", "id-3", "id-4", "id-5"),
    accesses={"accesses": [{}] * 5, "people": [{"number": 3}, {"number": 2}]},
    accounting={
        "disclosures": [{"number": 2, "recipient": "Pretendshire Public Health Authority"}],
        "exclusions": [{"number": 0}, {"number": 1}],
    },
    findings={"break-the-glass": 4, "same-surname": 7},
    gaps={"streams": [{"received": 90, "missing_events": 0}]},
)


def test_correct_answers_have_no_faults() -> None:
    assert list(answer_faults(EXPECTED, ANSWERS)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"search": Ran("", 2, "id-1 id-2 id-3")}, "st-elsewhere: ledger search: exit 2"),
        ({"search": Ran("", 0, "id-1 id-2")}, "ledger search shows: 2, expected 3"),
        ({"found": ("id-1", "id-2", "id-3")}, "events found of the patient: 3, expected 5"),
        (
            {"accesses": {"accesses": [{}] * 4, "people": [{"number": 5}]}},
            "accesses shown to the patient: 4, expected 5",
        ),
        (
            {"accesses": {"accesses": [{}] * 5, "people": [{"number": 3}]}},
            "accesses by person: 3, expected 5",
        ),
        (
            {"accounting": {**ANSWERS.accounting, "disclosures": []}},
            "disclosures accounted for: 0, expected 2",
        ),
        (
            {"accounting": {**ANSWERS.accounting, "exclusions": []}},
            "disclosures left out: 0, expected 1",
        ),
        (
            {
                "accounting": {
                    **ANSWERS.accounting,
                    "disclosures": [{"number": 2, "recipient": "Somebody else"}],
                }
            },
            "Pretendshire Public Health Authority is not among the recipients",
        ),
        ({"findings": {"same-surname": 4}}, "findings: break-the-glass: 0, expected 4"),
        ({"gaps": {"streams": []}}, "gaps: numbered streams: 0, expected 1"),
        (
            {"gaps": {"streams": [{"received": 89, "missing_events": 0}]}},
            "gaps: numbered events received: 89, expected 90",
        ),
        (
            {"gaps": {"streams": [{"received": 90, "missing_events": 1}]}},
            "gaps: numbered events missing: 1, expected 0",
        ),
    ],
)
def test_reports_each_different_answer(change: dict[str, Any], said: str) -> None:
    found = list(answer_faults(EXPECTED, replace(ANSWERS, **change)))
    assert any(said in fault for fault in found), found


def test_expected_answers_agree_with_the_requests() -> None:
    """Counted from happenings there, and from the bytes of the day's requests here."""
    expected = expected_of(3, 400, DATE)
    sent = [
        (s.ledger, event)
        for s in hospital_day(3, 400, day=DATE, also=SEEDED, resent_per_mille=0)
        for event in resources(s)
    ]
    mine = [e for ledger, e in sent if ledger == expected.ledger and _is_about(e, expected.patient)]
    exports = [event for event in mine if "disclose" in codes_in(event)]
    accounted = [event for event in exports if "PUBHLTH" in codes_in(event)]
    assert expected.accesses == len(mine)
    assert expected.disclosures == len(accounted) == 1
    assert expected.left_out == len(exports) - len(accounted)
    assert expected.numbered == sum("sequence" in event for _, event in sent)
    assert expected.numbered == sum(ledger == "riverside-lab" for ledger, _ in sent)
    broken = {
        (json.dumps(event["agent"][-1]["who"]), *patients_of(event))
        for _, event in sent
        if "BTG" in codes_in(event) and event["outcome"] == "0"
    }
    assert expected.glass_broken == len(broken) >= 1


def _is_about(event: dict[str, Any], patient: Patient) -> bool:
    return patient.mrn in patients_of(event)
