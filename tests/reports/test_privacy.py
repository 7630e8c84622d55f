"""The privacy report: recounted from plain JSON, sorted by every element."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_ledger.errors import FormatError
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.document import Instant
from audit_ledger.reports.html import to_html
from audit_ledger.reports.privacy import (
    ELEMENTS,
    PrivacyReport,
    PrivacyRow,
    privacy_document,
    privacy_report,
    sort_rows,
)
from audit_ledger.reports.rendering import to_csv, to_json
from audit_ledger.reports.time_zone import UTC_ZONE, Zone
from tests.builders.audit_event import DICOM, NHIN, audit_event_samples, purpose, r4, r5
from tests.builders.opened_event import ms, opened, opened_sample
from tests.builders.random_day import random_day
from tests.reports.covers import BERLIN, EVER, cover

EMERGENCY = {"BTG", "ETREAT"}


def code_of(event: dict[str, Any]) -> str | None:
    """Return the only purpose of a random event."""
    stated = event.get("purposeOfEvent")
    return stated[0]["coding"][0]["code"] if stated else None


def report_of(events: list[OpenedEvent], zone: Zone = UTC_ZONE, **how: Any) -> PrivacyReport:
    """Return the report on all events."""
    return privacy_report(events, period=EVER, zone=zone, **how)


@pytest.mark.parametrize("seed", range(3))
def test_report_of_a_random_day_equals_a_recount(seed: int) -> None:
    """Rows, groups and break-the-glass."""
    day = random_day(seed)
    report = report_of([opened(event, seq) for seq, event in enumerate(day)], sort_by="entry")
    for row, event in zip(report.rows, day, strict=True):
        agent = event["agent"][0]
        assert row.time == Instant(ms(event["recorded"]))
        assert row.patient == event["entity"][0]["what"]["reference"]
        assert (row.user, row.user_id) == (agent["who"]["display"], agent["who"]["reference"])
        assert row.address == agent["network"]["address"]
        assert row.action == {
            "C": "create", "R": "read", "U": "update", "D": "delete", "E": "execute",
        }[event["action"]]  # fmt: skip
        assert event["entity"][1]["what"]["reference"] in row.what
        assert row.failed == (event["outcome"] in ("4", "8", "12"))
        assert (row.purpose is None) == (code_of(event) is None)
        assert (row.break_glass is not None) == (code_of(event) in EMERGENCY)
    broken = [seq for seq, event in enumerate(day) if code_of(event) in EMERGENCY]
    assert [row.entry for row in report.break_glass] == broken
    users = Counter(event["agent"][0]["who"]["reference"] for event in day)
    assert {group.id: group.events for group in report.by_user} == users
    patients = Counter(event["entity"][0]["what"]["reference"] for event in day)
    assert {group.name: group.events for group in report.by_patient} == patients
    for group in report.by_patient:
        own = [e for e in day if e["entity"][0]["what"]["reference"] == group.name]
        assert group.users == len({e["agent"][0]["who"]["reference"] for e in own})
        assert group.failures == sum(e["outcome"] in ("4", "8", "12") for e in own)
        assert group.break_glass == sum(code_of(e) in EMERGENCY for e in own)
        times = [ms(e["recorded"]) for e in own]
        assert (group.first.ms, group.last.ms) == (min(times), max(times))
    assert [(str(group.name), group.events) for group in report.by_day] == [
        ("2026-11-22", len(day))
    ]


def test_event_of_two_users_counts_for_each() -> None:
    """Together they are no third user, and a new name is no new user."""

    def agent(number: int, name: str) -> dict[str, Any]:
        who = {"reference": f"Practitioner/{number}", "display": name}
        return {"who": who, "requestor": True}

    one, other, renamed = agent(1, "Dr A"), agent(2, "Dr B"), agent(2, "Dr B-C")
    events = [r4(agent=agents) for agents in ([one], [other], [one, other], [renamed])]
    report = report_of([opened(event, seq) for seq, event in enumerate(events)], sort_by="entry")
    assert {(g.id, g.name, g.events) for g in report.by_user} == {
        ("Practitioner/1", "Dr A", 2),
        ("Practitioner/2", "Dr B-C", 3),
    }
    (day,) = report.by_day
    assert (day.events, day.users) == (4, 2)
    assert report.rows[2].user == "Dr A; Dr B"


def test_days_are_those_of_the_zone() -> None:
    """After 23:00 UTC it is the next day in Berlin."""
    day = random_day(7)
    report = report_of([opened(event, seq) for seq, event in enumerate(day)], BERLIN)
    late = sum(datetime.fromisoformat(e["recorded"]).astimezone(UTC).hour == 23 for e in day)
    days = {str(group.name): group.events for group in report.by_day}
    assert days == {"2026-11-22": len(day) - late, "2026-11-23": late}


def value_of(row: PrivacyRow, element: str) -> Any:
    """Return the value by which a reader compares."""
    value = getattr(row, element)
    if isinstance(value, Instant):
        return value.ms
    return (value.casefold(), value) if isinstance(value, str) else value


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("element", ELEMENTS)
def test_rows_can_be_sorted_by_every_element(element: str, descending: bool) -> None:
    """Neighbours are in order, equal rows in order of entries, missing values last."""
    flags = {3: ("agent.unidentified",), 5: ("fhir.action", "balp.type")}
    events = [
        opened(event, seq, portal=f"portal{seq % 3}", flags=flags.get(seq, ()))
        for seq, event in enumerate(random_day(11, 60))
    ]
    report = report_of(events, sort_by=element, descending=descending)
    assert sorted(row.entry for row in report.rows) == list(range(60))
    values = [value_of(row, element) for row in report.rows]
    recorded = [value for value in values if value is not None]
    assert values[len(recorded) :] == [None] * (len(values) - len(recorded))
    for one, other in zip(report.rows, report.rows[1:], strict=False):
        left, right = value_of(one, element), value_of(other, element)
        if right is None or left == right:
            assert left is not None or one.entry < other.entry
            assert left != right or one.entry < other.entry
        else:
            assert left > right if descending else left < right


def test_elements_include_those_that_onc_names() -> None:
    """170.210(h), ASTM E2147: date and time, patient, user, action, data accessed."""
    named = {"time", "patient", "user", "action", "what", "outcome", "purpose", "address"}
    assert named | {"portal", "entry", "flags"} <= set(ELEMENTS)
    assert set(ELEMENTS) == set(PrivacyRow.__struct_fields__)


@given(st.text())
def test_rejects_an_unknown_element(element: str) -> None:
    """The message lists the known ones, and does not quote the unknown one."""
    if element in ELEMENTS:
        return
    with pytest.raises(FormatError, match=f"^sort: no such element; there are {ELEMENTS[0]}, "):
        sort_rows([], element)


OVERRIDE = {"system": DICOM, "code": "110127", "display": "Emergency Override Started"}
ALERT = {"system": DICOM, "code": "110113", "display": "Security Alert"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (r4(type=ALERT, subtype=[OVERRIDE]), "Emergency Override Started"),
        (
            r5(
                code={"coding": [OVERRIDE]},
                category=[{"coding": [ALERT]}],
                authorization=[purpose("ETREAT")],
            ),
            "Emergency Override Started; emergency treatment",
        ),
        (r4(purposeOfEvent=[purpose("BTG")]), "break the glass"),
        (r4(purposeOfEvent=[purpose("EMERGENCY", NHIN)]), "emergency"),
        (
            r4(agent=[{"who": {"display": "D"}, "purposeOfUse": [purpose("BTG")]}]),
            "break the glass",
        ),
        (r4(type=ALERT), None),
        (r4(purposeOfEvent=[purpose("ERTREAT")]), None),
        (r4(purposeOfEvent=[purpose("BTG", "urn:other")]), None),
    ],
)
def test_recognizes_break_the_glass(event: dict[str, Any], reason: str | None) -> None:
    """By type and subtype as in HL7's example, or by a purpose of the event or of an agent."""
    report = report_of([opened(event)])
    assert report.rows[0].break_glass == reason
    assert len(report.break_glass) == (reason is not None)


