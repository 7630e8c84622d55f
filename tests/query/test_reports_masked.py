"""What settings hide from patients is in no form of a report, and in no other response."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.query.ledger_api import LedgerApi
from tests.query.report_api import (
    AGENCY,
    MASKED,
    SUSPENDED,
    YESTERDAY,
    access_of,
    disclosure_of,
)

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def api(report_api: LedgerApi) -> LedgerApi:
    """A ledger that shows days and roles; another that withholds disclosures to the bureau."""
    report_api.send(access_of("rose", "staff-7", ago=DAY, name="Dr. Nonesuch"), MASKED)
    report_api.send(access_of("rose", "staff-8", ago=2 * DAY, name="Iris Notreal"), MASKED)
    narrative = {"status": "generated", "div": f"<div>sent to {AGENCY}</div>"}
    for event in (
        disclosure_of("rose", AGENCY, name="The Bureau", ago=3 * DAY),
        disclosure_of("rose", "Organization/once", ago=3 * DAY),
        disclosure_of("rose", "Organization/court", ago=2 * DAY),
        disclosure_of("rose", "Organization/school", ago=2 * DAY),
        {**access_of("rose", ago=DAY), "text": narrative},
    ):
        report_api.send(event, SUSPENDED)
    report_api.settle()
    for path in (
        f"/reports/privacy?patient=rose&user={AGENCY}&from=2020-01-01",
        "/AuditEvent?patient=rose&agent=bureau",
        "/AuditEvent?patient=rose&agent=Organization%2Fbureau",
    ):
        assert report_api.get(path, report_api.officer(SUSPENDED)).status_code == 200
    report_api.settle()
    return report_api


def in_every_form(api: LedgerApi, path: str, token: str) -> Iterator[str]:
    """Yield a report as JSON, CSV and HTML, of accesses also the table of people."""
    forms = ["json", "csv", "html"]
    if path.startswith("/accesses"):
        forms.append("csv&table=people")
    for form in forms:
        response = api.get(f"{path}{'&' if '?' in path else '?'}_format={form}", token)
        assert response.status_code == 200, response.text
        yield response.text


def test_masked_accesses_show_days_and_roles_in_every_form(api: LedgerApi) -> None:
    """No name, identifier, time of day or entry; the office sees the same."""
    for path, token in (
        ("/accesses", api.patient("rose", MASKED)),
        ("/accesses?patient=rose", api.officer(MASKED)),
    ):
        for text in in_every_form(api, path, token):
            assert "health professional" in text
            for hidden in ("Nonesuch", "Notreal", "staff-7", "staff-8"):
                assert hidden not in text
        report = api.json(path, token)
        lines = report["accesses"]
        assert sum(line["role"] == "health professional" for line in lines) == 2
        assert all(line.keys().isdisjoint({"who", "entry"}) for line in lines)
        assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", line["when"]) for line in lines)
        assert report["zone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    "query",
    ["zone=%2B01:01", "from=2026-01-01T00:00:00Z", "to=2030-01-01T00:00:00Z", "zone=Asia/Tokyo"],
)
def test_a_masked_report_has_no_period_but_days_of_the_ledgers_zone(
    api: LedgerApi, query: str
) -> None:
    """With another period or zone, a patient could find the minute of an access."""
    rose, officer = api.patient("rose", MASKED), api.officer(MASKED)
    for path in ("/accesses", "/accounting"):
        assert api.get(f"{path}?{query}", rose).status_code == 400
        assert api.get(f"{path}?{query}&patient=rose", officer).status_code == 200
        assert api.get(f"{path}?from={YESTERDAY}&to={YESTERDAY}", rose).status_code == 200
        assert "other_entries" not in api.json(path, rose)


def test_a_masked_ledger_refuses_patients_all_other_routes(api: LedgerApi) -> None:
    """Searches, events, receipts and exports would show whole events."""
    event_id = next(iter(api.search("date=ge2020&patient=rose", api.officer(MASKED))))
    for path in (
        "/AuditEvent",
        f"/AuditEvent/{event_id}",
        f"/AuditEvent/{event_id}/receipt",
        "/export?format=fhir",
    ):
        refused = api.get(path, api.patient("rose", MASKED))
        assert refused.status_code == 403
        assert "GET /accesses" in refused.json()["issue"][0]["diagnostics"]
    assert api.get(f"/AuditEvent/{event_id}", api.officer(MASKED)).status_code == 200


def test_a_suspended_recipient_is_named_to_no_patient(api: LedgerApi) -> None:
    """In no form, count or event, and in no recorded request."""
    rose, officer = api.patient("rose", SUSPENDED), api.officer(SUSPENDED)
    (withheld,) = api.search(f"agent={AGENCY}&date=ge2020", officer)
    for path, shown in (
        ("/accounting", "court"),
        ("/accesses", "health professional"),
        ("/export?format=csv", "court"),
        ("/AuditEvent", "court"),
    ):
        is_report = path in ("/accounting", "/accesses")
        for text in in_every_form(api, path, rose) if is_report else [api.get(path, rose).text]:
            assert "ureau" not in text
            assert shown in text
    for path in (f"/AuditEvent/{withheld}", f"/AuditEvent/{withheld}/receipt"):
        assert api.get(path, rose).status_code == 404
        assert api.get(path, officer).status_code == 200
    events = api.events("date=ge2020", rose)
    assert withheld not in events
    assert "ureau" not in str(events)


def test_an_accounting_omits_suspended_disclosures_only(api: LedgerApi) -> None:
    """It lists those of an ended suspension, and counts the hospital's own exclusion."""
    accounting = api.json("/accounting", api.patient("rose", SUSPENDED))
    recipients = {line["recipient"] for line in accounting["disclosures"]}
    assert recipients == {"Organization/once", "Organization/court"}
    excluded = {row["exclusion"]: row["number"] for row in accounting["exclusions"]}
    assert excluded["pursuant to your authorization"] == 1
    assert "suspended" not in str(accounting).lower()


@pytest.mark.parametrize("route", ["/accounting", "/accesses"])
def test_suspended_disclosures_are_reported_to_the_office_on_request(
    api: LedgerApi, route: str
) -> None:
    """By agency and number; the report for the patient contains neither."""
    officer = api.officer(SUSPENDED)
    report = api.json(f"{route}?patient=rose&audience=office", officer)
    (row,) = report["suspended"]
    assert (row["agency"], row["number"], row["oral"]) == ("Bureau, case 17", 1, False)
    assert "not for the patient" in report["title"]
    for text in in_every_form(api, f"{route}?patient=rose", officer):
        assert "ureau" not in text
