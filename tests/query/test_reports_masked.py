"""What settings hide from patients is in no rendering, and nowhere else that they may ask."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.query.ledger_api import LedgerApi
from tests.query.report_api import (
    AGENCY,
    MASKED,
    SILENT,
    YESTERDAY,
    deployed_report_api,
    disclosure_of,
    read_of,
)

FORMS = ("json", "csv", "html")
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def report_api() -> Iterator[LedgerApi]:
    """A ledger that shows days and roles; another, with a bureau that asked for silence."""
    with deployed_report_api() as report_api:
        report_api.send(read_of("rose", "staff-7", ago=DAY, name="Dr. Nonesuch"), MASKED)
        report_api.send(read_of("rose", "staff-8", ago=2 * DAY, name="Iris Notreal"), MASKED)
        report_api.send(disclosure_of("rose", AGENCY, name="The Bureau", ago=3 * DAY), SILENT)
        report_api.send(disclosure_of("rose", "Organization/once", ago=3 * DAY), SILENT)
        report_api.send(disclosure_of("rose", "Organization/court", ago=2 * DAY), SILENT)
        report_api.send(disclosure_of("rose", "Organization/school", ago=2 * DAY), SILENT)
        beside: dict[str, Any] = read_of("rose", ago=DAY)
        beside["text"] = {"status": "generated", "div": f"<div>sent to {AGENCY}</div>"}
        report_api.send(beside, SILENT)
        report_api.settle()
        for path in (
            f"/reports/privacy?patient=rose&user={AGENCY}&from=2020-01-01",
            "/AuditEvent?patient=rose&agent=bureau",
            "/AuditEvent?patient=rose&agent=Organization%2Fbureau",
        ):
            assert report_api.get(path, report_api.officer(SILENT)).status_code == 200
        report_api.settle()
        yield report_api


@pytest.fixture
def told(report_api: LedgerApi) -> str:
    """The id of the disclosure to the bureau."""
    found = report_api.events(f"agent={AGENCY}&date=ge2020", report_api.officer(SILENT))
    (event_id,) = found
    return event_id


def of_each_form(report_api: LedgerApi, path: str, token: str) -> Iterator[str]:
    for form in FORMS:
        answer = report_api.get(f"{path}{'&' if '?' in path else '?'}_format={form}", token)
        assert answer.status_code == 200, answer.text
        yield answer.text
        if form == "csv" and path.startswith("/accesses"):
            people = report_api.get(
                f"{path}{'&' if '?' in path else '?'}_format=csv&table=people", token
            )
            yield people.text


def test_days_and_roles_in_every_form(report_api: LedgerApi) -> None:
    """No name, no identifier, no time of day of an access, no entry; for the office likewise."""
    for path, token in (
        ("/accesses", report_api.patient("rose", MASKED)),
        ("/accesses?patient=rose", report_api.officer(MASKED)),
    ):
        for text in of_each_form(report_api, path, token):
            assert "health professional" in text
            for hidden in ("Nonesuch", "Notreal", "staff-7", "staff-8"):
                assert hidden not in text
        told = report_api.json(path, token)
        own = [line for line in told["accesses"] if line["role"] == "health professional"]
        assert len(own) == 2
        assert all(line.keys() & {"who", "entry"} == set() for line in told["accesses"])
        assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", line["when"]) for line in told["accesses"])
        assert told["zone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    "query",
    ["zone=%2B01:01", "from=2026-01-01T00:00:00Z", "to=2030-01-01T00:00:00Z", "zone=Asia/Tokyo"],
)
def test_a_patient_cannot_ask_for_the_minute(report_api: LedgerApi, query: str) -> None:
    """A period or zone of one's choice would tell when it was; days of the ledger's zone may be."""
    rose, office = report_api.patient("rose", MASKED), report_api.officer(MASKED)
    for path in ("/accesses", "/accounting"):
        assert report_api.get(f"{path}?{query}", rose).status_code == 400
        assert report_api.get(f"{path}?{query}&patient=rose", office).status_code == 200
        assert report_api.get(f"{path}?from={YESTERDAY}&to={YESTERDAY}", rose).status_code == 200
        told = report_api.json(path, rose)
        assert told.keys() & {"other_entries"} == set()


def test_what_is_masked_is_not_had_by_asking_for_the_event(
    report_api: LedgerApi,
) -> None:
    """Searches, events, receipts and exports show all of an event: not to these patients."""
    ids = list(report_api.events("date=ge2020&patient=rose", report_api.officer(MASKED)))
    for path in (
        "/AuditEvent",
        f"/AuditEvent/{ids[0]}",
        f"/AuditEvent/{ids[0]}/receipt",
        "/export?format=fhir",
    ):
        refused = report_api.get(path, report_api.patient("rose", MASKED))
        assert refused.status_code == 403
        assert "GET /accesses" in refused.json()["issue"][0]["diagnostics"]
    assert report_api.get(f"/AuditEvent/{ids[0]}", report_api.officer(MASKED)).status_code == 200


def test_who_asked_for_silence_is_named_to_no_patient(report_api: LedgerApi, told: str) -> None:
    """In no form, in no count, in no event, in nobody's recorded question."""
    rose = report_api.patient("rose", SILENT)
    for path, shown in (
        ("/accounting", "court"),
        ("/accesses", "health professional"),
        ("/export?format=csv", "court"),
        ("/AuditEvent", "court"),
    ):
        texts = [report_api.get(path, rose).text]
        if path in ("/accounting", "/accesses"):
            texts = list(of_each_form(report_api, path, rose))
        for text in texts:
            assert "ureau" not in text
            assert shown in text
    for path in (f"/AuditEvent/{told}", f"/AuditEvent/{told}/receipt"):
        assert report_api.get(path, rose).status_code == 404
        assert report_api.get(path, report_api.officer(SILENT)).status_code == 200
    found = report_api.events("date=ge2020", rose)
    assert told not in found
    assert "ureau" not in str(found)


def test_the_accounting_says_nothing_of_silence_and_all_of_the_rest(
    report_api: LedgerApi,
) -> None:
    """Also for one whose silence is over; the hospital's own exclusion is counted."""
    mine = report_api.json("/accounting", report_api.patient("rose", SILENT))
    assert {line["recipient"] for line in mine["disclosures"]} == {
        "Organization/once",
        "Organization/court",
    }
    left_out = {row["exclusion"]: row["number"] for row in mine["exclusions"]}
    assert left_out["pursuant to your authorization"] == 1
    assert "suspended" not in str(mine).lower()


def test_the_office_is_told_when_it_asks_for_itself(report_api: LedgerApi) -> None:
    """By agency and number; what it hands to the patient has none of it."""
    for route in ("/accounting", "/accesses"):
        office = report_api.json(
            f"{route}?patient=rose&audience=office", report_api.officer(SILENT)
        )
        (row,) = office["suspended"]
        assert (row["agency"], row["number"], row["oral"]) == ("Bureau, case 17", 1, False)
        assert "not for the patient" in office["title"]
        for text in of_each_form(report_api, f"{route}?patient=rose", report_api.officer(SILENT)):
            assert "ureau" not in text
