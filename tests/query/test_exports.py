"""Exports in parts: together they are one export that anyone can verify against the ledger."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from audit_ledger.errors import VerificationError
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.exports.manifest import MANIFEST, parse_manifest
from audit_ledger.exports.receipt_lines import CHECKPOINT, RECEIPTS, read_receipts
from audit_ledger.exports.verify_export import ExportCode, verify_export
from audit_ledger.exports.writer import ExportWriter
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.records.record import parse_record
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.policy import Policy, parse_policy
from audit_ledger.verify.receipts import verify_receipt
from infra.local.aws.calls import client
from tests.query.ledger_api import LedgerApi
from tests.query.report_api import PLAIN, access_of

Json = dict[str, Any]
EVER = "date=ge1990"
UNTIL_2021 = f"{EVER}&date=lt2021"
"""The samples alone: what tests add is newer."""


@pytest.fixture
def api(report_samples_api: LedgerApi) -> LedgerApi:
    """The ledger with the samples, which grows from test to test."""
    return report_samples_api


def request_parts(
    api: LedgerApi,
    query: str,
    token: str | None = None,
    after_each: Callable[[], None] = lambda: None,
) -> list[Json]:
    """Request all parts of an export."""
    parts = [api.json(f"/export?{query}", token)]
    after_each()
    while "next" in parts[-1]:
        parts.append(api.json(f"/export?{query}&_cursor={quote(parts[-1]['next'])}", token))
        after_each()
    return parts


def join_parts(parts: list[Json], query: str) -> dict[str, bytes]:
    """Join the parts to the files of an export; return their content by name."""
    first = parts[0]
    writer = ExportWriter(
        first["format"], origin=first["origin"], size=first["size"], search={"query": query}
    )
    files: dict[str, bytes] = {}
    checkpoint = first["checkpoint"].encode()
    for part in parts:
        for entry in part["entries"]:
            receipt = None
            if "receipt" in entry:
                (receipt,) = read_receipts([entry["receipt"].encode()], checkpoint)
            line = entry["line"].encode()
            for name, piece in writer.add(entry["entry"], entry["file"], line, receipt):
                files[name] = files.get(name, b"") + piece
    for name, piece in writer.finish():
        files[name] = files.get(name, b"") + piece
    return files


def findings(files: dict[str, bytes]) -> list[ExportCode]:
    """Return the codes of what is wrong with an export."""
    pieces = {name: [data] for name, data in files.items()}
    return [finding.code for finding in verify_export(pieces, files[MANIFEST])]


def policy_of(api: LedgerApi) -> Policy:
    """Return the ledger's policy."""
    return parse_policy(api.get("/policy").content)


def with_event_id(resource: Json, event_id: str) -> Json:
    """Return a resource with the ledger's id, the sender's in an extension (docs/search.md)."""
    if "id" not in resource:
        return {**resource, "id": event_id}
    sent_id = {"url": "urn:audit-ledger:submitted-id", "valueString": resource["id"]}
    return {**resource, "id": event_id, "extension": [*resource.get("extension", []), sent_id]}


@pytest.mark.parametrize(
    ("format_name", "sort"), [("fhir", "date"), ("csv", "-date"), ("ocsf", "date")]
)
def test_parts_of_a_growing_ledger_make_one_export(
    api: LedgerApi, format_name: str, sort: str
) -> None:
    """Entries are added and published between parts; all parts are of the first one's size."""
    query = f"format={format_name}&{EVER}&_sort={sort}&_count=17"
    event_ids_before = api.search(EVER).keys()

    def grow() -> None:
        api.send(access_of("rose", ago=timedelta(days=900)))
        api.send(access_of("rose"))
        api.settle()

    parts = request_parts(api, query, after_each=grow)
    assert len(parts) > 3
    assert len({(p["size"], p["checkpoint"], p["digest"]) for p in parts}) == 1
    published = parse_checkpoint(parse_note(parts[0]["checkpoint"].encode()).text)
    assert published.size == parts[0]["size"]
    assert all(len(part["entries"]) == 17 for part in parts[:-1])

    files = join_parts(parts, query)
    assert findings(files) == []
    manifest = parse_manifest(files[MANIFEST])
    policy = policy_of(api)
    event_ids: list[str] = []
    recorded: list[int] = []
    lines = {entry["entry"]: entry["line"] for part in parts for entry in part["entries"]}
    for receipt in read_receipts([files[RECEIPTS]], files[CHECKPOINT]):
        disclosed = receipt.disclosed
        assert disclosed is not None
        verified = verify_receipt(receipt.proof, policy, None, disclosed)
        assert isinstance(verified.disclosure, RecordDisclosure)
        assert verified.opinion.satisfied
        assert verified.entry.seq == receipt.seq
        resource = json.loads(bytes(parse_record(disclosed.record).resource))
        recorded.append(parse_instant_ms(resource["recorded"]))
        event_ids.append(parse_index_row(disclosed.row_bytes).event_id)
        if format_name == "fhir":
            assert json.loads(lines[receipt.seq]) == with_event_id(resource, event_ids[-1])
    assert len(event_ids) == len(set(event_ids)) == manifest.entries
    assert set(event_ids) >= event_ids_before
    assert manifest.size == parts[0]["size"]
    assert recorded == sorted(recorded, reverse=sort == "-date")


