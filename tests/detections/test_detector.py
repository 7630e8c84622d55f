"""All rules together: the same in batches of any size, with bounded states, without names."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audit_ledger.detections.access_spike import MAX_MARKS, MAX_PATIENTS, MAX_USERS
from audit_ledger.detections.alert_suppression import MAX_REPORTED
from audit_ledger.detections.detector import Detector, make_rules
from audit_ledger.detections.finding import DetectionFinding, PublicFinding, finding_id
from audit_ledger.detections.settings import DetectionSettings
from audit_ledger.detections.staff_directory import Department, Directory, DirectoryEncounter
from audit_ledger.detections.windows import MAX_ITEMS
from audit_ledger.errors import FormatError
from audit_ledger.events.event import PatientReference
from audit_ledger.events.event_details import AgentDetails
from audit_ledger.records.opened_event import OpenedEvent
from tests.detections.rules import (
    DAY,
    HOUR,
    MINUTE,
    MORNING,
    access,
    detector,
    ledger,
    mark,
    only,
    patient,
    placed,
    user,
)

TIGHT = only(
    self_access={},
    same_surname={},
    same_household={},
    no_encounter={"days": 1},
    break_the_glass={},
    access_spike={"minimum_days": 2, "active_days": 3, "minimum_patients": 3, "minimum_excess": 1},
    after_hours={"hours": ["08:00-17:00"] * 7},
    bulk_access={"exported_patients": 3, "opened_patients": 5},
    failed_access={"failures": 3},
    ended_user={},
    consent_denied={},
)


ENCOUNTER = DirectoryEncounter(
    patient="reference|Patient/p1", department="ward", from_ms=MORNING, to_ms=None
)


class SomeDenied:
    """Consents that deny access to one patient's record."""

    def denied(self, patient: PatientReference, agent: AgentDetails, time_ms: int) -> str | None:
        return "revoked" if patient.reference == "Patient/p3" else None


def directory() -> Directory:
    return Directory(
        [
            user("u0", surname="Roe", department="ward"),
            user("u1", surname="Doe", department="ward", valid_to_ms=MORNING + 2 * DAY),
            user("u2", surname="Poe", department="er"),
        ],
        patients=[
            patient("p0", surname="Roe", household="h", employee="u2"),
            patient("p1", surname="Moe", household="h"),
            patient("p2", surname="Roe"),
        ],
        encounters=[ENCOUNTER],
    )


@cache
def busy_days() -> tuple[OpenedEvent, ...]:
    """Return days in which every rule finds something, in ledger order, some events late."""
    random = Random(1)
    events = []
    for number in range(600):
        kind: dict[str, Any] = random.choice(
            [
                {},
                {},
                {"type": {"code": "110106"}},
                {"outcome": "4"},
                {"purpose": {"coding": [{"code": "BTG"}]}},
            ]
        )
        time_ms = MORNING + number // 150 * DAY + random.randrange(14 * HOUR)
        late_ms = random.choice([1_000, 1_000, 1_000, HOUR, DAY])
        who, whom = f"u{random.randrange(4)}", f"p{random.randrange(9)}"
        events.append(access(who, whom, time_ms, late_ms=late_ms, **kind))
    for number in range(60):  # the last day ends with many patients, and many failures
        time_ms = MORNING + 3 * DAY + 15 * HOUR + number * MINUTE // 4
        outcome = "4" if number % 3 == 0 else "0"
        events.append(access("u0", f"q{number}", time_ms, outcome=outcome))
    return tuple(ledger(events))


def run(
    events: Sequence[OpenedEvent], sizes: Sequence[int]
) -> tuple[list[DetectionFinding], dict[str, bytes]]:
    """Observe events in batches, each by a new detector that resumes from the stored states."""
    findings: list[DetectionFinding] = []
    states: dict[str, bytes] = {}
    at = 0
    for size in [*sizes, len(events)]:
        rules = detector(TIGHT, directory(), SomeDenied())
        rules.resume(states)
        for event in events[at : at + size]:
            findings += rules.observe(event)
        states = rules.states()
        at += size
    return findings, states


@cache
def run_at_once() -> tuple[list[DetectionFinding], dict[str, bytes]]:
    """Observe all events in one batch."""
    return run(busy_days(), [])


def test_sample_events_yield_findings_of_every_rule() -> None:
    """Otherwise the tests below would prove little."""
    findings, states = run_at_once()
    rules = {rule.name for rule in make_rules(TIGHT, SomeDenied())}
    assert {finding.rule for finding in findings} == rules == set(states)
    assert len({finding.id for finding in findings}) == len(findings)


@settings(max_examples=15)
@example([1] * 660)
@given(st.lists(st.integers(1, 200), max_size=12))
def test_batches_of_any_size_yield_the_same(sizes: list[int]) -> None:
    """The same findings with the same ids, and the same states, byte for byte."""
    assert run(busy_days(), sizes) == run_at_once()


