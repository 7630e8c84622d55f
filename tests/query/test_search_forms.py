"""Searches by form, totals, parts of events: what FHIR clients ask for beside criteria."""

import json
from base64 import b64decode
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.builders.audit_event import read_of
from tests.query.ledger_api import LedgerApi


@pytest.fixture
def read(ledger_api: LedgerApi) -> LedgerApi:
    """A ledger in which three nurses read of Rose, and one of Martha."""
    for number in range(3):
        ledger_api.send(read_of("rose", f"n{number}"))
    ledger_api.send(read_of("martha", "n0"))
    ledger_api.settle()
    return ledger_api


def post(ledger_api: LedgerApi, query: str = "", **how: object) -> requests.Response:
    return requests.post(
        f"{ledger_api.cloud.url}/AuditEvent/_search{query}",
        headers={"authorization": f"Bearer {ledger_api.security}", **how.pop("headers", {})},  # type: ignore[dict-item]
        timeout=60,
        **how,  # type: ignore[arg-type]
    )


def test_a_form_finds_what_a_query_string_finds(read: LedgerApi) -> None:
    """Together with one or alone; and it is recorded without what identifies a patient."""
    by_url = read.get("/AuditEvent?patient=rose&date=ge2020").json()
    by_form = post(read, data={"patient": "rose", "date": "ge2020"})
    assert by_form.status_code == 200
    both = post(read, "?date=ge2020", data={"patient": "rose"}).json()
    bare = post(read, "?date=ge2020&patient=rose").json()
    for found in (by_form.json(), both, bare):
        assert found["entry"] == by_url["entry"]
        assert found["total"] == 3
    assert by_form.json()["link"] == by_url["link"]
    as_json = post(read, json={"patient": "rose"})
    assert (as_json.status_code, as_json.json()["resourceType"]) == (415, "OperationOutcome")
    read.settle()
    uses = read.search([("own-use", "only"), ("date", "ge2020")]).values()
    lines = [
        b64decode(entity["query"]).decode()
        for use in map(json.loads, uses)
        for entity in use["entity"]
        if "query" in entity
    ]
    assert "POST /AuditEvent/_search?patient=***&date=ge2020" in lines
    assert not any("rose" in line for line in lines)


def test_a_form_leads_on_by_the_cursor_of_its_link(read: LedgerApi) -> None:
    """So that the pages that follow are in no log either."""
    form = {"patient": "rose", "_count": "2"}
    first = post(read, data=form).json()
    (following,) = [link["url"] for link in first["link"] if link["relation"] == "next"]
    ((_, cursor),) = [pair for pair in parse_qsl(urlsplit(following).query) if "_cursor" in pair]
    second = post(read, data={**form, "_cursor": cursor}).json()
    pages = [[entry["fullUrl"] for entry in page["entry"]] for page in (first, second)]
    assert pages[1] == [entry["fullUrl"] for entry in read.get(following).json()["entry"]]
    assert [len(page) for page in pages] == [2, 1]
    assert not set(pages[0]) & set(pages[1])


def test_a_total_is_true_or_absent(read: LedgerApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one page shows all it is known; else it is counted where that is asked for."""

    def asked(query: str) -> dict[str, object]:
        bundle: dict[str, object] = read.get(f"/AuditEvent?{query}").json()
        return bundle

    assert asked("date=ge2020")["total"] == 4
    assert "total" not in asked("date=ge2020&_total=none")
    assert "total" not in asked("date=ge2020&_count=2")
    first = asked("date=ge2020&_count=2&_total=accurate")
    assert first["total"] == 4
    links = {link["relation"]: link["url"] for link in first["link"]}  # type: ignore[attr-defined]
    assert "total" not in read.get(links["next"]).json()
    for query in ("_summary=count", "_count=0"):
        for criteria, total in (("patient=rose", 3), ("date=ge2020&agent=Practitioner/n0", 2)):
            counted = asked(f"{criteria}&{query}")
            assert counted["total"] == total
            assert "entry" not in counted
    assert asked("date=1999&_summary=count")["total"] == 0
    monkeypatch.setattr("functions.query.routes.audit_event_search.MAX_COUNTED", 1)
    cut_short = read.page("date=ge2020&_summary=count")
    assert cut_short.events == {}
    assert any("total" in issue["diagnostics"] for issue in cut_short.issues)


def test_elements_leave_out_the_rest_and_say_so(read: LedgerApi) -> None:
    """What FHIR demands stays; the id still leads to the whole event."""
    page = read.page("patient=martha&_elements=action,entity")
    ((event_id, body),) = page.events.items()
    event = json.loads(body)
    assert event["id"] == event_id
    shown = {"resourceType", "id", "meta", "type", "recorded", "agent", "source"}
    assert set(event) == {*shown, "action", "entity"}
    assert [tag["code"] for tag in event["meta"]["tag"]] == ["SUBSETTED"]
    assert "outcome" in read.get(f"/AuditEvent/{event_id}").json()


def test_what_is_not_supported_is_named_or_refused(read: LedgerApi) -> None:
    """FHIR, Search, handling of errors; /metadata lists them."""
    page = read.page("patient=rose&_include=AuditEvent:patient&_summary=text&encounter=1")
    said = " ".join(issue["diagnostics"] for issue in page.issues)
    for name in ("_include", "_summary", "encounter"):
        assert name in said
        assert name not in page.self
    strict = read.get("/AuditEvent?patient=rose&encounter=1", prefer="handling=strict")
    assert strict.status_code == 400
    metadata = read.get("/metadata").json()
    assert "`encounter`" in metadata["rest"][0]["resource"][0]["documentation"]
