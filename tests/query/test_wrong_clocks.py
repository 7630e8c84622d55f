"""What was taken is reported, whatever time it states: by when it was taken, and marked."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.query.ledger_api import LedgerApi
from tests.query.report_api import NOW, PORTAL, deployed_report_api, read_of

CASE = "cases/reports/04-wrong-clock"
WRONG = (
    "1970-01-01T00:00:12Z",
    "2062-11-30T08:00:00Z",
    "9999-12-31T23:59:59Z",
    "2016-11-30T08:00:00Z",
)
NEAR = (timedelta(minutes=4), timedelta(hours=-11), timedelta(minutes=-4))


@pytest.fixture(scope="module")
def report_api(shared_dir: Path) -> Iterator[LedgerApi]:
    """The case's disclosures, and reads whose clocks are wrong; tests only ask."""
    with deployed_report_api() as report_api:
        for name in ("on-time", "dead-battery", "year-typo"):
            event = json.loads((shared_dir / CASE / f"{name}.json").read_text())
            event["entity"][0]["what"] = {"reference": "Patient/8802001"}
            if name == "on-time":
                event["recorded"] = NOW.isoformat(timespec="milliseconds")
            report_api.send(event)
        for number, recorded in enumerate(WRONG):
            report_api.send({**read_of("wrong", f"w{number}"), "recorded": recorded})
        for number, ago in enumerate(NEAR):
            report_api.send(read_of("wrong", f"n{number}", ago=ago))
        report_api.send(read_of("wrong", "yesterday", ago=timedelta(days=3)))
        report_api.settle()
        yield report_api


def test_all_disclosures_that_were_taken_are_accounted_for(report_api: LedgerApi) -> None:
    """The case: of three that were taken today one was shown, and none said to be outside."""
    told = report_api.json("/accounting?patient=8802001", report_api.security)
    recipients = {line["recipient"]: line for line in told["disclosures"]}
    assert recipients.keys() == {
        "Wren County registry",
        "Finch County registry",
        "Teal County registry",
    }
    assert told["disclosures_outside"] == 0
    today = {str(NOW.date()), str((NOW + timedelta(days=1)).date())}
    assert {line["date"][:10] for line in recipients.values()} <= today
    assert recipients["Wren County registry"]["stated"] is None
    assert recipients["Finch County registry"]["stated"] == "1970-01-01T00:00:12.000+00:00"
    assert recipients["Teal County registry"]["stated"] == "2062-11-30T08:00:00.000+00:00"
    html = report_api.get("/accounting?patient=8802001&_format=html", report_api.security).text
    assert "1970-01-01 00:00:12" in html


def accesses(told: dict[str, Any], key: str, who: str) -> dict[str, dict[str, Any]]:
    """Rows of the readers, by name."""
    rows = {row[who]: row for row in told[key] if row[who] and row[who].startswith("Dr. ")}
    return {name.removeprefix("Dr. "): row for name, row in rows.items()}


def test_accesses_and_the_privacy_report_have_them_too(report_api: LedgerApi) -> None:
    """By the patient's token, by the office's, of all events and of the one patient's."""
    wrong = {f"w{number}" for number in range(len(WRONG))}
    near = {f"n{number}" for number in range(len(NEAR))}
    for path, token, key, who in (
        ("/accesses", report_api.patient("wrong"), "accesses", "who"),
        ("/accesses?patient=wrong", report_api.security, "accesses", "who"),
    ):
        rows = accesses(report_api.json(path, token), key, who)
        assert rows.keys() == wrong | near | {"yesterday"}
        assert {name for name, row in rows.items() if row["stated"]} == wrong | {"n1"}
    for path in ("/reports/privacy", "/reports/privacy?patient=wrong"):
        rows = accesses(report_api.json(path, report_api.security), "events", "user")
        assert rows.keys() - {"clerk"} >= wrong | near
        assert "yesterday" not in rows
        assert {name for name, row in rows.items() if row["stated"]} == wrong | {"n1"}
    by_user = report_api.json("/reports/privacy?user=Practitioner/w0", report_api.security)
    assert accesses(by_user, "events", "user").keys() == {"w0"}


