"""Exports in parts: put together they are one export that anybody can check against the ledger."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from audit_ledger.errors import VerificationError
from audit_ledger.events.instant import parse_instant_ms
from audit_ledger.exports.manifest import MANIFEST, decode_manifest
from audit_ledger.exports.receipt_lines import CHECKPOINT, RECEIPTS, read_receipts
from audit_ledger.exports.verify_export import ExportCode, verify_export
from audit_ledger.exports.writer import ExportWriter
from audit_ledger.records.index_row import decode_index_row
from audit_ledger.records.record import decode_record
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.policy import Policy, parse_policy
from audit_ledger.verify.receipts import verify_receipt
from infra.local.aws.clients import client
from tests.builders.audit_event import audit_event_samples
from tests.query.ledger_api import LedgerApi
from tests.query.report_api import PLAIN, deployed_report_api, read_of

Json = dict[str, Any]
EVER = "date=ge1990"


@pytest.fixture(scope="module")
def report_api(shared_dir: Path) -> Iterator[LedgerApi]:
    """A ledger that holds the samples, and goes on growing from test to test."""
    with deployed_report_api() as report_api:
        for path in audit_event_samples(shared_dir):
            report_api.send(path.read_bytes())
        report_api.settle()
        yield report_api


def parts_of(
    report_api: LedgerApi, query: str, token: str, between: Callable[[], None] = lambda: None
) -> list[Json]:
    """Ask for all parts; `between` happens after each."""
    parts = [report_api.json(f"/export?{query}", token)]
    between()
    while "next" in parts[-1]:
        cursor = quote(parts[-1]["next"])
        parts.append(report_api.json(f"/export?{query}&_cursor={cursor}", token))
        between()
    return parts


def assembled(parts: list[Json], query: str) -> dict[str, bytes]:
    """Put the parts together: file → bytes."""
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
    return [
        finding.code
        for finding in verify_export(
            {name: [data] for name, data in files.items()}, files[MANIFEST]
        )
    ]


def policy_of(report_api: LedgerApi) -> Policy:
    return parse_policy(report_api.get("/policy", report_api.security).content)


def as_read(resource: dict[str, Any], event_id: str) -> dict[str, Any]:
    """A resource with the ledger's id, the sender's kept in an extension (docs/search.md)."""
    if "id" not in resource:
        return {**resource, "id": event_id}
    kept = {"url": "urn:audit-ledger:submitted-id", "valueString": resource["id"]}
    return {**resource, "id": event_id, "extension": [*resource.get("extension", []), kept]}


@pytest.mark.parametrize(
    ("format_name", "sort"), [("fhir", "date"), ("csv", "-date"), ("ocsf", "date")]
)
def test_parts_of_a_growing_ledger_make_one_export(
    report_api: LedgerApi, format_name: str, sort: str
) -> None:
    """Entries come and are published between parts; all parts are of the first one's size."""
    token, query = report_api.security, f"format={format_name}&{EVER}&_sort={sort}&_count=17"
    there = set(report_api.events(EVER, token))

    def goes_on() -> None:
        report_api.send(read_of("rose", ago=timedelta(days=900)))
        report_api.send(read_of("rose"))
        report_api.settle()

    parts = parts_of(report_api, query, token, goes_on)
    assert len(parts) > 3
    assert len({(p["size"], p["checkpoint"], p["digest"]) for p in parts}) == 1
    published = parse_checkpoint(parse_note(parts[0]["checkpoint"].encode()).text)
    assert published.size == parts[0]["size"]
    assert all(len(part["entries"]) == 17 for part in parts[:-1])

    files = assembled(parts, query)
    assert findings(files) == []
    manifest = decode_manifest(files[MANIFEST])
    policy = policy_of(report_api)
    event_ids: list[str] = []
    recorded: list[int] = []
    lines: dict[int, bytes] = {
        entry["entry"]: entry["line"].encode() for part in parts for entry in part["entries"]
    }
    for receipt in read_receipts([files[RECEIPTS]], files[CHECKPOINT]):
        assert receipt.disclosed is not None
        shown = receipt.disclosed
        verified = verify_receipt(
            receipt.proof,
            policy,
            None,
            shown,
        )
        assert verified.is_record_shown
        assert verified.opinion.satisfied
        assert verified.entry.seq == receipt.seq
        record = decode_record(shown.record)
        resource = json.loads(bytes(record.resource))
        recorded.append(parse_instant_ms(resource["recorded"]))
        if format_name == "fhir":
            event_id = decode_index_row(shown.row_bytes).event_id
            assert json.loads(lines[receipt.seq]) == as_read(resource, event_id)
        event_ids.append(decode_index_row(shown.row_bytes).event_id)
    assert len(event_ids) == len(set(event_ids)) == manifest.entries
    assert set(event_ids) >= there - own_uses(report_api)
    assert manifest.size == parts[0]["size"]
    assert recorded == sorted(recorded, reverse=sort == "-date")


