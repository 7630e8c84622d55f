"""The searchset Bundle: entries byte for byte, links, and remarks on each event."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest

from audit_ledger.events.fhir_version import Release
from audit_ledger.events.resource_id import with_id
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.bundle import Issue, Searchset, bundle_entry
from audit_ledger.search.bundle import searchset as searchset_of_entries
from audit_ledger.search.criteria import Search
from audit_ledger.search.parameters import parse_search
from tests.builders.audit_event import audit_event_samples, encoded, r4, r5
from tests.builders.cloudevent import cloudevent, enveloped
from tests.builders.opened_event import accepted

BASE = "https://audit.example.org/fhir"


def search(*pairs: tuple[str, str]) -> Search:
    """Parse a search by date and more."""
    return parse_search([("date", "ge2020"), *pairs], is_strict=False)


def searchset(
    search_: Search,
    events: Sequence[OpenedEvent],
    *,
    release: Release,
    repeats: str | None = None,
    **how: Any,
) -> Searchset:
    """Return the Bundle of events in a release; the last event repeats `repeats`."""
    entries = [
        bundle_entry(event, search_, release, repeats if event is events[-1] else None)
        for event in events
    ]
    return searchset_of_entries(search_, entries, release=release, **how)


def bundle(*events: OpenedEvent, release: Release = "fhir-r4", **how: Any) -> dict[str, Any]:
    """Return the Bundle, decoded."""
    search_ = how.pop("search_", search())
    result = searchset(search_, events, base=BASE, release=release, **how)
    decoded: dict[str, Any] = json.loads(result.body)
    return decoded


def issues(bundle_: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the issues of the OperationOutcome: the last entry, with a UUID of its own."""
    entry = bundle_["entry"][-1]
    assert entry["search"] == {"mode": "outcome"}
    assert entry["resource"]["resourceType"] == "OperationOutcome"
    assert UUID(entry["fullUrl"].removeprefix("urn:uuid:")).version == 5
    found: list[dict[str, Any]] = entry["resource"]["issue"]
    return found


def test_each_resource_is_in_the_bundle_byte_for_byte(shared_dir: Path) -> None:
    """The Bundle consists of the samples, and of the bytes between them that are written here."""
    bodies = [path.read_bytes() for path in audit_event_samples(shared_dir)]
    of_r4 = [body for body in bodies if accepted(body).format == "fhir-r4"]
    assert len(of_r4) == 55
    events = [accepted(body) for body in of_r4]
    url = f"{BASE}/AuditEvent"
    expected = [
        f'{{"fullUrl":"{url}/{event.event_id}","resource":'.encode()
        + with_id(body, event.event_id)
        + b',"search":{"mode":"match"}}'
        for event, body in zip(events, of_r4, strict=True)
    ]
    query = "date=ge2020&own-use=exclude&_sort=-date&_count=50"
    head = f'{{"resourceType":"Bundle","type":"searchset","link":[{{"relation":"self","url":"{url}?'
    head += f'{query}"}}],"entry":['
    result = searchset(search(), events, base=BASE, release="fhir-r4")
    assert result.body == head.encode() + b",".join(expected) + b"]}"
    assert result.release == "fhir-r4"


def test_the_audit_event_of_a_cloudevent_is_in_the_bundle_byte_for_byte(shared_dir: Path) -> None:
    """From JSON and from base64."""
    for path in audit_event_samples(shared_dir):
        body = path.read_bytes()
        for is_base64 in (True, False):
            event = accepted(enveloped(body, is_base64=is_base64))
            release: Release = "fhir-r5" if "code" in json.loads(body) else "fhir-r4"
            text = searchset(search(), [event], base=BASE, release=release).body
            assert b'"resource":' + with_id(body, event.event_id).strip() in text


def test_a_page_without_matches_has_no_entries() -> None:
    """FHIR has no empty arrays; without a count there is no total."""
    assert bundle() == {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [
            {
                "relation": "self",
                "url": f"{BASE}/AuditEvent?date=ge2020&own-use=exclude&_sort=-date&_count=50",
            }
        ],
    }
    assert "total" not in bundle(accepted(encoded(r4())))


