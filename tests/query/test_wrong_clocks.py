"""Every received event is reported, with the stated time if a sender's clock was wrong."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.query.ledger_api import LedgerApi
from tests.query.report_api import NOW, PORTAL, access_of

CASE = "cases/reports/04-wrong-clock"
WRONG = (
    "1970-01-01T00:00:12Z",
    "2062-11-30T08:00:00Z",
    "9999-12-31T23:59:59Z",
    "2016-11-30T08:00:00Z",
)
NEAR = (timedelta(minutes=4), timedelta(hours=-11), timedelta(minutes=-4))
WITH_WRONG_TIME = {f"w{number}" for number in range(len(WRONG))}
WITH_NEAR_TIME = {f"n{number}" for number in range(len(NEAR))}
PRIVACY = "/reports/privacy"


@pytest.fixture(scope="module")
def api(report_api: LedgerApi, shared_dir: Path) -> LedgerApi:
    """The disclosures of the case, and accesses with wrong clocks."""
    for name in ("on-time", "dead-battery", "year-typo"):
        event = json.loads((shared_dir / CASE / f"{name}.json").read_text())
        event["entity"][0]["what"] = {"reference": "Patient/8802001"}
        if name == "on-time":
            event["recorded"] = NOW.isoformat(timespec="milliseconds")
        report_api.send(event)
    for number, recorded in enumerate(WRONG):
        report_api.send({**access_of("wrong", f"w{number}"), "recorded": recorded})
    for number, ago in enumerate(NEAR):
        report_api.send(access_of("wrong", f"n{number}", ago=ago))
    report_api.send(access_of("wrong", "yesterday", ago=timedelta(days=3)))
    report_api.settle()
    return report_api


def rows_by_reader(report: dict[str, Any], table: str, column: str) -> dict[str, dict[str, Any]]:
    """Return the rows of practitioners, by reader."""
    rows = {row[column]: row for row in report[table] if (row[column] or "").startswith("Dr. ")}
    return {name.removeprefix("Dr. "): row for name, row in rows.items()}


def test_an_accounting_contains_disclosures_with_wrong_times(api: LedgerApi) -> None:
    """All three were received today; the stated times are shown."""
    accounting = api.json("/accounting?patient=8802001")
    lines = {line["recipient"]: line for line in accounting["disclosures"]}
    assert {recipient: line["stated"] for recipient, line in lines.items()} == {
        "Wren County registry": None,
        "Finch County registry": "1970-01-01T00:00:12.000+00:00",
        "Teal County registry": "2062-11-30T08:00:00.000+00:00",
    }
    assert accounting["disclosures_outside"] == 0
    today = {str(NOW.date()), str((NOW + timedelta(days=1)).date())}
    assert {line["date"][:10] for line in lines.values()} <= today
    html = api.get("/accounting?patient=8802001&_format=html").text
    assert "1970-01-01 00:00:12" in html


def test_accesses_and_privacy_reports_contain_events_with_wrong_times(api: LedgerApi) -> None:
    """By the patient's token and the office's, of all events and of one patient or user."""
    for path, token in (
        ("/accesses", api.patient("wrong")),
        ("/accesses?patient=wrong", api.security),
    ):
        rows = rows_by_reader(api.json(path, token), "accesses", "who")
        assert rows.keys() == WITH_WRONG_TIME | WITH_NEAR_TIME | {"yesterday"}
        assert {name for name, row in rows.items() if row["stated"]} == WITH_WRONG_TIME | {"n1"}
    for path in (PRIVACY, f"{PRIVACY}?patient=wrong"):
        rows = rows_by_reader(api.json(path), "events", "user")
        assert rows.keys() - {"clerk"} >= WITH_WRONG_TIME | WITH_NEAR_TIME
        assert "yesterday" not in rows
        assert {name for name, row in rows.items() if row["stated"]} == WITH_WRONG_TIME | {"n1"}
    by_user = api.json(f"{PRIVACY}?user=Practitioner/w0")
    assert rows_by_reader(by_user, "events", "user").keys() == {"w0"}


def test_a_period_of_years_ago_contains_events_that_state_it(api: LedgerApi) -> None:
    """Records of earlier years that are sent today are found by those years."""
    report = api.json("/accesses?patient=wrong&from=2016-11-01&to=2016-12-01")
    assert rows_by_reader(report, "accesses", "who").keys() == {"w3"}


def test_the_privacy_report_of_the_last_day_is_shortened_to_its_limit(
    api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the newest events and a note; a requested period is complete or refused."""
    response = api.get(PRIVACY, accept_encoding="identity")
    whole = response.json()
    day = f"{PRIVACY}?from={whole['from'][:10]}"
    for share in range(9, 0, -1):
        max_bytes = len(response.content) * share // 10
        with monkeypatch.context() as patch:
            patch.setattr("functions.query.compressed_response.MAX_BYTES", max_bytes)
            shortened = api.get(PRIVACY, accept_encoding="identity")
            refused = api.get(day, accept_encoding="identity")
        assert refused.status_code == 413
        if shortened.status_code == 413:  # the remaining events have one time
            continue
        part = shortened.json()
        assert len(shortened.content) <= max_bytes
        assert 0 < len(part["events"]) < len(whole["events"])
        assert part["from"] > whole["from"]
        assert any("begins later" in note for note in part["notes"])
    with monkeypatch.context() as patch:
        patch.setattr("functions.query.report_events.MAX_EVENTS", 3)
        refused = api.get(day)
        assert refused.status_code == 413
        assert "looks at 3 events at most" in refused.text


