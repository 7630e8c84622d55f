"""Every published sample is found by its content, and returned as it was submitted."""

import json
import random
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events.resource_id import with_id
from audit_ledger.fhir_versions import convert
from tests.fhir_versions.profile import Profile
from tests.query.ledger_api import LedgerApi
from tests.search import harvest
from tests.search import reference_filter as reference

EVER = ("date", "ge1990")
MAX_TRIED = 4  # values of each parameter; tests/search tries all of them without HTTP


def sent_events(api: LedgerApi) -> dict[str, dict[str, Any]]:
    """Return the decoded events that were sent, by event id."""
    return {event_id: json.loads(body) for event_id, body in api.sent.items()}


def matching_ids(api: LedgerApi, query: list[tuple[str, str]]) -> set[str]:
    """Return the ids of the events that the filter over plain JSON finds."""
    now = int(datetime.now(UTC).timestamp())
    return {
        event_id
        for event_id, event in sent_events(api).items()
        if reference.is_found(event, query, event_id=event_id, entry_time=now)
    }


def as_r4(api: LedgerApi, event_id: str) -> bytes:
    """Return an event as it is shown if no release is requested: in R4, with its id."""
    body = with_id(api.sent[event_id], event_id)
    return convert(body, "fhir-r4") if "code" in json.loads(body) else body


def test_a_sample_is_found_by_date_and_id_and_returned_verbatim(samples_api: LedgerApi) -> None:
    """By day, by instant and by id; with its id, and as submitted byte for byte."""
    search = cache(lambda date: samples_api.search([("date", date)]))
    for event_id, event in sent_events(samples_api).items():
        expected = as_r4(samples_api, event_id)
        assert search(event["recorded"][:10])[event_id] == expected
        read = samples_api.get(f"/AuditEvent/{event_id}")
        assert (read.status_code, read.content) == (200, expected)
        assert read.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
        submitted = samples_api.get(f"/AuditEvent/{event_id}/$submitted")
        assert (submitted.status_code, submitted.content) == (200, samples_api.sent[event_id])
        version = "5.0" if "code" in event else "4.0"
        assert submitted.headers["content-type"] == f"application/fhir+json; fhirVersion={version}"
    ids = list(samples_api.sent)
    for start in range(0, len(ids), 20):
        expected_page = {each: as_r4(samples_api, each) for each in ids[start : start + 20]}
        assert samples_api.search([("_id", ",".join(expected_page))]) == expected_page
        instants = {json.loads(body)["recorded"] for body in expected_page.values()}
        by_instant = samples_api.search([("date", ",".join(instants))])
        assert {each: by_instant[each] for each in expected_page} == expected_page
    assert samples_api.get(f"/AuditEvent/{ids[0]}/$everything").status_code == 404


@pytest.mark.parametrize("version", ["4.0", "5.0"])
def test_a_sample_is_shown_in_the_requested_release(
    samples_api: LedgerApi, shared_dir: Path, version: str
) -> None:
    """Valid by HL7's profile if the sender's was; converted back, it is as it was sent."""
    accept = f"application/fhir+json; fhirVersion={version}"
    release = f"R{version[0]}"
    folder = shared_dir / "samples" / "profiles"
    profiles = {name: Profile(folder, name) for name in ("R4", "R5")}
    converted = 0
    for event_id, event in sent_events(samples_api).items():
        own = "R5" if "code" in event else "R4"
        read = samples_api.get(f"/AuditEvent/{event_id}", accept=accept)
        assert read.headers["content-type"] == accept
        if own == release:
            assert read.content == with_id(samples_api.sent[event_id], event_id)
            continue
        converted += 1
        sent = json.loads(with_id(samples_api.sent[event_id], event_id))
        if not profiles[own].faults(event):
            assert profiles[release].faults(read.json()) == []
        back = json.loads(convert(read.content, "fhir-r5" if own == "R5" else "fhir-r4"))
        tags = back["meta"].pop("tag")
        assert [tag["code"] for tag in tags[-2:]] == ["converted", "converted"]
        if tags[:-2]:
            back["meta"]["tag"] = tags[:-2]
        assert {n: v for n, v in back.items() if n != "meta" or v} == {
            n: v for n, v in sent.items() if n != "meta" or v
        }
    assert converted > 3
    page = samples_api.page("date=ge1990&_count=100", accept=accept)
    for body in page.events.values():
        assert ("code" in json.loads(body)) == (release == "R5")


