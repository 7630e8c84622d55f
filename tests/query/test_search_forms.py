"""Searches by form, totals and parts of events, as FHIR clients request them."""

from base64 import b64decode
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.builders.audit_event import read_of
from tests.query.ledger_api import LedgerApi

PATH = "/AuditEvent/_search"


@pytest.fixture(scope="module")
def reads_api(module_api: LedgerApi) -> LedgerApi:
    """A ledger in which three nurses read rose's record, and one martha's."""
    for number in range(3):
        module_api.send(read_of("rose", f"n{number}"))
    module_api.send(read_of("martha", "n0"))
    module_api.settle()
    return module_api


def test_a_form_finds_what_a_query_string_finds(reads_api: LedgerApi) -> None:
    """Also together with one; it is recorded without what identifies a patient."""
    by_url = reads_api.json("/AuditEvent?patient=rose&date=ge2020")
    by_form = reads_api.post(PATH, data={"patient": "rose", "date": "ge2020"})
    assert by_form.status_code == 200
    both = reads_api.post(f"{PATH}?date=ge2020", data={"patient": "rose"})
    without_form = reads_api.post(f"{PATH}?date=ge2020&patient=rose")
    for response in (by_form, both, without_form):
        assert response.json()["entry"] == by_url["entry"]
        assert response.json()["total"] == 3
    assert by_form.json()["link"] == by_url["link"]
    as_json = reads_api.post(PATH, json={"patient": "rose"})
    assert (as_json.status_code, as_json.json()["resourceType"]) == (415, "OperationOutcome")
    reads_api.settle()
    lines = [
        b64decode(entity["query"]).decode()
        for use in reads_api.events("own-use=only&date=ge2020").values()
        for entity in use["entity"]
        if "query" in entity
    ]
    assert f"POST {PATH}?patient=***&date=ge2020" in lines
    assert not any("rose" in line for line in lines)


def test_a_form_continues_by_the_cursor_of_its_next_link(reads_api: LedgerApi) -> None:
    """So that no log contains the parameters of the pages that follow either."""
    form = {"patient": "rose", "_count": "2"}
    first = reads_api.post(PATH, data=form).json()
    (next_url,) = [link["url"] for link in first["link"] if link["relation"] == "next"]
    cursor = dict(parse_qsl(urlsplit(next_url).query))["_cursor"]
    second = reads_api.post(PATH, data={**form, "_cursor": cursor}).json()
    pages = [
        [
            entry["fullUrl"].rpartition("/")[2]
            for entry in page["entry"]
            if entry["search"]["mode"] == "match"
        ]
        for page in (first, second)
    ]
    assert pages[1] == list(reads_api.page(next_url).events)
    assert [len(page) for page in pages] == [2, 1]
    assert not set(pages[0]) & set(pages[1])


def test_a_total_is_exact_or_absent(reads_api: LedgerApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known if one page shows everything, and else counted if that is requested."""
    for query, total in (
        ("date=ge2020", 4),
        ("date=ge2020&_total=none", None),
        ("date=ge2020&_count=2", None),
        ("date=1999&_summary=count", 0),
    ):
        assert reads_api.json(f"/AuditEvent?{query}").get("total") == total
    first = reads_api.json("/AuditEvent?date=ge2020&_count=2&_total=accurate")
    assert first["total"] == 4
    links = {link["relation"]: link["url"] for link in first["link"]}
    assert "total" not in reads_api.json(links["next"])
    for query in ("_summary=count", "_count=0"):
        for criteria, total in (("patient=rose", 3), ("date=ge2020&agent=Practitioner/n0", 2)):
            counted = reads_api.json(f"/AuditEvent?{criteria}&{query}")
            assert counted["total"] == total
            assert "entry" not in counted
    monkeypatch.setattr("functions.query.routes.audit_event_search.MAX_COUNTED", 1)
    too_many = reads_api.page("date=ge2020&_summary=count")
    assert too_many.events == {}
    assert any("total" in issue["diagnostics"] for issue in too_many.issues)


def test_elements_are_shown_with_those_that_fhir_requires(reads_api: LedgerApi) -> None:
    """A tag marks the part; its id leads to the whole event."""
    ((event_id, event),) = reads_api.events("patient=martha&_elements=action,entity").items()
    assert event["id"] == event_id
    required = {"resourceType", "id", "meta", "type", "recorded", "agent", "source"}
    assert set(event) == {*required, "action", "entity"}
    assert [tag["code"] for tag in event["meta"]["tag"]] == ["SUBSETTED"]
    assert "outcome" in reads_api.json(f"/AuditEvent/{event_id}")


def test_unsupported_parameters_are_named_or_refused(reads_api: LedgerApi) -> None:
    """FHIR, Search, handling of errors; /metadata lists them."""
    page = reads_api.page("patient=rose&_include=AuditEvent:patient&_summary=text&encounter=1")
    diagnostics = " ".join(issue["diagnostics"] for issue in page.issues)
    for name in ("_include", "_summary", "encounter"):
        assert name in diagnostics
        assert name not in page.self
    strict = reads_api.get("/AuditEvent?patient=rose&encounter=1", prefer="handling=strict")
    assert strict.status_code == 400
    metadata = reads_api.json("/metadata")
    assert "`encounter`" in metadata["rest"][0]["resource"][0]["documentation"]