def test_links_lead_to_this_page_and_the_next() -> None:
    """Both contain the search; without a next page there is no link next."""
    search_ = search(("_cursor", "C1"), ("agent.identifier", "urn:s|9"), ("foo", "1"))
    links = {
        link["relation"]: link["url"] for link in bundle(search_=search_, next_cursor="C2")["link"]
    }
    assert list(links) == ["self", "next"]
    for relation, cursor in (("self", "C1"), ("next", "C2")):
        start, _, query = links[relation].partition("?")
        assert start == f"{BASE}/AuditEvent"
        assert parse_qsl(query) == [
            ("date", "ge2020"),
            ("agent.identifier", "urn:s|9"),
            ("own-use", "exclude"),
            ("_sort", "-date"),
            ("_count", "50"),
            ("_cursor", cursor),
        ]


def test_ignored_parameters_are_named_in_warnings() -> None:
    """Before the warnings of the caller."""
    warning = Issue("warning", "incomplete", "the newest events are not indexed yet")
    found = issues(bundle(search_=search(("foo", "private")), warnings=[warning]))
    assert found == [
        {
            "severity": "warning",
            "code": "not-supported",
            "diagnostics": "foo: not supported by this server; not applied",
        },
        {
            "severity": "warning",
            "code": "incomplete",
            "diagnostics": "the newest events are not indexed yet",
        },
    ]


PLAIN = accepted(encoded(r4()))
PLAIN_TOO = accepted(encoded(r4()), seq=2)
OF_R5 = accepted(encoded(r5()))
CONFLICT = accepted(encoded(r4()), conflict=True)
PART = accepted(encoded(r4()), cut=("AuditEvent.entity[1]", "AuditEvent.text"))
RECORD = accepted(encoded(cloudevent(data={})))
UNCONVERTIBLE = accepted(encoded({**r5(), "extension": 7, "patient": {"display": "P"}}))


@pytest.mark.parametrize(
    ("event", "repeats", "code", "diagnostics"),
    [
        (CONFLICT, None, "conflict", "conflict: "),
        (PART, None, "informational", "without AuditEvent.entity[1], AuditEvent.text"),
        (PLAIN_TOO, "ab" * 32, "duplicate", "AuditEvent/" + "ab" * 32),
        (RECORD, None, "informational", "represented: "),
        (OF_R5, None, "informational", "converted: from FHIR R5"),
        (
            UNCONVERTIBLE,
            None,
            "informational",
            "FHIR R5 as submitted, since R4 cannot express the same",
        ),
    ],
)
def test_a_remark_names_the_entry(
    event: OpenedEvent, repeats: str | None, code: str, diagnostics: str
) -> None:
    """A conflict, a part, a repeat, a representation, another release."""
    decoded = bundle(PLAIN, event, repeats=repeats)
    assert [entry["search"]["mode"] for entry in decoded["entry"]] == ["match", "match", "outcome"]
    (issue,) = issues(decoded)
    assert (issue["severity"], issue["code"]) == ("information", code)
    assert diagnostics in issue["diagnostics"]
    assert issue["expression"] == ["Bundle.entry[1].resource"]


def test_a_plain_event_has_no_remark() -> None:
    """The Bundle then has no OperationOutcome."""
    assert [e["search"]["mode"] for e in bundle(PLAIN)["entry"]] == ["match"]


def test_an_event_has_all_of_its_remarks() -> None:
    """A part in conflict, repeated and converted."""
    both = accepted(encoded(r4()), conflict=True, cut=("AuditEvent.entity[1]",))
    found = issues(bundle(both, repeats="c" * 64, release="fhir-r5"))
    assert [issue["diagnostics"].partition(":")[0] for issue in found] == [
        "conflict",
        "cut",
        "repeat",
        "converted",
    ]
    assert {issue["expression"][0] for issue in found} == {"Bundle.entry[0].resource"}


@pytest.mark.parametrize("release", ["fhir-r4", "fhir-r5"])
def test_a_bundle_contains_one_release(release: Release) -> None:
    """Whichever each event was submitted in; a representation is made in it."""
    found = [PLAIN, OF_R5, RECORD]
    shown = bundle(*found, release=release)["entry"][:3]
    element = {"fhir-r4": "type", "fhir-r5": "code"}[release]
    assert [{"type", "code"} & set(entry["resource"]) for entry in shown] == [{element}] * 3
    assert searchset(search(), found, base=BASE, release=release).release == release


def test_a_bundle_with_an_unconvertible_event_has_no_release() -> None:
    """The OperationOutcome names that of the event."""
    assert searchset(search(), [PLAIN, UNCONVERTIBLE], base=BASE, release="fhir-r4").release is None
    assert searchset(search(), [UNCONVERTIBLE], base=BASE, release="fhir-r5").release == "fhir-r5"