@pytest.mark.parametrize(("name", "min_values"), [("patient", 40), ("agent", 60)])
def test_a_sample_is_found_by_every_patient_and_agent(
    samples_api: LedgerApi, name: str, min_values: int
) -> None:
    """By reference, a patient's from the index alone; by identifier, within a period."""
    search = cache(lambda *query: samples_api.search(query))
    tried = 0
    for event_id, event in sent_events(samples_api).items():
        targets = reference.named(event, name)
        queries = [
            ((name, literal),) if name == "patient" else ((name, literal), EVER)
            for literal in reference.references(targets)
            if not literal.startswith("#")
        ]
        for system, value in reference.identifiers(targets):
            token = f"{harvest.escaped(system or '')}|{harvest.escaped(value)}"
            queries.append(((f"{name}.identifier", token), EVER))
        for query in queries:
            assert search(*query)[event_id] == as_r4(samples_api, event_id)
        tried += len(queries)
    assert tried > min_values


@pytest.mark.parametrize("name", [*harvest.TOKENS, "patient", "agent", "address", "date", "_id"])
def test_a_parameter_finds_what_the_plain_filter_finds(samples_api: LedgerApi, name: str) -> None:
    """Values of the samples and misses, chosen by a seed for each parameter."""
    events = [(event, event_id, 0) for event_id, event in sent_events(samples_api).items()]
    values = harvest.values(events)[name]
    matches = 0
    for value in random.Random(name).sample(values, min(MAX_TRIED, len(values))):
        query = [EVER, (name, value)]
        found = samples_api.search(query)
        assert found.keys() == matching_ids(samples_api, query), f"{name}={value}"
        matches += len(found)
    assert matches, "no value matches an event: choose other values"


def test_repetition_is_and_a_comma_is_or(samples_api: LedgerApi) -> None:
    """Two actions in one parameter find events of either, in two parameters none."""
    either = [EVER, ("action", "R,U"), ("type", "rest")]
    both = [EVER, ("action", "R"), ("action", "U")]
    assert samples_api.search(either).keys() == matching_ids(samples_api, either) != set()
    assert samples_api.search(both) == {}


@pytest.mark.parametrize("sort", ["date", "-date"])
@pytest.mark.parametrize("by", [EVER, ("patient", "ex-patient"), ("agent", "Practitioner/example")])
def test_results_are_sorted_by_the_events_own_time(
    samples_api: LedgerApi, by: tuple[str, str], sort: str
) -> None:
    """Over all pages, in both directions."""
    found = samples_api.search([by, ("_sort", sort), ("_count", "7")])
    times = [datetime.fromisoformat(json.loads(body)["recorded"]) for body in found.values()]
    assert len(times) > 1
    assert times == sorted(times, reverse=sort == "-date")


def test_the_self_link_contains_what_was_applied(samples_api: LedgerApi) -> None:
    """Unknown parameters are left out, and named; in strict handling they are refused."""
    page = samples_api.page("patient=ex-patient&favourite=blue")
    assert "favourite" not in page.self
    assert "patient=Patient/ex-patient" in page.self
    assert any("favourite" in issue["diagnostics"] for issue in page.issues)
    strict = samples_api.get(
        "/AuditEvent?patient=ex-patient&favourite=blue", prefer="handling=strict"
    )
    assert strict.status_code == 400
    assert "favourite" in strict.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),  # not bounded
        ("type=rest", 400),
        ("patient=1&_count=-1", 400),
        ("patient=1&_sort=agent", 400),
        ("date=yesterday", 400),
        ("patient:missing=true", 400),
        ("patient=1&_format=xml", 406),
        ("patient=1&_cursor=AAAA", 400),
        ("patient=%FF", 400),
        ("patient=" + "1," * 3000, 414),
    ],
)
def test_an_invalid_search_is_refused(samples_api: LedgerApi, query: str, status: int) -> None:
    """With an OperationOutcome that repeats no value of the request."""
    response = samples_api.get(f"/AuditEvent?{query}")
    assert response.status_code == status, response.text
    assert response.json()["resourceType"] == "OperationOutcome"
    assert "yesterday" not in response.text