def test_a_period_of_long_ago_has_what_states_to_be_of_it(report_api: LedgerApi) -> None:
    """Somebody brings in the records of years before: they are found by those years."""
    rows = report_api.json(
        "/accesses?patient=wrong&from=2016-11-01&to=2016-12-01", report_api.security
    )
    assert accesses(rows, "accesses", "who").keys() == {"w3"}


def test_the_privacy_report_of_the_last_day_gives_what_one_report_holds(
    report_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest, and says so; a period that was asked for is whole or refused with the limit."""
    answer = report_api.get("/reports/privacy", report_api.security, accept_encoding="identity")
    whole = answer.json()
    day = f"/reports/privacy?from={whole['from'][:10]}"
    for share in range(9, 0, -1):
        with monkeypatch.context() as patch:
            most = len(answer.content) * share // 10
            patch.setattr("functions.query.compressed_response.MAX_BYTES", most)
            given = report_api.get(
                "/reports/privacy", report_api.security, accept_encoding="identity"
            )
            refused = report_api.get(day, report_api.security, accept_encoding="identity")
        assert refused.status_code == 413
        if given.status_code == 413:  # what is left is of one time
            continue
        part = given.json()
        assert len(given.content) <= most
        assert 0 < len(part["events"]) < len(whole["events"])
        assert part["from"] > whole["from"]
        assert any("begins later" in note for note in part["notes"])
    with monkeypatch.context() as patch:
        patch.setattr("functions.query.report_events.MAX_EVENTS", 3)
        refused = report_api.get(day, report_api.security)
        assert refused.status_code == 413
        assert "looks at 3 events at most" in refused.text


def test_a_report_that_time_cut_short_has_its_newest_part_whole(
    report_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all whose clocks are wrong; the count of those of another time is not made up.

    A CSV file has no notes: a row says that it is not all.
    """
    whole = report_api.json("/reports/privacy", report_api.security)
    monkeypatch.setattr("audit_ledger.reading.period_search.BATCH_SIZE", 2)
    left = [0]

    def has_time(_: object) -> bool:
        left[0] -= 1
        return left[0] >= 0

    monkeypatch.setattr("functions.query.access.AuthorizedRequest.has_time", has_time)
    left[0] = 2
    part = report_api.json("/reports/privacy", report_api.security)
    assert part["from"] > whole["from"]
    assert part["events_outside"] is None
    assert whole["events_outside"] == 1  # of three days ago, taken today
    expected = [row for row in whole["events"] if row["time"] >= part["from"]]
    theirs = [row for row in part["events"] if row["portal"] == PORTAL]
    assert theirs == [row for row in expected if row["portal"] == PORTAL]
    assert {row["stated"][:4] for row in theirs if row["stated"]} >= {"1970", "2062", "9999"}
    left[0] = 2
    lines = report_api.get("/reports/privacy?_format=csv", report_api.security).text.splitlines()
    assert lines[0].startswith("time,")
    assert lines[1].startswith("Warning: The last day has more events than fit in one report")
    left[0] = 2
    day = f"/reports/privacy?from={whole['from'][:10]}&_format=csv"
    assert report_api.get(day, report_api.security).status_code == 413


def test_what_could_not_be_completed_is_refused(
    report_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for what the newest part lacks has an end too."""
    monkeypatch.setattr("audit_ledger.reading.period_search.BATCH_SIZE", 2)
    asked = iter([True] * 2)
    monkeypatch.setattr(
        "functions.query.access.AuthorizedRequest.has_time", lambda _: next(asked, False)
    )
    monkeypatch.setattr("functions.query.access.AuthorizedRequest.has_more_time", lambda _: False)
    refused = report_api.get("/reports/privacy", report_api.security)
    assert refused.status_code == 413
    assert "time was up" in refused.text


@pytest.mark.parametrize("wants", ["", "&_summary=count", "&_count=0", "&_total=accurate"])
def test_dates_that_exclude_each_other_are_named_also_where_events_are_counted(
    report_api: LedgerApi, wants: str
) -> None:
    """A total of 0 without a word would look like a count."""
    for dates in ("date=ge2027&date=le2025", "date=ge2020&_lastUpdated=ge2027&_lastUpdated=le2025"):
        bundle = report_api.get(f"/AuditEvent?{dates}{wants}", report_api.security)
        assert bundle.status_code == 200
        assert "the dates exclude each other" in bundle.text