def own_uses(report_api: LedgerApi) -> set[str]:
    """Recorded while a test asked what is there."""
    return set(report_api.events("type=110101&date=ge2020", report_api.security))


def test_later_parts_prove_from_the_full_tile_where_the_partial_one_has_gone(
    report_api: LedgerApi,
) -> None:
    """The ledger fills the tile that the first part ended in, and the partial one is deleted."""
    token, query = report_api.security, f"format=csv&{EVER}&_count=30&receipts=proof"
    first = report_api.json(f"/export?{query}", token)
    partial = f"tile/0/{first['size'] // 256:03d}.p/{first['size'] % 256}"
    s3, bucket = client("s3", "eu-central-1"), report_api.cloud.ledger(PLAIN).environment

    def is_there() -> bool:
        listed = s3.list_objects_v2(Bucket=bucket["PUBLISHED_BUCKET"], Prefix=f"{PLAIN}/{partial}")
        return any(item["Key"].endswith(partial) for item in listed.get("Contents", []))

    assert is_there()
    entry = {
        "resource": read_of("rose"),
        "request": {"method": "POST", "url": "AuditEvent"},
    }
    for _ in range(2):
        report_api.send_bundle([entry] * 140)
    report_api.settle()
    assert not is_there()
    parts = [first]
    while "next" in parts[-1]:
        parts.append(report_api.json(f"/export?{query}&_cursor={quote(parts[-1]['next'])}", token))
    files = assembled(parts, query)
    assert findings(files) == []
    policy = policy_of(report_api)
    for receipt in read_receipts([files[RECEIPTS]], files[CHECKPOINT]):
        assert receipt.disclosed is None
        assert verify_receipt(receipt.proof, policy).opinion.satisfied


def test_a_receipt_of_another_line_is_found_out(report_api: LedgerApi) -> None:
    """A check that cannot fail is none."""
    query = f"format=csv&{EVER}&_count=3&date=lt2021"
    part = report_api.json(f"/export?{query}", report_api.security)
    del part["next"]
    files = assembled([part], query)
    assert findings(files) == []
    altered = files["events.csv"].replace(b"fhir-r4", b"fhir-r5", 1)
    assert findings({**files, "events.csv": altered}) == [ExportCode.LINE_CHANGED]
    first, second, _ = read_receipts([files[RECEIPTS]], files[CHECKPOINT])
    assert first.disclosed is not None
    shown = first.disclosed
    with pytest.raises(VerificationError):
        verify_receipt(
            second.proof,
            policy_of(report_api),
            None,
            shown,
        )


def size_of(entries: list[Json]) -> int:
    """Bytes of their JSON."""
    compact = json.dumps(entries, separators=(",", ":"), ensure_ascii=False)
    return len(compact.encode()) - 2


