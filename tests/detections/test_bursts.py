"""Broken glass, bulk access, failures and spikes: found at their limits, not below."""

from base64 import b64encode
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.detections.access_spike import exceeds
from audit_ledger.records.opened_event import OpenedEvent
from tests.detections.rules import (
    DAY,
    HOUR,
    MINUTE,
    MORNING,
    access,
    entries,
    findings_of,
    only,
    statement_of,
)

BTG = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "BTG"}]}
GLASS = only(break_the_glass={})


def test_reports_broken_glass_without_a_reason() -> None:
    """By purpose of use or by the code of DICOM; later accesses belong to the same finding."""
    events = [
        access("u1", purpose={"coding": [{"code": "TREAT"}]}),
        access("u1", purpose=BTG),
        access("u1", purpose=BTG, time_ms=MORNING + MINUTE),
        access("u1", "p2", purpose=BTG, time_ms=MORNING + 2 * MINUTE),
        access("u2", subtype=[{"code": "110127"}], time_ms=MORNING + 3 * MINUTE),
        access("u3", purposeOfEvent=[BTG], time_ms=MORNING + 4 * MINUTE),
        access("u4", purpose=BTG, outcome="4", time_ms=MORNING + 5 * MINUTE),
    ]
    findings = findings_of(events, GLASS)
    assert entries(findings) == [(2,), (4,), (5,), (6,)]
    assert findings[0].statement == "the glass was broken (BTG) for no reason"
    assert findings[0].severity == "high"


@pytest.mark.parametrize(
    "elements",
    [
        {"purpose": {**BTG, "text": "cardiac arrest"}},
        {"purpose": {"coding": [{"code": "BTG", "display": "break the glass"}], "text": "coma"}},
        {"purpose": BTG, "purposeOfEvent": [{"text": "unconscious"}]},
        {
            "purpose": BTG,
            "entities": [{"detail": [{"type": "Override Reason", "valueString": "unconscious"}]}],
        },
        {"purpose": BTG, "cut": ("AuditEvent.entity[0].detail",)},
    ],
)
def test_accepts_a_reason_in_any_of_its_places(elements: dict[str, Any]) -> None:
    """Or if it may have been in a part that was cut."""
    assert findings_of([access(**elements)], GLASS) == []


@pytest.mark.parametrize(
    "elements",
    [
        {"purpose": {**BTG, "text": "  "}},
        {"purpose": {"coding": [{"code": "BTG", "display": "break the glass"}]}},
        {
            "purpose": {
                "coding": [{"code": "BTG", "display": "break the glass"}],
                "text": "Break-the-Glass",
            }
        },
        {"purpose": {**BTG, "text": "btg"}},
        {"purpose": BTG, "outcomeDesc": "Success"},
        {"purpose": BTG, "agent": {"policy": ["urn:policy:emergency"]}},
        {"purpose": BTG, "entities": [{"detail": [{"type": "reason", "valueString": ""}]}]},
        {"purpose": BTG, "entities": [{"detail": [{"type": "size", "valueString": "3"}]}]},
        {"purpose": BTG, "cut": ("AuditEvent.entity[0]",)},
    ],
)
def test_rejects_what_is_no_reason(elements: dict[str, Any]) -> None:
    """White space, code and display themselves, texts that systems fill in, other details."""
    assert entries(findings_of([access(**elements)], GLASS)) == [(1,)]


@pytest.mark.parametrize(
    ("reason", "no_reason", "setting"),
    [
        ({"outcomeDesc": "unconscious"}, {"outcomeDesc": " "}, "outcome_is_reason"),
        (
            {"agent": {"policy": ["urn:policy:emergency"]}},
            {"agent": {"policy": [1, None, " "]}},
            "policy_is_reason",
        ),
    ],
)
def test_settings_name_further_places_of_reasons(
    reason: dict[str, Any], no_reason: dict[str, Any], setting: str
) -> None:
    """If users fill them in, and not the system."""
    settings = only(break_the_glass={setting: True})
    assert findings_of([access(purpose=BTG, **reason)], settings) == []
    assert entries(findings_of([access(purpose=BTG, **no_reason)], settings)) == [(1,)]