def test_later_parts_are_proven_after_their_partial_tile_was_deleted(api: LedgerApi) -> None:
    """The ledger fills the tile in which the first part ended: the full one serves."""
    query = f"format=csv&{EVER}&_count=50&receipts=proof"
    size = api.json("/digests/latest")["size_after"]
    partial = f"{PLAIN}/tile/0/{size // 256:03d}.p/{size % 256}"
    bucket = api.cloud.ledger(PLAIN).environment["PUBLISHED_BUCKET"]

    def is_stored() -> bool:
        listed = client("s3", "eu-central-1").list_objects_v2(Bucket=bucket, Prefix=partial)
        return any(item["Key"] == partial for item in listed.get("Contents", []))

    def fill_tile() -> None:
        if is_stored():
            request = {"method": "POST", "url": "AuditEvent"}
            for _ in range(2):
                api.send_bundle([{"resource": access_of("rose"), "request": request}] * 140)
            api.settle()

    assert is_stored()
    parts = request_parts(api, query, after_each=fill_tile)
    assert not is_stored()
    assert parts[0]["size"] == size
    assert len(parts) > 1
    files = join_parts(parts, query)
    assert findings(files) == []
    policy = policy_of(api)
    for receipt in read_receipts([files[RECEIPTS]], files[CHECKPOINT]):
        assert receipt.disclosed is None
        assert verify_receipt(receipt.proof, policy).opinion.satisfied


def test_a_changed_line_and_a_receipt_of_another_entry_are_detected(api: LedgerApi) -> None:
    """The verification of the other tests can fail."""
    query = f"format=csv&{UNTIL_2021}&_count=3"
    part = api.json(f"/export?{query}")
    del part["next"]
    files = join_parts([part], query)
    assert findings(files) == []
    altered = files["events.csv"].replace(b"fhir-r4", b"fhir-r5", 1)
    assert findings({**files, "events.csv": altered}) == [ExportCode.LINE_CHANGED]
    first, second, _ = read_receipts([files[RECEIPTS]], files[CHECKPOINT])
    with pytest.raises(VerificationError):
        verify_receipt(second.proof, policy_of(api), None, first.disclosed)


def size_of(entries: list[Json]) -> int:
    """Return the number of bytes of entries as JSON."""
    compact = json.dumps(entries, separators=(",", ":"), ensure_ascii=False)
    return len(compact.encode()) - 2