def test_finds_the_only_emergency_among_the_samples(shared_dir: Path) -> None:
    """BALP's SAML example states ETREAT among its purposes; a denied consent is no emergency."""
    paths = audit_event_samples(shared_dir)
    report = report_of([opened_sample(path, seq) for seq, path in enumerate(paths)])
    names = [paths[row.entry].name for row in report.break_glass]
    assert names == ["AuditEvent-ex-auditPoke-SAML-Min2.json"]
    assert len(report.rows) == len(paths)


def test_every_rendering_contains_every_element() -> None:
    """As columns of CSV, keys of JSON, words on the page."""
    event = opened(
        r4(
            agent=[
                {
                    "who": {"reference": "Practitioner/1", "display": "Dr One"},
                    "requestor": True,
                    "network": {"address": "192.0.2.1"},
                }
            ],
            outcome="12",
            purposeOfEvent=[purpose("BTG")],
            source={"observer": {"display": "Recorder"}, "site": "Ward 3"},
        ),
        seq=12345,
        flags=("balp.type", "fhir.action"),
        conflict=True,
    )
    document = privacy_document(report_of([event]), cover())
    (row,) = json.loads(to_json(document))["events"]
    assert list(row) == list(ELEMENTS)
    assert to_csv(document).decode().splitlines()[0].split(",") == [*ELEMENTS, "zone"]
    page = to_html(document).decode().replace("<wbr>", "")
    for key, value in row.items():
        if key not in ("failed", "conflict", "time", "entry_time") and value is not None:
            assert str(value) in page
    for word in ("Failed", "Conflict", "2026-11-22 05:59:00 +00:00", "2026-11-22 05:59:02 +00:00"):
        assert word in page
    assert (row["flags"], row["outcome"], row["failed"]) == (
        "balp.type fhir.action",
        "major failure",
        True,
    )


def test_repr_contains_no_personal_data() -> None:
    """It may end up in logs."""
    shown = repr(report_of([opened(r4())]))
    assert "doc" not in shown
    assert "PrivacyRow(entry=1)" in shown