def end_time_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """Let the time of a request end after this many batches of events."""
    answers = iter([True] * batches)
    monkeypatch.setattr(
        "functions.query.access.AuthorizedRequest.has_time", lambda _: next(answers, False)
    )


def test_a_report_that_ran_out_of_time_has_its_newest_part_complete(
    api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all wrong clocks, and no count of events outside; a row of CSV states the warning."""
    whole = api.json(PRIVACY)
    monkeypatch.setattr("audit_ledger.reading.period_search.BATCH_SIZE", 2)
    end_time_after(monkeypatch, 2)
    part = api.json(PRIVACY)
    assert part["from"] > whole["from"]
    assert part["events_outside"] is None
    assert whole["events_outside"] == 1  # of three days ago, received today
    expected = [row for row in whole["events"] if row["time"] >= part["from"]]
    rows = [row for row in part["events"] if row["portal"] == PORTAL]
    assert rows == [row for row in expected if row["portal"] == PORTAL]
    assert {row["stated"][:4] for row in rows if row["stated"]} >= {"1970", "2062", "9999"}
    end_time_after(monkeypatch, 2)
    lines = api.get(f"{PRIVACY}?_format=csv").text.splitlines()
    assert lines[0].startswith("time,")
    assert lines[1].startswith("Warning: The last day has more events than fit in one report")
    end_time_after(monkeypatch, 2)
    assert api.get(f"{PRIVACY}?from={whole['from'][:10]}&_format=csv").status_code == 413


def test_a_report_whose_newest_part_is_incomplete_is_refused(
    api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time to complete the newest part is limited too."""
    monkeypatch.setattr("audit_ledger.reading.period_search.BATCH_SIZE", 2)
    end_time_after(monkeypatch, 2)
    monkeypatch.setattr("functions.query.access.AuthorizedRequest.has_more_time", lambda _: False)
    refused = api.get(PRIVACY)
    assert refused.status_code == 413
    assert "time was up" in refused.text


@pytest.mark.parametrize("parameter", ["", "&_summary=count", "&_count=0", "&_total=accurate"])
def test_a_search_warns_of_dates_that_exclude_each_other(api: LedgerApi, parameter: str) -> None:
    """Without the warning, a total of 0 would look like a count."""
    for dates in ("date=ge2027&date=le2025", "date=ge2020&_lastUpdated=ge2027&_lastUpdated=le2025"):
        response = api.get(f"/AuditEvent?{dates}{parameter}")
        assert response.status_code == 200
        assert "the dates exclude each other" in response.text
