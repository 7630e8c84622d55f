"""Bundles: each entry has its own outcome, and the bytes that it has in the Bundle."""

import json
from pathlib import Path
from typing import Any

import pytest

from audit_ledger.events import Bundle, Event, RejectedEventError, parse_audit_event, parse_bundle
from audit_ledger.events.bundle import MAX_ENTRIES
from tests.builders.audit_event import audit_event_samples, encoded, patient_entity, r4, r5

POST = {"method": "POST", "url": "AuditEvent"}


def bundle(type_: str, *resources: Any, **members: Any) -> dict[str, Any]:
    """Return a Bundle, with a request in each entry if its type requires one."""
    request = {} if type_ == "collection" else {"request": POST}
    entries = [{"fullUrl": "urn:uuid:1", "resource": r, **request} for r in resources]
    return {"resourceType": "Bundle", "type": type_, "entry": entries, **members}


def outcomes(document: Any, **how: Any) -> list[str]:
    """Return the format of each accepted entry and the place of each rejected one."""
    return [
        entry.format if isinstance(entry, Event) else entry.expression
        for entry in parse_bundle(encoded(document), **how).entries
    ]


@pytest.mark.parametrize("type_", ["batch", "transaction", "collection"])
def test_every_type_of_bundle_accepts_all_samples(shared_dir: Path, type_: str) -> None:
    """Each record is its file, byte for byte, with all white space."""
    files = [path.read_bytes() for path in audit_event_samples(shared_dir)]
    request = b"" if type_ == "collection" else b', "request": ' + encoded(POST)
    entries = b" ,\n".join(b'{ "resource" : ' + file + request + b" }" for file in files)
    body = b'{"resourceType": "Bundle", "type": "%s", "entry": [%s]}' % (type_.encode(), entries)
    bundle_ = parse_bundle(body)
    assert bundle_.type == type_
    for file, entry in zip(files, bundle_.entries, strict=True):
        assert isinstance(entry, Event)
        assert entry == parse_audit_event(file.strip())
        assert [part.resource for part in entry.parts] == [file.strip()]


def test_an_invalid_entry_does_not_affect_the_others() -> None:
    """In request order; each rejection names the entry and the place in it."""
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


def test_a_repeated_name_in_an_entry_rejects_only_that_entry() -> None:
    """In its resource or beside it; the others are accepted."""
    good, request = encoded(r4()), encoded(POST)
    repeated = good[:-1] + b', "action": "C"}'
    entries = [
        b'{"resource": %s, "request": %s}' % (good, request),
        b'{"resource": %s, "request": %s}' % (repeated, request),
        b'{"resource": %s, "resource": %s, "request": %s}' % (good, good, request),
        b'{"resource": %s, "request": %s}' % (good, request),
    ]
    body = b'{"resourceType": "Bundle", "type": "batch", "entry": [%s]}' % b",".join(entries)
    kinds = [type(entry) for entry in parse_bundle(body).entries]
    assert kinds == [Event, RejectedEventError, RejectedEventError, Event]


def test_a_repeated_name_in_the_bundle_rejects_the_bundle() -> None:
    """It is ambiguous which entries were meant."""
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
    """Any other request, or none, rejects its entry."""
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
def test_the_request_url_may_have_any_base(url: str | None) -> None:
    """FHIR R4, Bundle.entry.request.url: relative or absolute; HAPI FHIR omits it."""
    for type_ in ("batch", "transaction"):
        document = bundle(type_, r4(), r4())
        document["entry"][0]["request"] = {"method": "POST"} | ({} if url is None else {"url": url})
        assert outcomes(document) == ["fhir-r4", "fhir-r4"]


def test_the_urls_of_real_clients_are_accepted(shared_dir: Path) -> None:
    """One absolute, one absent."""
    case = shared_dir / "cases" / "fhir" / "04-bundle-urls.json"
    assert outcomes(json.loads(case.read_bytes())) == ["fhir-r4", "fhir-r4"]


def test_a_collection_needs_no_requests() -> None:
    """It is a set of resources; a request in it is ignored."""
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
def test_another_resource_or_type_of_bundle_is_rejected(
    document: Any, status: int, place: str
) -> None:
    """With 400 for the wrong shape, 422 for another resource or type."""
    with pytest.raises(RejectedEventError) as caught:
        parse_bundle(encoded(document))
    assert (caught.value.status, caught.value.expression) == (status, place)


def test_an_entry_that_is_not_an_object_is_rejected_alone() -> None:
    """The other entry is accepted."""
    document = {**bundle("collection", r4())}
    document["entry"] += [7, None, "x", []]
    assert outcomes(document) == ["fhir-r4", *(f"Bundle.entry[{n}]" for n in range(1, 5))]


@pytest.mark.parametrize("body", [b"", b"x", b"{", b"<Bundle/>", b'{"entry":' + b"[" * 100_000])
def test_a_bundle_that_is_not_json_is_rejected(body: bytes) -> None:
    """The status is 400."""
    with pytest.raises(RejectedEventError) as caught:
        parse_bundle(body)
    assert caught.value.status == 400


def test_a_bundle_may_be_empty() -> None:
    """With an empty list of entries, or none."""
    assert parse_bundle(encoded(bundle("batch"))) == Bundle("batch", ())
    assert parse_bundle(b'{"resourceType":"Bundle","type":"collection"}').entries == ()


def test_the_number_of_entries_is_limited() -> None:
    """The status is 413, and no entry is read."""
    with pytest.raises(RejectedEventError) as caught:
        parse_bundle(encoded(bundle("batch") | {"entry": [0] * (MAX_ENTRIES + 1)}))
    assert caught.value.status == 413
    assert len(parse_bundle(encoded(bundle("batch") | {"entry": [0] * MAX_ENTRIES})).entries) > 0


def test_an_entry_over_256_kb_is_rejected_alone() -> None:
    """Its status is 413."""
    document = bundle("batch", r4(outcomeDesc="x" * 256 * 1024), r4())
    large, small = parse_bundle(encoded(document)).entries
    assert isinstance(large, RejectedEventError)
    assert large.status == 413
    assert isinstance(small, Event)


def test_an_entry_nested_too_deeply_is_rejected_alone() -> None:
    """It exceeds the limit of one event, not that of the decoder."""
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    assert outcomes(bundle("batch", r4(extension=deep), r4())) == [
        "Bundle.entry[0].resource",
        "fhir-r4",
    ]


def test_the_declared_release_applies_to_every_entry() -> None:
    """An R4 event contradicts fhirVersion=5.0."""
    document = bundle("batch", r4(), r5())
    assert outcomes(document, fhir_version="5.0") == ["Bundle.entry[0].resource", "fhir-r5"]


def test_an_entry_about_several_patients_becomes_parts() -> None:
    """Paths in `cut` begin at the AuditEvent, which the record contains."""
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
