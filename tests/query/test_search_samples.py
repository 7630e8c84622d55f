"""Every sample is found, by what it says of itself, and comes back as it was sent."""

import json
import random
from collections.abc import Callable
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
TRIED = 8  # values of each parameter; all of them are tried without HTTP, in tests/search


def documents(ledger_api: LedgerApi) -> dict[str, dict[str, Any]]:
    """What was sent, decoded, by event id."""
    return {event_id: json.loads(body) for event_id, body in ledger_api.sent.items()}


def remembered(ledger_api: LedgerApi) -> Callable[..., dict[str, bytes]]:
    """Return a search that sends each query once: many samples have the same day or agent."""
    return cache(lambda *query: ledger_api.search(query))


def expected(ledger_api: LedgerApi, query: list[tuple[str, str]]) -> set[str]:
    """Who must be found, by the filter over plain JSON."""
    now = int(datetime.now(UTC).timestamp())
    return {
        event_id
        for event_id, event in documents(ledger_api).items()
        if reference.keeps(event, query, event_id=event_id, entry_time=now)
    }


def shown(ledger_api: LedgerApi, event_id: str) -> bytes:
    """What is shown of an event where no release is asked for: R4, with the id."""
    body = with_id(ledger_api.sent[event_id], event_id)
    return convert(body, "fhir-r4") if "code" in json.loads(body) else body


def test_each_is_found_by_its_date_and_comes_back_verbatim(samples_api: LedgerApi) -> None:
    """By the day, by the instant, and by its id; but for the id, and as submitted byte for byte."""
    search = remembered(samples_api)
    for event_id, event in documents(samples_api).items():
        by_day = search(("date", event["recorded"][:10]))
        by_instant = search(("date", event["recorded"]))
        assert by_day[event_id] == by_instant[event_id] == shown(samples_api, event_id)
        assert samples_api.search([("_id", event_id)]) == {event_id: shown(samples_api, event_id)}
        read = samples_api.get(f"/AuditEvent/{event_id}")
        assert (read.status_code, read.content) == (200, shown(samples_api, event_id))
        assert read.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"
        submitted = samples_api.get(f"/AuditEvent/{event_id}/$submitted")
        assert (submitted.status_code, submitted.content) == (200, samples_api.sent[event_id])
        version = "5.0" if "code" in event else "4.0"
        assert submitted.headers["content-type"] == f"application/fhir+json; fhirVersion={version}"
    assert samples_api.get(f"/AuditEvent/{event_id}/$everything").status_code == 404


@pytest.mark.parametrize("version", ["4.0", "5.0"])
def test_each_is_shown_in_the_release_that_was_asked_for(
    samples_api: LedgerApi, shared_dir: Path, version: str
) -> None:
    """As HL7 defines it, where the sender kept to the other; and converted back, as it was sent."""
    accept = f"application/fhir+json; fhirVersion={version}"
    release = f"R{version[0]}"
    folder = shared_dir / "samples" / "profiles"
    profiles = {name: Profile(folder, name) for name in ("R4", "R5")}
    converted = 0
    for event_id, event in documents(samples_api).items():
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


def test_each_is_found_by_its_patient(samples_api: LedgerApi) -> None:
    """By reference from the index alone; by an identifier that is no canonical one, in a period."""
    found, search = 0, remembered(samples_api)
    for event_id, event in documents(samples_api).items():
        whom = reference.whom(event)
        for patient in reference.references(whom):
            if not patient.startswith("#"):
                found += 1
                assert search(("patient", patient))[event_id] == shown(samples_api, event_id)
        for system, value in reference.identifiers(whom):
            found += 1
            token = f"{harvest.escaped(system or '')}|{harvest.escaped(value)}"
            by_identifier = search(("patient.identifier", token), EVER)
            assert by_identifier[event_id] == shown(samples_api, event_id)
    assert found > 40


def test_each_is_found_by_its_agents(samples_api: LedgerApi) -> None:
    """By reference and identifier, within a period."""
    found, search = 0, remembered(samples_api)
    for event_id, event in documents(samples_api).items():
        agents = reference.agents(event)
        for agent in reference.references(agents):
            if not agent.startswith("#"):
                found += 1
                by_agent = search(("agent", agent), EVER)
                assert by_agent[event_id] == shown(samples_api, event_id)
        for _, value in reference.identifiers(agents):
            found += 1
            token = harvest.escaped(value)
            by_identifier = search(("agent.identifier", token), EVER)
            assert by_identifier[event_id] == shown(samples_api, event_id)
    assert found > 60


@pytest.mark.parametrize("name", [*harvest.TOKENS, "patient", "agent", "address", "date", "_id"])
def test_a_parameter_finds_what_a_filter_of_its_own_finds(
    samples_api: LedgerApi, name: str
) -> None:
    """Values of the samples and misses, drawn anew for each parameter and the same every time."""
    events = [(event, event_id, 0) for event_id, event in documents(samples_api).items()]
    values = harvest.values(events)[name]
    drawn = random.Random(name).sample(values, min(TRIED, len(values)))
    hits = 0
    for value in drawn:
        query = [EVER, (name, value)]
        found = samples_api.search(query)
        assert found.keys() == expected(samples_api, query), f"{name}={value}"
        hits += len(found)
    assert hits, "nothing was ever found: the draw proves nothing"


def test_criteria_are_all_demanded_and_alternatives_are_not(samples_api: LedgerApi) -> None:
    """A comma is OR, repetition is AND."""
    either = [EVER, ("action", "R,U"), ("type", "rest")]
    both = [EVER, ("action", "R"), ("action", "U")]
    assert samples_api.search(either).keys() == expected(samples_api, either) != set()
    assert samples_api.search(both) == {}


@pytest.mark.parametrize("sort", ["date", "-date"])
@pytest.mark.parametrize("by", [EVER, ("patient", "ex-patient"), ("agent", "Practitioner/example")])
def test_results_come_in_the_order_of_the_events_own_time(
    samples_api: LedgerApi, by: tuple[str, str], sort: str
) -> None:
    """Over all pages, either way."""
    found = samples_api.search([by, ("_sort", sort), ("_count", "3")])
    times = [datetime.fromisoformat(json.loads(body)["recorded"]) for body in found.values()]
    assert len(times) > 1
    assert times == sorted(times, reverse=sort == "-date")


def test_the_self_link_says_what_was_applied(samples_api: LedgerApi) -> None:
    """Unknown parameters are left out, and named; strictly they are refused."""
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
def test_what_cannot_be_searched_is_told(samples_api: LedgerApi, query: str, status: int) -> None:
    """With what was expected, and nothing of the request."""
    answer = samples_api.get(f"/AuditEvent?{query}")
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "yesterday" not in answer.text