@pytest.mark.parametrize(("later", "is_found"), [(12 * HOUR - 1000, False), (12 * HOUR, True)])
def test_reason_is_valid_for_hours(later: int, is_found: bool) -> None:
    """For this patient."""
    events = [
        access(purpose={**BTG, "text": "unconscious"}),
        access(purpose=BTG, time_ms=MORNING + later),
    ]
    assert len(findings_of(events, GLASS)) == is_found
    other = access("u1", "p2", purpose=BTG, time_ms=MORNING + MINUTE)
    assert entries(findings_of([events[0], other], GLASS)) == [(2,)]


def failures(count: int, apart_ms: int, user: str = "u1", first: int = MORNING) -> Any:
    return [access(user, outcome="4", time_ms=first + n * apart_ms) for n in range(count)]


FAILED = only(failed_access={"failures": 5, "minutes": 2})


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (failures(4, 1000), []),
        (failures(5, 1000), [(1, 2, 3, 4, 5)]),
        (failures(5, 30_000), [(1, 2, 3, 4, 5)]),  # in two minutes exactly
        (failures(5, 31_000), []),
        (failures(25, 1000), [(1, 2, 3, 4, 5)]),
        (failures(4, 1000) + failures(4, 1000, "u2"), []),
        (
            failures(5, 1000) + failures(5, 1000, first=MORNING + 5 * MINUTE),
            [(1, 2, 3, 4, 5), (6, 7, 8, 9, 10)],
        ),
        ([*failures(4, 1000), access(time_ms=MORNING + 5000)], []),
        (  # one failure a minute neither continues nor hides a burst
            [
                *failures(5, 1000),
                *failures(8, MINUTE, first=MORNING + MINUTE),
                *failures(4, 1000, first=MORNING + 9 * MINUTE),
            ],
            [(1, 2, 3, 4, 5), (13, 14, 15, 16, 17)],
        ),
        (failures(29 * 60, MINUTE // 2), [(1, 2, 3, 4, 5)]),
    ],
)  # fmt: skip
def test_counts_failures_of_a_user_within_minutes(
    events: list[OpenedEvent], expected: list[tuple[int, ...]]
) -> None:
    """Later failures belong to the burst."""
    assert entries(findings_of(events, FAILED)) == expected