def test_states_and_public_findings_contain_no_names() -> None:
    """States contain marks; the public form has rule, severity, entries and time only."""
    findings, states = run_at_once()
    stored = b"".join(states.values()).decode()
    public = msgspec.json.encode([finding.public() for finding in findings]).decode()
    names = ("Practitioner", "Patient", "Roe", "u0", "p0", "u1", "p1")
    assert not any(f'"{name}' in stored or f"|{name}" in stored for name in names)
    assert not any(name in public for name in names)
    assert set(msgspec.json.decode(public)[0]) == {"rule", "severity", "entries", "ledger_time"}
    assert mark("user|u0") in stored
    statements = {finding.statement for finding in findings}
    assert not any(name in statement for statement in statements for name in names)
    assert "Practitioner" not in repr(findings)


def test_id_derives_from_rule_and_entries() -> None:
    """Recounted; a public finding leads to the private one."""
    finding = run_at_once()[0][0]
    numbers = ",".join(map(str, finding.entries))
    text = f"audit-ledger/finding/v1\n{finding.rule}\n{numbers}"
    assert finding.id == sha256(text.encode()).hexdigest()
    public = finding.public()
    assert finding_id(public.rule, public.entries) == finding.id
    assert public == PublicFinding(
        finding.rule, finding.severity, finding.entries, finding.ledger_time
    )


def test_entries_ascend_and_have_their_event_ids() -> None:
    """The ledger's time is that of the last one."""
    events = {event.seq: event for event in busy_days()}
    for finding in run_at_once()[0]:
        assert list(finding.entries) == sorted(set(finding.entries))
        assert [events[n].event_id for n in finding.entries] == list(finding.event_ids)
        assert finding.ledger_time == events[finding.entries[-1]].entry_time


def test_rule_that_does_not_run_keeps_its_state() -> None:
    """A directory that is missing for a day does not reset it."""
    _, states = run_at_once()
    without = detector(TIGHT, Directory())
    without.resume(states)
    lacking = {"no-encounter", "same-household", "ended-user", "consent-denied"}
    assert set(without.not_applicable) == lacking
    without.observe(busy_days()[0])
    for name in lacking:
        assert without.states()[name] == states[name]


@pytest.mark.parametrize(
    ("rule", "data", "lacking"),
    [
        ("self_access", {}, None),
        ("same_surname", {}, None),
        ("same_household", {}, "the directory has no users"),
        (
            "same_household",
            {"users": [user("u1")], "patients": [patient()]},
            "the directory has no households and no contacts",
        ),
        ("same_household", {"users": [user()], "patients": [patient(contacts=("u1",))]}, None),
        ("no_encounter", {}, "the directory has no encounters"),
        (
            "no_encounter",
            {"encounters": [ENCOUNTER]},
            "the directory has no users with a department",
        ),
        ("no_encounter", {"users": [user(department="w")], "encounters": [ENCOUNTER]}, None),
        (
            "after_hours",
            {"users": [user()], "departments": [Department(id="w")]},
            "neither settings nor a user's department have opening hours",
        ),
        ("after_hours", {"users": [user()], "departments": [Department(id="w", hours=())]}, None),
        (
            "ended_user",
            {"users": [user()]},
            "the directory has no users with a first or last day",
        ),
        ("ended_user", {"users": [user(valid_to_ms=1)]}, None),
        ("consent_denied", {}, "no consents are recorded"),
    ],
)
def test_rule_states_which_data_it_lacks(
    rule: str, data: dict[str, Any], lacking: str | None
) -> None:
    """Otherwise it would silently find nothing."""
    not_applicable = detector(only(**{rule: {}}), Directory(**data)).not_applicable
    assert list(not_applicable.values()) == ([] if lacking is None else [lacking])


@pytest.mark.parametrize("data", [b"", b"[]", b'{"users":1}', b"\xff", b"[" * 5000])
def test_rejects_an_invalid_state(data: bytes) -> None:
    """The message names the rule."""
    rules = detector(only(access_spike={}))
    with pytest.raises(FormatError, match=r"^access-spike: expected a stored state$"):
        rules.resume({"access-spike": data})


@pytest.mark.parametrize("length", [11, 25])
def test_rejects_marks_of_another_length(length: int) -> None:
    """The length bounds the states."""
    with pytest.raises(ValueError, match="expected marks of 12 to 24"):
        Detector(make_rules(DetectionSettings()), Directory(), lambda text: "x" * length)


def state_after(settings_: DetectionSettings, events: Sequence[OpenedEvent]) -> Any:
    """Return the stored state of the only rule after events."""
    rules = detector(settings_)
    for seq, event in enumerate(events):
        rules.observe(placed(event, seq))
    (state,) = rules.states().values()
    return state


