"""Bundles: each entry has its own outcome, and the bytes it has in the Bundle."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events import Bundle, Event, RejectedEventError, parse_audit_event, parse_bundle
from audit_ledger.events.bundle import MAX_ENTRIES
from tests.builders.audit_event import audit_event_samples, encoded, patient_entity, r4, r5

POST = {"method": "POST", "url": "AuditEvent"}


def bundle(type_: str, *resources: Any, **members: Any) -> dict[str, Any]:
    """A Bundle with a request in each entry where its type demands one."""
    request = {} if type_ == "collection" else {"request": POST}
    entries = [{"fullUrl": "urn:uuid:1", "resource": r, **request} for r in resources]
    return {"resourceType": "Bundle", "type": type_, "entry": entries, **members}


def outcomes(document: Any, **how: Any) -> list[str]:
    """Format of each accepted entry, place of each rejected one."""
    return [
        entry.format if isinstance(entry, Event) else entry.expression
        for entry in parse_bundle(encoded(document), **how).entries
    ]


@pytest.mark.parametrize("type_", ["batch", "transaction", "collection"])
def test_all_samples_pass_through_every_kind_of_bundle(shared_dir: Path, type_: str) -> None:
    """Spliced in as files, white space and all: each record is its file, byte for byte."""
    files = [path.read_bytes() for path in audit_event_samples(shared_dir)]
    request = b"" if type_ == "collection" else b', "request": ' + encoded(POST)
    entries = b" ,\n".join(b'{ "resource" : ' + file + request + b" }" for file in files)
    body = b'{"resourceType": "Bundle", "type": "%s", "entry": [%s]}' % (type_.encode(), entries)
    found = parse_bundle(body)
    assert found.type == type_
    for file, entry in zip(files, found.entries, strict=True):
        assert isinstance(entry, Event)
        assert entry == parse_audit_event(file.strip())
        assert [part.resource for part in entry.parts] == [file.strip()]


def test_one_bad_entry_does_not_touch_the_others() -> None:
    """In request order; each refusal names the entry and the place in it."""
    document = bundle(
        "batch",
        r4(),
        r4(recorded=None),
        {"resourceType": "Patient"},
        None,
        r4(agent={}),
        r5(),
        [],
    )
    assert outcomes(document) == [
        "fhir-r4",
        "Bundle.entry[1].resource.recorded",
        "Bundle.entry[2].resource.resourceType",
        "Bundle.entry[3].resource",
        "Bundle.entry[4].resource.agent",
        "fhir-r5",
        "Bundle.entry[6].resource",
    ]


def test_a_name_twice_in_one_entry_is_that_entry_s_fault() -> None:
    """In its resource or around it; the others are accepted."""
    good, request = encoded(r4()), encoded(POST)
    twice = good[:-1] + b', "action": "C"}'
    entries = [
        b'{"resource": %s, "request": %s}' % (good, request),
        b'{"resource": %s, "request": %s}' % (twice, request),
        b'{"resource": %s, "resource": %s, "request": %s}' % (good, good, request),
        b'{"resource": %s, "request": %s}' % (good, request),
    ]
    body = b'{"resourceType": "Bundle", "type": "batch", "entry": [%s]}' % b",".join(entries)
    kinds = [type(entry) for entry in parse_bundle(body).entries]
    assert kinds == [Event, RejectedEventError, RejectedEventError, Event]


def test_a_name_twice_in_the_bundle_is_the_bundle_s_fault() -> None:
    """Nobody could say which entries were meant."""
    body = b'{"resourceType":"Bundle","type":"batch","entry":[],"entry":[%s]}' % encoded(
        {"resource": r4(), "request": POST}
    )
    with pytest.raises(RejectedEventError) as caught:
        parse_bundle(body)
    assert (caught.value.status, caught.value.expression) == (400, "Bundle")


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        (None, "Bundle.entry[0].request"),
        ("POST", "Bundle.entry[0].request"),
        ({}, "Bundle.entry[0].request.method"),
        ({"method": "PUT", "url": "AuditEvent/1"}, "Bundle.entry[0].request.method"),
        ({"method": "DELETE", "url": "AuditEvent"}, "Bundle.entry[0].request.method"),
        ({"method": "POST", "url": "Patient"}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": ["AuditEvent"]}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": ""}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": "AuditEvent/1"}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": "AuditEvent?_id=1"}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": "AuditEvent#x"}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": "NoAuditEvent"}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": "https://x/fhir/Patient"}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": "urn:uuid:AuditEvent"}, "Bundle.entry[0].request.url"),
        ({"method": "POST", "url": "https://[AuditEvent"}, "Bundle.entry[0].request.url"),
        ({**POST, "ifNoneExist": "date=2026"}, "Bundle.entry[0].request.ifNoneExist"),
        ({**POST, "ifMatch": 'W/"1"'}, "Bundle.entry[0].request.ifMatch"),
    ],
)
def test_batches_and_transactions_only_create_audit_events(request_: Any, place: str) -> None:
    """Any other request is refused for its entry, also where it is missing."""
    for type_ in ("batch", "transaction"):
        document = bundle(type_, r4(), r4())
        document["entry"][0]["request"] = request_
        assert outcomes(document) == [place, "fhir-r4"]


@pytest.mark.parametrize(
    "url",
    [
        "AuditEvent",
        "/AuditEvent",
        "AuditEvent/",
        "http://127.0.0.1:8080/AuditEvent",
        "https://fhir.hospital.example/prod/r4/AuditEvent",
        "https://fhir.hospital.example/AuditEvent/",
        "/prod/AuditEvent",
        None,
    ],
)
def test_clients_name_the_type_under_whatever_base_they_know(url: str | None) -> None:
    """FHIR R4, Bundle.entry.request.url: relative or absolute; HAPI FHIR leaves it out."""
    for type_ in ("batch", "transaction"):
        document = bundle(type_, r4(), r4())
        document["entry"][0]["request"] = {"method": "POST"} | ({} if url is None else {"url": url})
        assert outcomes(document) == ["fhir-r4", "fhir-r4"]


def test_the_urls_of_real_clients_are_accepted(shared_dir: Path) -> None:
    """One absolute, one absent."""
    case = shared_dir / "cases" / "fhir" / "04-bundle-urls.json"
    assert outcomes(json.loads(case.read_bytes())) == ["fhir-r4", "fhir-r4"]


def test_a_collection_needs_no_requests() -> None:
    """It is a set of resources; a request in it would mean nothing."""
    document = bundle("collection", r4())
    document["entry"][0]["request"] = {"method": "DELETE"}
    assert outcomes(document) == ["fhir-r4"]


@pytest.mark.parametrize(
    ("document", "status", "place"),
    [
        ([], 400, "Bundle"),
        ({}, 422, "Bundle.resourceType"),
        (r4(), 422, "Bundle.resourceType"),
        ({"resourceType": "Bundle"}, 422, "Bundle.type"),
        (bundle("searchset"), 422, "Bundle.type"),
        (bundle("document"), 422, "Bundle.type"),
        (bundle("history"), 422, "Bundle.type"),
        (bundle("message"), 422, "Bundle.type"),
        ({"resourceType": "Bundle", "type": ["batch"]}, 422, "Bundle.type"),
        ({**bundle("batch"), "entry": {}}, 400, "Bundle.entry"),
        ({**bundle("batch"), "entry": None}, 400, "Bundle.entry"),
    ],
)
def test_what_is_no_bundle_of_ours_is_refused_as_a_whole(
    document: Any, status: int, place: str
) -> None:
    """400 for the wrong shape, 422 for another resource or type."""
    with pytest.raises(RejectedEventError) as caught:
        parse_bundle(encoded(document))
    assert (caught.value.status, caught.value.expression) == (status, place)


def test_an_entry_that_is_no_object_is_refused_alone() -> None:
    """422 for that entry."""
    document = {**bundle("collection", r4())}
    document["entry"] += [7, None, "x", []]
    assert outcomes(document) == ["fhir-r4", *(f"Bundle.entry[{n}]" for n in range(1, 5))]


@pytest.mark.parametrize("body", [b"", b"x", b"{", b"<Bundle/>", b'{"entry":' + b"[" * 100_000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    """With 400."""
    with pytest.raises(RejectedEventError) as caught:
        parse_bundle(body)
    assert caught.value.status == 400


def test_a_bundle_may_be_empty() -> None:
    """Of an absent or an empty list of entries comes nothing."""
    assert parse_bundle(encoded(bundle("batch"))) == Bundle("batch", ())
    assert parse_bundle(b'{"resourceType":"Bundle","type":"collection"}').entries == ()


def test_entries_are_bounded() -> None:
    """413 beyond the limit, before any is read."""
    with pytest.raises(RejectedEventError) as caught:
        parse_bundle(encoded(bundle("batch") | {"entry": [0] * (MAX_ENTRIES + 1)}))
    assert caught.value.status == 413
    assert len(parse_bundle(encoded(bundle("batch") | {"entry": [0] * MAX_ENTRIES})).entries) > 0


def test_an_entry_over_256_kb_is_refused_alone() -> None:
    """413 for that entry."""
    document = bundle("batch", r4(outcomeDesc="x" * 256 * 1024), r4())
    large, small = parse_bundle(encoded(document)).entries
    assert isinstance(large, RejectedEventError)
    assert large.status == 413
    assert isinstance(small, Event)


def test_a_bomb_in_one_entry_is_that_entry_s_fault() -> None:
    """An entry too deep for us, not too deep for JSON."""
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    assert outcomes(bundle("batch", r4(extension=deep), r4())) == [
        "Bundle.entry[0].resource",
        "fhir-r4",
    ]


def test_the_declared_release_holds_for_every_entry() -> None:
    """An R4 event under fhirVersion=5.0 is a contradiction."""
    document = bundle("batch", r4(), r5())
    assert outcomes(document, fhir_version="5.0") == ["Bundle.entry[0].resource", "fhir-r5"]


def test_several_patients_in_an_entry_become_parts() -> None:
    """Paths that were cut begin at the AuditEvent, which is what the record keeps."""
    document = bundle(
        "batch", r4(entity=[patient_entity("Patient/a"), patient_entity("Patient/b")])
    )
    (entry,) = parse_bundle(encoded(document)).entries
    assert isinstance(entry, Event)
    assert [part.cut for part in entry.parts] == [
        ("AuditEvent.entity[1]",),
        ("AuditEvent.entity[0]",),
    ]
    for part in entry.parts:
        assert json.loads(part.resource)["resourceType"] == "AuditEvent"
