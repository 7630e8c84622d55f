"""The outcome of an event by FHIR's code systems, the same for every reader."""

from typing import Any

import pytest

from audit_ledger.detections.observed_access import observe_access
from audit_ledger.detections.staff_directory import Directory
from audit_ledger.events.event import Format
from audit_ledger.events.event_details import read_details
from audit_ledger.events.outcome import EventOutcome, event_outcome
from audit_ledger.exports.ocsf import ocsf_event
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.labels import action_words, failed
from tests.builders.audit_event import encoded, patient_entity, r4, r5
from tests.builders.opened_event import opened
from tests.reports.covers import ORIGIN

ABOUT = [patient_entity("Patient/1")]
SEVERITY = "http://hl7.org/fhir/issue-severity"
OUTCOME = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"


def of_r5(code: str | None, system: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an R5 event with this outcome."""
    coding = {key: value for key, value in (("system", system), ("code", code)) if value}
    return r5(outcome={"code": coding, **more}, patient={"reference": "Patient/1"})


def of_r4(outcome: Any, **more: Any) -> dict[str, Any]:
    """Return an R4 event with this outcome."""
    return r4(outcome=outcome, entity=ABOUT, **more)


def opened_by_release(event: dict[str, Any]) -> OpenedEvent:
    """Return the opened event, with the format of its release."""
    format_: Format = "fhir-r5" if "code" in event else "fhir-r4"
    return opened(event, format_=format_)


SUCCEEDED = [
    of_r4("0"),
    of_r4(0),
    of_r5("success", SEVERITY),
    of_r5("information", SEVERITY),
    of_r5("0", OUTCOME),
    of_r5("success"),
]
FAILED = [
    *(of_r4(code) for code in ("4", "8", "12", 4, 8, 12)),
    *(of_r5(code, SEVERITY) for code in ("warning", "error", "fatal")),
    *(of_r5(code, OUTCOME) for code in ("4", "8", "12")),
    of_r5("8"),
    of_r5("error"),
    of_r4(4.0),
    r5(outcome=[{"code": {"code": "error"}}], patient={"reference": "Patient/1"}),
    r5(outcome={"system": SEVERITY, "code": "error"}, patient={"reference": "Patient/1"}),
    r5(outcome={"coding": [{"code": "fatal"}]}, patient={"reference": "Patient/1"}),
    r5(outcome={"code": {"coding": [{"code": "8"}]}}, patient={"reference": "Patient/1"}),
]
UNKNOWN = [
    of_r4("1"),
    of_r4("16"),
    of_r4("04"),
    of_r4("ERROR"),
    of_r4("denied"),
    of_r4(None, outcomeDesc="access denied"),
    of_r5("403", "https://hospital.example/status"),
    of_r5("0", "https://hospital.example/status"),
    of_r5("8", "https://hospital.example/status"),
    of_r5(None, detail=[{"text": "access denied"}]),
    of_r4(True),
    of_r4(4.5),
    r5(outcome={"code": {"display": "access denied"}}, patient={"reference": "Patient/1"}),
    r5(outcome={"code": {"text": "access denied"}}, patient={"reference": "Patient/1"}),
    r5(outcome={"text": "access denied"}, patient={"reference": "Patient/1"}),
    r5(outcome=[["denied"]], patient={"reference": "Patient/1"}),
]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        *((event, EventOutcome.SUCCESS) for event in SUCCEEDED),
        *((event, EventOutcome.FAILURE) for event in FAILED),
        *((event, EventOutcome.UNKNOWN) for event in [*UNKNOWN, of_r4(None)]),
    ],
)
def test_reports_exports_and_rules_agree_on_the_outcome(
    event: dict[str, Any], expected: EventOutcome
) -> None:
    """No failed access, and none of unknown outcome, is shown as an access."""
    one = opened_by_release(event)
    assert event_outcome(one.details) is expected
    assert (
        failed(one.details)
        == {
            EventOutcome.SUCCESS: False,
            EventOutcome.FAILURE: True,
            EventOutcome.UNKNOWN: None,
        }[expected]
    )
    words = action_words(one.details)
    assert (words == "looked at") == (expected is EventOutcome.SUCCESS)
    assert ("failed" in words) == (expected is EventOutcome.FAILURE)
    status = ocsf_event(one, ORIGIN)["status_id"]
    assert (status == 1) == (expected is EventOutcome.SUCCESS)
    assert (status == 2) == (expected is EventOutcome.FAILURE)
    access = observe_access(one, Directory(), lambda text: text.ljust(12)[:24])
    assert access.has_failed == (expected is EventOutcome.FAILURE)
    assert access.is_access == (expected is not EventOutcome.FAILURE)


@pytest.mark.parametrize("event", UNKNOWN)
def test_an_outcome_that_fhir_does_not_define_is_shown_as_unknown(event: dict[str, Any]) -> None:
    """Neither as an access nor as a failed one."""
    assert action_words(opened_by_release(event).details) == (
        "tried to look at; whether it succeeded is unknown"
    )


def test_contradictory_outcomes_are_unknown() -> None:
    """The event has a list of codings where FHIR has one."""
    outcome = {"code": [{"code": "success"}, {"code": "error"}]}
    event = r5(outcome=outcome, patient={"reference": "Patient/1"})
    assert event_outcome(read_details(encoded(event), "fhir-r5")) is EventOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("type_", "more", "expected", "words"),
    [
        ("record.viewed", {}, EventOutcome.SUCCESS, "looked at"),
        ("record.viewed", {"outcome": "0"}, EventOutcome.SUCCESS, "looked at"),
        ("record.viewed", {"outcome": "8"}, EventOutcome.FAILURE, "tried to look at, and failed"),
        (
            "record.viewed",
            {"outcome": {"code": {"code": "error"}}},
            EventOutcome.FAILURE,
            "tried to look at, and failed",
        ),
        (
            "record.viewed",
            {"outcome": "denied"},
            EventOutcome.UNKNOWN,
            "tried to look at; whether it succeeded is unknown",
        ),
        (
            "record.view.denied",
            {"action": "R"},
            EventOutcome.FAILURE,
            "tried to look at, and failed",
        ),
        ("record.access.REFUSED", {}, EventOutcome.FAILURE, "tried to do something to, and failed"),
        (
            "record.order.cancelled",
            {"action": "R"},
            EventOutcome.UNKNOWN,
            "looked at (outcome not recorded)",
        ),
    ],
)
def test_the_type_of_a_record_event_determines_its_outcome(
    type_: str, more: dict[str, Any], expected: EventOutcome, words: str
) -> None:
    """`record.viewed` needs no outcome, but one in the data takes precedence."""
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/app",
        "type": type_,
        "data": {"patient": {"reference": "Patient/1"}, **more},
    }
    details = read_details(encoded(event), "cloudevents")
    assert (event_outcome(details), action_words(details)) == (expected, words)