def test_a_part_ends_before_it_is_too_large(
    report_api: LedgerApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds one line at least; together they are what one part would be."""
    for about in ("", "&patient=example"):
        monkeypatch.undo()
        query = f"format=fhir&{EVER}&date=lt2021{about}"
        (whole,) = parts_of(report_api, query, report_api.security)
        assert len(whole["entries"]) > 3
        most = 1 if about else 3 * max(size_of([entry]) for entry in whole["entries"])
        monkeypatch.setattr("functions.query.routes.exports.MAX_PART_BYTES", most)
        parts = parts_of(report_api, query, report_api.security)
        assert all(part["entries"] for part in parts)
        assert [e["entry"] for part in parts for e in part["entries"]] == [
            entry["entry"] for entry in whole["entries"]
        ]
        if most == 1:
            assert len(parts) == len(whole["entries"])
        assert all(len(p["entries"]) == 1 or size_of(p["entries"]) <= most for p in parts)


def test_an_export_without_receipts_is_lines_alone(report_api: LedgerApi) -> None:
    """And checks as well."""
    query = f"format=ocsf&{EVER}&receipts=none&_count=40"
    parts = parts_of(report_api, query, report_api.security)
    assert not any("receipt" in entry for part in parts for entry in part["entries"])
    files = assembled(parts, query)
    assert RECEIPTS not in files
    assert findings(files) == []


def test_a_patient_exports_the_own_events(report_api: LedgerApi) -> None:
    """Whoever else is asked for."""
    example = report_api.patient("example")
    parts = parts_of(report_api, "format=fhir", example)
    resources = [json.loads(e["line"]) for part in parts for e in part["entries"]]
    assert len(resources) > 5
    for resource in resources:
        assert "Patient/example" in json.dumps(resource)
        assert "Patient/ex-patient" not in json.dumps(resource)
    assert report_api.json("/export?format=fhir&patient=ex-patient", example)["entries"] == []


def test_the_export_is_one_event_and_each_part_a_use(report_api: LedgerApi) -> None:
    """DICOM 110106 once, 110101 for each part, and for each patient whom it shows."""
    token, query = report_api.security, f"format=csv&{EVER}&date=lt2021&_count=20&receipts=none"
    parts = parts_of(report_api, query, token)
    assert len(parts) > 2
    report_api.settle()
    found = list(report_api.events("type=110101&date=ge2020", token).values())
    uses = [json.dumps(e) for e in found if len(e["entity"]) == 2]  # beside those of patients
    exports = report_api.events("type=110106&date=ge2025", token).values()

    start = b64encode(f"GET /export?{query}".encode()).decode()[:80]
    assert sum(start in use for use in uses) == len(parts)
    told = {e["entity"][2]["what"]["reference"] for e in found if len(e["entity"]) == 3}
    assert len(told) > 1  # whom the parts showed, though nobody was named
    (export,) = (event for event in exports if start in json.dumps(event))
    received = export["agent"][0]
    assert received["type"]["coding"][0]["code"] == "110152"
    assert received["who"]["identifier"]["value"]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        (f"{EVER}", 400, "format: expected one of fhir, csv, ocsf"),
        (f"format=pdf&{EVER}", 400, "format: expected one of"),
        (f"format=csv&format=csv&{EVER}", 400, "format: expected this parameter once"),
        (f"format=csv&receipts=some&{EVER}", 400, "receipts: expected one of"),
        ("format=csv", 400, "date: expected this parameter"),
        (f"format=csv&{EVER}&agnet=1", 400, "agnet: expected a parameter that"),
        (f"format=csv&{EVER}&_cursor=1.x", 400, "_cursor: expected"),
        (f"format=csv&{EVER}&_cursor=x", 400, "_cursor: expected the next of a part"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_the_reason(
    report_api: LedgerApi, query: str, status: int, said: str
) -> None:
    """A parameter that is not known, too: what it left out would be missed by nobody."""
    answer = report_api.get(f"/export?{query}", report_api.security)
    assert answer.status_code == status
    assert said in answer.json()["issue"][0]["diagnostics"]


def test_a_cursor_is_of_one_export_only(report_api: LedgerApi) -> None:
    """Not of another format, receipts, search, order, digest or token."""
    query = f"format=csv&{EVER}&date=lt2021&_count=5"
    token = report_api.security
    cursor = report_api.json(f"/export?{query}", token)["next"]
    time, _, rest = cursor.partition(".")
    assert report_api.get(f"/export?{query}&_cursor={cursor}", token).status_code == 200
    for other, whose, at in (
        (query.replace("csv", "ocsf"), token, cursor),
        (f"{query}&receipts=none", token, cursor),
        (query.replace("2021", "2022"), token, cursor),
        (f"{query}&_sort=-date", token, cursor),
        (query, report_api.patient("example"), cursor),
        (query, token, f"{int(time) + 60}.{rest}"),
        (query, token, f"0{cursor}"),
        (query, token, rest),
    ):
        refused = report_api.get(f"/export?{other}&_cursor={at}", whose)
        assert refused.status_code == 400
        assert refused.json()["issue"][0]["diagnostics"].startswith("_cursor: expected")


def test_of_a_ledger_that_published_nothing_there_is_nothing_to_export(
    report_api: LedgerApi,
) -> None:
    """And no checkpoint to pin it to."""
    answer = report_api.get(f"/export?format=csv&{EVER}", report_api.officer("riverside-lab"))
    assert answer.status_code == 404
    assert answer.json()["issue"][0]["code"] == "not-found"
