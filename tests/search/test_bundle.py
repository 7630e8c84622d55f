"""The searchset Bundle: entries byte for byte, links, and what is said of each event."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest

from audit_ledger.events.fhir_version import Release
from audit_ledger.events.resource_id import with_id
from audit_ledger.search.bundle import BundleEntry, Issue, Searchset, as_shown
from audit_ledger.search.bundle import searchset as searchset_of_shown
from audit_ledger.search.criteria import Search
from audit_ledger.search.parameters import parse_search
from tests.builders.audit_event import encoded, r4, r5
from tests.builders.cloudevent import enveloped
from tests.builders.opened_event import accepted
from tests.search.samples import samples

BASE = "https://audit.example.org/fhir"


def search(*pairs: tuple[str, str]) -> Search:
    """A search by date, and whatever."""
    return parse_search([("date", "ge2020"), *pairs], is_strict=False)


def searchset(
    asked: Search, found: list[BundleEntry], *, release: Release, **how: Any
) -> Searchset:
    """The Bundle of events as they are shown in a release."""
    shown = [as_shown(one, asked, release) for one in found]
    return searchset_of_shown(asked, shown, release=release, **how)


def bundle(*found: BundleEntry, release: Release = "fhir-r4", **how: Any) -> dict[str, Any]:
    """The Bundle, decoded."""
    asked = how.pop("asked", search())
    made = searchset(asked, list(found), base=BASE, release=release, **how)
    decoded: dict[str, Any] = json.loads(made.body)
    return decoded


def issues(of: dict[str, Any]) -> list[dict[str, Any]]:
    """The issues of the OperationOutcome, which is the last entry; its URL is of nothing stored."""
    entry = of["entry"][-1]
    assert entry["search"] == {"mode": "outcome"}
    assert entry["resource"]["resourceType"] == "OperationOutcome"
    assert UUID(entry["fullUrl"].removeprefix("urn:uuid:")).version == 5
    found: list[dict[str, Any]] = entry["resource"]["issue"]
    return found


def test_each_resource_is_spliced_in_byte_for_byte(shared_dir: Path) -> None:
    """The Bundle is nothing but the samples, with what stands between them written out here."""
    bodies = samples(shared_dir)
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
    found = [BundleEntry(event) for event in events]
    made = searchset(search(), found, base=BASE, release="fhir-r4")
    assert made.body == head.encode() + b",".join(expected) + b"]}"
    assert made.release == "fhir-r4"


def test_a_cloudevents_audit_event_is_spliced_in_as_well(shared_dir: Path) -> None:
    """From JSON and from base64."""
    for body in samples(shared_dir):
        for is_packed in (True, False):
            event = accepted(enveloped(body, is_base64=is_packed))
            release: Release = "fhir-r5" if "code" in json.loads(body) else "fhir-r4"
            text = searchset(search(), [BundleEntry(event)], base=BASE, release=release).body
            assert b'"resource":' + with_id(body, event.event_id).strip() in text


def test_a_page_without_matches_has_no_entries() -> None:
    """FHIR knows no empty array; there is no total, ever."""
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
    assert "total" not in bundle(BundleEntry(accepted(encoded(r4()))))


def test_links_lead_to_this_page_and_the_next() -> None:
    """Next only where there is one; both keep the search."""
    asked = search(("_cursor", "C1"), ("agent.identifier", "urn:s|9"), ("foo", "1"))
    links = {
        link["relation"]: link["url"] for link in bundle(asked=asked, next_cursor="C2")["link"]
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


def test_what_was_ignored_is_warned_of() -> None:
    """By name, first; and what else the caller has to say."""
    warning = Issue("warning", "incomplete", "the newest events are not indexed yet")
    said = issues(bundle(asked=search(("foo", "private")), warnings=[warning]))
    assert said == [
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
CONFLICT = accepted(encoded(r4()), conflict=True)
PART = accepted(encoded(r4()), cut=("AuditEvent.entity[1]", "AuditEvent.text"))
RECORD = accepted(
    b'{"specversion":"1.0","id":"1","source":"urn:a","type":"record.result.filed","data":{}}'
)


@pytest.mark.parametrize(
    ("found", "code", "words"),
    [
        (BundleEntry(CONFLICT), "conflict", "conflict: "),
        (BundleEntry(PART), "informational", "without AuditEvent.entity[1], AuditEvent.text"),
        (BundleEntry(PLAIN, repeats="ab" * 32), "duplicate", "AuditEvent/" + "ab" * 32),
        (BundleEntry(RECORD), "informational", "represented: "),
        (BundleEntry(accepted(encoded(r5()))), "informational", "converted: from FHIR R5"),
        (
            BundleEntry(accepted(encoded({**r5(), "extension": 7, "patient": {"display": "P"}}))),
            "informational",
            "FHIR R5 as submitted, since R4 cannot express the same",
        ),
    ],
)
def test_what_an_event_is_is_said_with_its_place(found: BundleEntry, code: str, words: str) -> None:
    """A conflict, a part, a repeat, a representation, another release."""
    of = bundle(BundleEntry(PLAIN), found)
    assert [entry["search"]["mode"] for entry in of["entry"]] == ["match", "match", "outcome"]
    (issue,) = issues(of)
    assert (issue["severity"], issue["code"]) == ("information", code)
    assert words in issue["diagnostics"]
    assert issue["expression"] == ["Bundle.entry[1].resource"]


def test_a_plain_event_has_no_remark() -> None:
    """No OperationOutcome where there is nothing to say."""
    assert [e["search"]["mode"] for e in bundle(BundleEntry(PLAIN))["entry"]] == ["match"]


def test_all_remarks_of_an_event_are_made() -> None:
    """A repeated part in conflict is all three."""
    both = accepted(encoded(r4()), conflict=True, cut=("AuditEvent.entity[1]",))
    said = issues(bundle(BundleEntry(both, repeats="c" * 64), release="fhir-r5"))
    assert [issue["diagnostics"].partition(":")[0] for issue in said] == [
        "conflict",
        "cut",
        "repeat",
        "converted",
    ]
    assert {issue["expression"][0] for issue in said} == {"Bundle.entry[0].resource"}


@pytest.mark.parametrize("release", ["fhir-r4", "fhir-r5"])
def test_a_bundle_holds_one_release(release: Release) -> None:
    """Whatever each was submitted in."""
    found = [BundleEntry(PLAIN), BundleEntry(accepted(encoded(r5()))), BundleEntry(RECORD)]
    shown = bundle(*found, release=release)["entry"][:3]
    element = {"fhir-r4": "type", "fhir-r5": "code"}[release]
    assert [{"type", "code"} & set(entry["resource"]) for entry in shown] == [{element}] * 3
    assert searchset(search(), found, base=BASE, release=release).release == release


def test_a_bundle_with_what_cannot_be_converted_is_of_no_one_release() -> None:
    """So that nobody calls it R4; the OperationOutcome says which one it is."""
    odd = BundleEntry(accepted(encoded({**r5(), "extension": 7, "patient": {"display": "P"}})))
    assert (
        searchset(search(), [BundleEntry(PLAIN), odd], base=BASE, release="fhir-r4").release is None
    )
    assert searchset(search(), [odd], base=BASE, release="fhir-r5").release == "fhir-r5"


@pytest.mark.parametrize(("release", "element"), [("fhir-r4", "type"), ("fhir-r5", "code")])
def test_a_representation_is_of_the_release_that_was_asked_for(
    release: Release, element: str
) -> None:
    """R5 has `code`, R4 has `type`, and neither the other's."""
    resource = bundle(BundleEntry(RECORD), release=release)["entry"][0]["resource"]
    assert {"type", "code"} & set(resource) == {element}