def test_a_part_ends_before_it_is_too_large(
    api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has at least one line; together they are what one part would be."""
    for criteria in ("", "&patient=example"):
        monkeypatch.undo()
        query = f"format=fhir&{UNTIL_2021}{criteria}"
        (whole,) = request_parts(api, query)
        assert len(whole["entries"]) > 3
        max_bytes = 1 if criteria else 3 * max(size_of([entry]) for entry in whole["entries"])
        monkeypatch.setattr("functions.query.routes.exports.MAX_PART_BYTES", max_bytes)
        parts = request_parts(api, query)
        assert all(part["entries"] for part in parts)
        assert [e["entry"] for part in parts for e in part["entries"]] == [
            entry["entry"] for entry in whole["entries"]
        ]
        if max_bytes == 1:
            assert len(parts) == len(whole["entries"])
        assert all(len(p["entries"]) == 1 or size_of(p["entries"]) <= max_bytes for p in parts)


def test_an_export_without_receipts_contains_only_lines(api: LedgerApi) -> None:
    """It is valid too."""
    query = f"format=ocsf&{UNTIL_2021}&receipts=none&_count=40"
    parts = request_parts(api, query)
    assert not any("receipt" in entry for part in parts for entry in part["entries"])
    files = join_parts(parts, query)
    assert RECEIPTS not in files
    assert findings(files) == []


def test_a_patient_exports_only_the_own_events(api: LedgerApi) -> None:
    """Also if another patient is requested."""
    example = api.patient("example")
    parts = request_parts(api, "format=fhir", example)
    lines = [entry["line"] for part in parts for entry in part["entries"]]
    assert len(lines) > 5
    for line in lines:
        assert "Patient/example" in line
        assert "Patient/ex-patient" not in line
    assert api.json("/export?format=fhir&patient=ex-patient", example)["entries"] == []


def test_an_export_is_recorded_once_and_each_of_its_parts(api: LedgerApi) -> None:
    """DICOM 110106 once, 110101 for each part, and for each patient whose events it contains."""
    query = f"format=csv&{UNTIL_2021}&_count=20&receipts=none"
    parts = request_parts(api, query)
    assert len(parts) > 2
    api.settle()
    uses = list(api.events("type=110101&date=ge2020").values())
    of_ledger = [json.dumps(use) for use in uses if len(use["entity"]) == 2]
    request_line = b64encode(f"GET /export?{query}".encode()).decode()[:80]
    assert sum(request_line in use for use in of_ledger) == len(parts)
    patients = {e["entity"][2]["what"]["reference"] for e in uses if len(e["entity"]) == 3}
    assert len(patients) > 1  # the request names none
    exports = api.events("type=110106&date=ge2025").values()
    (export,) = (event for event in exports if request_line in json.dumps(event))
    receiver = export["agent"][0]
    assert receiver["type"]["coding"][0]["code"] == "110152"
    assert receiver["who"]["identifier"]["value"]


@pytest.mark.parametrize(
    ("query", "diagnostics"),
    [
        (f"{EVER}", "format: expected one of fhir, csv, ocsf"),
        (f"format=pdf&{EVER}", "format: expected one of"),
        (f"format=csv&format=csv&{EVER}", "format: expected this parameter once"),
        (f"format=csv&receipts=some&{EVER}", "receipts: expected one of"),
        ("format=csv", "date: expected this parameter"),
        (f"format=csv&{EVER}&agnet=1", "agnet: expected a parameter that"),
        (f"format=csv&{EVER}&_cursor=1.x", "_cursor: expected"),
        (f"format=csv&{EVER}&_cursor=x", "_cursor: expected the next of a part"),
    ],
)
def test_an_invalid_export_is_refused(api: LedgerApi, query: str, diagnostics: str) -> None:
    """Also for an unknown parameter: nobody would notice what it leaves out."""
    response = api.get(f"/export?{query}")
    assert response.status_code == 400
    assert diagnostics in response.json()["issue"][0]["diagnostics"]


def test_a_cursor_is_valid_for_one_export_only(api: LedgerApi) -> None:
    """Not for another format, receipts, search, order, digest or token."""
    query = f"format=csv&{UNTIL_2021}&_count=5"
    officer = api.security
    cursor = api.json(f"/export?{query}")["next"]
    time, _, rest = cursor.partition(".")
    assert api.get(f"/export?{query}&_cursor={cursor}").status_code == 200
    for other_query, token, other_cursor in (
        (query.replace("csv", "ocsf"), officer, cursor),
        (f"{query}&receipts=none", officer, cursor),
        (query.replace("2021", "2022"), officer, cursor),
        (f"{query}&_sort=-date", officer, cursor),
        (query, api.patient("example"), cursor),
        (query, officer, f"{int(time) + 60}.{rest}"),
        (query, officer, f"0{cursor}"),
        (query, officer, rest),
    ):
        refused = api.get(f"/export?{other_query}&_cursor={other_cursor}", token)
        assert refused.status_code == 400
        assert refused.json()["issue"][0]["diagnostics"].startswith("_cursor: expected")


def test_a_ledger_without_a_digest_cannot_be_exported(api: LedgerApi) -> None:
    """There is no checkpoint to pin the export to."""
    response = api.get(f"/export?format=csv&{EVER}", api.officer("riverside-lab"))
    assert response.status_code == 404
    assert response.json()["issue"][0]["code"] == "not-found"