def test_burst_of_several_days_is_one_finding_per_day() -> None:
    """However long it lasts."""
    half_minutes = (2 * DAY + 12 * HOUR) // (MINUTE // 2)
    starts = [
        finding.time_ms for finding in findings_of(failures(half_minutes, MINUTE // 2), FAILED)
    ]
    assert len(starts) == 3
    assert all(after - before >= DAY - 2 * MINUTE for before, after in pairwise(starts))


def test_late_failure_counts_at_its_own_time() -> None:
    """Entries are in ledger order, windows are by the events' own times."""
    four = failures(4, 1000)
    late = access(outcome="8", time_ms=MORNING - 1000, late_ms=HOUR)
    (finding,) = findings_of([*four, late], FAILED)
    assert finding.entries == (1, 2, 3, 4, 5)
    assert finding.time_ms == MORNING - 1000
    assert finding.statement == "5 failures within 2 minutes"
    assert len(set(finding.event_ids)) == 5


def test_failed_event_about_several_patients_is_one_failure() -> None:
    """Its parts were received together, and lack each other's elements."""
    parts = [
        access(patient=f"p{n}", outcome="4", cut=(f"AuditEvent.entity[{n}]",)) for n in range(9)
    ]
    assert findings_of(parts, FAILED) == []
    assert len(findings_of([*parts, *failures(4, 1000, first=MORNING + 1000)], FAILED)) == 1


@pytest.mark.parametrize("outcome", ["4", "8", "12"])
def test_recognizes_failures_of_r4(outcome: str) -> None:
    """Every code but success."""
    assert len(findings_of([access(outcome=outcome)] * 5, FAILED)) == 1
    assert findings_of([access(outcome="0")] * 5, FAILED) == []
    assert findings_of([access(outcome=None)] * 5, FAILED) == []


BULK = only(
    bulk_access={
        "exported_patients": 3,
        "export_minutes": 10,
        "opened_patients": 6,
        "opened_minutes": 1,
        "entities": 4,
        "searched": 500,
    }
)


def exports(patients: str, apart_ms: int = MINUTE, **more: Any) -> list[OpenedEvent]:
    kind = {"type": {"code": "110106"}, **more}
    return [
        access(patient=one, time_ms=MORNING + n * apart_ms, **kind)
        for n, one in enumerate(patients)
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (exports("ab"), []),
        (exports("aabb"), []),
        (exports("abac"), [(2, 3, 4)]),
        (exports("abc", 5 * MINUTE), [(1, 2, 3)]),
        (exports("abc", 5 * MINUTE + 1000), []),
        (exports("abcdef"), [(1, 2, 3)]),
        (exports("abc", type={"code": "rest"}, subtype=[{"code": "export"}]), [(1, 2, 3)]),
        (exports("abc", type={"code": "rest"}), []),
        (exports("abc", outcome="4"), []),
        (exports("abc", who={"reference": "Patient/x"}), []),
        (exports("abcde", 12_000, type={"code": "rest"}), []),
        (exports("abcdef", 12_000, type={"code": "rest"}), [(1, 2, 3, 4, 5, 6)]),
        (exports("abcdef", 12_001, type={"code": "rest"}), []),
    ],
)  # fmt: skip
def test_counts_patients_exported_or_opened_within_minutes(
    events: list[OpenedEvent], expected: list[tuple[int, ...]]
) -> None:
    """Each once, by staff, successfully."""
    assert entries(findings_of(events, BULK)) == expected


def query(text: str) -> OpenedEvent:
    """Return a search with a query, about no patient."""
    entity = {"query": b64encode(text.encode()).decode(), "role": {"code": "24"}}
    return access(patient=None, entities=[entity])


@pytest.mark.parametrize(
    ("event", "statement"),
    [
        (access(subtype=[{"code": "$export"}]), "a bulk export"),
        (query("GET /fhir/Group/1/$export?_type=Patient"), "a bulk export"),
        (query("GET /fhir/%24export"), "a bulk export"),
        (access(entities=[{"what": {"reference": "https://x/$export"}}]), "a bulk export"),
        (query("Patient?name=$exporter"), None),
        (access(entities=[{"name": "a"}] * 3), "4 entities in one event"),
        (access(entities=[{"name": "a"}] * 2), None),
        (query("GET /Patient?name=a&_count=500 HTTP/1.1"), "a search for 500 results"),
        (query("/Patient?_count=499"), None),
        (query("/Patient?_count=many"), None),
        (access(patient=None, entities=[{"query": "no base64 !", "role": {"code": "24"}}]), None),
        (access(subtype=[{"code": "$export"}], outcome="8"), None),
    ],
)  # fmt: skip
def test_recognizes_single_events_of_bulk_access(event: OpenedEvent, statement: str | None) -> None:
    """By code, query or number of entities."""
    assert statement_of(findings_of([event], BULK)) == statement


def test_export_without_a_person_is_that_of_its_portal() -> None:
    """Once within the quiet hours."""
    application = {"type": {"coding": [{"code": "110150"}]}}
    machine: dict[str, Any] = {"agent": application, "who": {"display": "scheduler"}}
    events = [
        access(patient=None, subtype=[{"code": "$export"}], time_ms=MORNING + later, **machine)
        for later in (0, HOUR - 1000, HOUR)
    ]
    findings = findings_of(events, BULK)
    assert entries(findings) == [(1,), (3,)]
    assert findings[0].who is None


SPIKE_SETTINGS = {
    "minimum_days": 4,
    "active_days": 5,
    "minimum_patients": 8,
    "minimum_excess": 2,
    "deviations_tenths": 20,
}
SPIKE = only(access_spike=SPIKE_SETTINGS)


def active_day(number: int, patients: int, user: str = "u1") -> list[OpenedEvent]:
    """Return a day's accesses to records of patients, the first of them twice."""
    first = MORNING + number * DAY
    which = [*range(patients), 0]
    return [access(user, f"p{n}", first + at * MINUTE) for at, n in enumerate(which)]


def days(counts: list[int]) -> list[OpenedEvent]:
    return [event for number, count in enumerate(counts) for event in active_day(number, count)]


@pytest.mark.parametrize(
    ("counts", "at_patient"),
    [
        ([5, 5, 5, 5, 7], None),  # fewer than 8
        ([5, 5, 5, 5, 8], 8),
        ([5, 5, 5, 30], None),  # too few days before
        ([7, 7, 7, 7, 8], None),  # no 2 above the mean
        ([7, 7, 7, 7, 9], 9),
        ([4, 8, 4, 8, 10], None),  # mean 6, deviation 2: 10 does not exceed 6 + 2·2
        ([4, 8, 4, 8, 11], 11),
        ([50, 5, 5, 5, 5, 5, 8], 8),  # only 5 days count
        ([5, 5, 5, 5, 40], 8),  # once a day
    ],
)
def test_reports_the_access_that_makes_a_day_a_spike(
    counts: list[int], at_patient: int | None
) -> None:
    """Once per day."""
    events = days(counts)
    last_day = len(events) - counts[-1] - 1
    expected = [] if at_patient is None else [(last_day + at_patient,)]
    assert entries(findings_of(events, SPIKE)) == expected


def test_statement_of_a_spike_has_counts_and_mean() -> None:
    """The mean to a tenth."""
    (finding,) = findings_of(days([5, 5, 5, 6, 9]), SPIKE)
    assert finding.statement == "8 patients in a day; 5.3 on average of 4 days before"


def test_spikes_are_judged_by_the_own_past_of_the_user() -> None:
    """Another user's busy days do not matter; two spikes on two days are two findings."""
    quiet = [event for n in range(5) for event in active_day(n, 5, "u2")]
    busy = [event for n in range(5) for event in active_day(n, 30, "u1")]
    assert findings_of([*quiet, *busy], SPIKE) == []
    assert len(findings_of(days([5, 5, 5, 5, 9, 40]), SPIKE)) == 2


def test_events_late_by_a_day_still_count() -> None:
    """Two days are open; older ones are closed."""
    fifth = MORNING + 4 * DAY
    late = [access(patient=f"q{n}", time_ms=fifth + n, late_ms=DAY) for n in range(3)]
    next_day = access(time_ms=fifth + DAY - HOUR)
    (finding,) = findings_of([*days([5] * 5), next_day, *late], SPIKE)  # 5 and 3 are 8
    assert finding.statement.startswith("8 patients")
    older = [access(patient=f"q{n}", time_ms=fifth + n, late_ms=3 * DAY) for n in range(3)]
    assert findings_of([*days([5] * 8), *older], SPIKE) == []


def test_days_are_those_of_the_time_zone() -> None:
    """Events on both sides of midnight in UTC are of one day elsewhere."""
    four = days([5, 5, 5, 5])
    midnight = MORNING + 5 * DAY - 9 * HOUR
    night = [access(patient=f"p{n}", time_ms=midnight + (n - 4) * HOUR) for n in range(8)]
    assert findings_of([*four, *night], SPIKE) == []
    settings = only(access_spike={"time_zone": "America/New_York", **SPIKE_SETTINGS})
    assert len(findings_of([*four, *night], settings)) == 1


@given(
    st.integers(0, 500),
    st.lists(st.integers(0, 500), min_size=2, max_size=28),
    st.integers(0, 100),
    st.integers(0, 50),
)
def test_threshold_is_mean_plus_deviations(
    count: int, before: list[int], tenths: int, minimum: int
) -> None:
    """Recounted in fractions, by the definition of the variance."""
    mean = Fraction(sum(before), len(before))
    variance = sum((one - mean) ** 2 for one in before) / len(before)
    above = count - mean
    expected = above > 0 and above >= minimum and above**2 > Fraction(tenths, 10) ** 2 * variance
    assert exceeds(count, before, tenths, minimum) is bool(expected)