def test_number_of_suppressed_alerts_is_bounded() -> None:
    """The newest remain, and those of a past week are deleted."""
    one = access(purpose={"coding": [{"code": "BTG"}]})

    def by(number: int, later_ms: int = 0) -> OpenedEvent:
        return msgspec.structs.replace(
            one,
            time_ms=one.time_ms + later_ms,
            entry_time=one.entry_time + later_ms // 1000,
            details=_renamed(one, f"u{number}"),
        )

    events = [by(number) for number in range(MAX_REPORTED + 500)]
    state = state_after(only(break_the_glass={}), events)
    last = msgspec.json.decode(state)["reported"]["last"]
    assert len(last) == MAX_REPORTED
    assert f"{mark(f'reference|Practitioner/u{MAX_REPORTED + 499}')}/" in next(reversed(last))
    assert len(state) < MAX_REPORTED * 96
    for later, count in ((8 * DAY, 101), (8 * DAY + 1000, 1)):
        state = state_after(only(break_the_glass={}), [*events[:100], by(200, later)])
        assert len(msgspec.json.decode(state)["reported"]["last"]) == count


def _renamed(event: OpenedEvent, name: str) -> Any:
    """Return the details with another user's name, which is faster than a new event."""
    (one,) = event.details.agents
    agent = msgspec.structs.replace(one.agent, candidates=(f"reference|Practitioner/{name}",))
    agents = (msgspec.structs.replace(one, agent=agent),)
    return msgspec.structs.replace(event.details, agents=agents)


def many(users: int, patients: int, **fields: Any) -> list[OpenedEvent]:
    """Return an access by each of many users to each of many patients' records."""
    events = []
    first = access(**fields)
    for whom in range(patients):
        about = (PatientReference(f"Patient/p{whom}"),)
        for who in range(users):
            details = msgspec.structs.replace(_renamed(first, f"u{who}"), patients=about)
            events.append(msgspec.structs.replace(first, details=details))
    return events


@pytest.mark.parametrize(("users", "patients"), [(MAX_USERS + 100, 1), (200, 400), (1, 700)])
def test_baselines_are_bounded(users: int, patients: int) -> None:
    """Users, patients of a day, and marks in total."""
    state = state_after(only(access_spike={}), many(users, patients))
    decoded = msgspec.json.decode(state)
    marks = [day[1] for one in decoded["users"].values() for day in one[2]]
    assert len(decoded["users"]) == min(users, MAX_USERS)
    assert sum(map(len, marks)) == decoded["marks"] <= MAX_MARKS
    assert max(map(len, marks)) <= MAX_PATIENTS
    assert len(state) < MAX_USERS * 250 + MAX_MARKS * 27


@pytest.mark.parametrize(
    ("settings_", "users", "patients"),
    [
        (only(failed_access={"failures": 500}), 11, 1_000),
        (only(failed_access={}), MAX_ITEMS + 100, 1),
        (only(bulk_access={"opened_patients": 500}), 30, 400),
    ],
)
def test_windows_are_bounded(settings_: DetectionSettings, users: int, patients: int) -> None:
    """For any number of users and events."""
    outcome = "4" if settings_.failed_access else "0"
    state = state_after(settings_, many(users, patients, outcome=outcome))
    decoded = msgspec.json.decode(state)
    windows = decoded.get("opened", decoded)
    assert windows["count"] == sum(len(one["items"]) for one in windows["users"].values())
    assert windows["count"] <= MAX_ITEMS
    assert len(windows["users"]) <= MAX_ITEMS
    assert len(state) < MAX_ITEMS * 220


def test_idle_users_are_deleted() -> None:
    """By the ledger's clock, which no portal sets."""
    settings_ = only(failed_access={})
    events = [access("u1", outcome="4"), access("u2", outcome="4", time_ms=MORNING + 3 * HOUR)]
    assert list(msgspec.json.decode(state_after(settings_, events))["users"]) == [
        mark("reference|Practitioner/u2")
    ]
    soon = [events[0], access("u2", outcome="4", time_ms=MORNING + 5 * MINUTE)]
    assert len(msgspec.json.decode(state_after(settings_, soon))["users"]) == 2
    spike = only(access_spike={})
    idle = [access("u1"), access("u2", time_ms=MORNING + 91 * DAY)]
    assert len(msgspec.json.decode(state_after(spike, idle))["users"]) == 1


def test_marks_of_patients_derive_from_pseudonyms() -> None:
    """States contain no mark of an identifier of a patient."""
    marked: list[str] = []

    def note_and_mark(identifier: str) -> str:
        marked.append(identifier)
        return mark(identifier)

    rules = Detector(make_rules(TIGHT), Directory(), note_and_mark)
    for number, subject in enumerate((b"\1" * 16, b"\2" * 16)):
        opened = placed(access(time_ms=MORNING + number * MINUTE), number)
        rules.observe(msgspec.structs.replace(opened, subject=subject))
    of_patients = {name for name in marked if not name.startswith("reference|Practitioner/")}
    assert of_patients - {""} == {f"subject|{'01' * 16}", f"subject|{'02' * 16}"}
