"""Exports are complete and pinned, and a third party can prove every line offline."""

import json
from collections import Counter
from hashlib import sha256
from typing import Any

import pytest
from msgspec import structs

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.exports.csv import CSV_HEADER
from audit_ledger.exports.formats import FORMATS
from audit_ledger.exports.line_files import read_entries
from audit_ledger.exports.manifest import MANIFEST, parse_manifest
from audit_ledger.exports.receipt_lines import read_receipts
from audit_ledger.exports.verify_export import verify_export
from audit_ledger.exports.writer import ExportWriter
from audit_ledger.records.index_row import parse_index_row
from audit_ledger.records.opened_event import opened_event
from audit_ledger.records.record import parse_record
from audit_ledger.verify.receipts import verify_receipt
from tests.exports.exported import (
    SEARCH,
    SampleLedger,
    add_event,
    exported,
    gathered,
    pieces_of,
)
from tests.verify.writer import ORIGIN


@pytest.mark.parametrize("format_name", FORMATS)
def test_files_agree_with_the_manifest(ledger: SampleLedger, format_name: str) -> None:
    """Recounted from the files with hashlib and json alone; `verify_export` agrees."""
    files = exported(ledger, format_name)
    manifest = json.loads(files[MANIFEST])
    assert list(manifest) == ["version", "origin", "size", "search", "format", "entries", "files"]
    assert manifest["version"] == "audit-ledger/export/v1"
    assert (manifest["origin"], manifest["size"]) == (ORIGIN, 65)
    assert (manifest["search"], manifest["format"]) == (SEARCH, format_name)
    assert manifest["entries"] == 64
    named = {MANIFEST}
    entries: Counter[int] = Counter()
    for file in manifest["files"]:
        data = files[file["name"]]
        assert (file["bytes"], file["sha256"]) == (len(data), sha256(data).hexdigest())
        named.add(file["name"])
        if file["name"] == "checkpoint":
            assert "lines" not in file
            continue
        lines = data.splitlines(keepends=True)
        if "header" in file:
            assert file["header"] == sha256(lines.pop(0)).hexdigest()
        vouching = files[file["lines"]["name"]]
        named.add(file["lines"]["name"])
        assert file["lines"]["sha256"] == sha256(vouching).hexdigest()
        assert file["lines"]["count"] == len(lines) == vouching.count(b"\n")
        for line, voucher in zip(lines, vouching.decode().splitlines(), strict=True):
            seq, hash_ = voucher.split(" ")
            assert hash_ == sha256(line).hexdigest()
            entries[int(seq)] += file["name"] != "receipts"
    assert entries == Counter(range(1, 65))
    assert named == set(files)
    digest = sha256(files[MANIFEST]).digest()
    assert list(verify_export(pieces_of(files), files[MANIFEST], digest)) == []
    manifest_bytes = files.pop(MANIFEST)
    assert list(verify_export(pieces_of(files), manifest_bytes)) == []


@pytest.mark.parametrize("format_name", FORMATS)
def test_each_line_is_proven_to_be_in_the_ledger(ledger: SampleLedger, format_name: str) -> None:
    """Receipt and policy prove the entry, the entry the record, and the record yields the line."""
    files = exported(ledger, format_name)
    lines: dict[int, str] = {}
    for name in FORMATS[format_name].files:
        if name in files:
            lines |= {
                seq: hash_.hex() for seq, hash_ in read_entries(name, [files[name + ".entries"]])
            }
    policy = ledger.writer.keys.policy()
    receipts = list(read_receipts(pieces_of(files)["receipts"], files["checkpoint"]))
    assert [receipt.seq for receipt in receipts] == list(range(1, 65))
    for receipt, entry in zip(receipts, ledger.entries, strict=True):
        assert receipt.proof == entry.proof
        assert receipt.disclosed is not None
        row, record = receipt.disclosed.row_bytes, receipt.disclosed.record
        verified = verify_receipt(receipt.proof, policy, None, receipt.disclosed)
        assert verified.disclosure == receipt.disclosed
        assert verified.opinion.satisfied
        assert verified.entry.seq == receipt.seq
        event = opened_event(
            parse_record(record),
            parse_index_row(row),
            seq=receipt.seq,
            entry_time=verified.entry.time,
            event_id=parse_index_row(row).event_id,
            conflict=False,
        )
        _, line = FORMATS[format_name].line(event, ORIGIN)
        assert sha256(line).hexdigest() == lines[receipt.seq]


def test_receipt_does_not_prove_an_altered_record(ledger: SampleLedger) -> None:
    """Even if manifest and files are written again."""
    files = exported(ledger, "fhir")
    receipt = next(read_receipts([files["receipts"]], files["checkpoint"]))
    assert receipt.disclosed is not None
    other = receipt.disclosed.record.replace(b'"ehr"', b'"her"')
    disclosure = structs.replace(receipt.disclosed, record=other)
    with pytest.raises(VerificationError, match="commits to another record"):
        verify_receipt(receipt.proof, ledger.writer.keys.policy(), None, disclosure)


def test_receipts_and_disclosures_are_optional(ledger: SampleLedger) -> None:
    """Also of some entries only."""
    plain = exported(ledger, "csv", receipts=False)
    assert set(plain) == {"events.csv", "events.csv.entries", MANIFEST}
    writer = ExportWriter("csv", origin=ORIGIN, size=ledger.size, search=SEARCH)
    files = gathered(add_event(writer, ledger.entries[0].event))
    gathered(add_event(writer, ledger.entries[1].event, ledger.entries[1].proof), files)
    gathered(writer.finish(), files)
    (receipt,) = read_receipts([files["receipts"]], files["checkpoint"])
    assert (receipt.seq, receipt.disclosed) == (2, None)
    assert receipt.proof == ledger.entries[1].proof
    assert list(verify_export(pieces_of(files), files[MANIFEST])) == []


@pytest.mark.parametrize(
    ("format_name", "names"),
    [("fhir", set()), ("csv", {"events.csv", "events.csv.entries"}), ("ocsf", set())],
)
def test_export_without_events_is_valid(format_name: str, names: set[str]) -> None:
    """Its manifest states that there are none; a CSV file has its header."""
    files = gathered(ExportWriter(format_name, origin=ORIGIN, size=0, search={}).finish())
    assert set(files) == names | {MANIFEST}
    assert files.get("events.csv", CSV_HEADER) == CSV_HEADER
    assert list(verify_export(pieces_of(files), files[MANIFEST])) == []


def test_rejected_event_leaves_no_trace(ledger: SampleLedger) -> None:
    """The error names the entry; the export continues without it."""
    first, second = ledger.entries[:2]
    writer = ExportWriter("csv", origin=ORIGIN, size=ledger.size, search=SEARCH)

    def assert_rejected(match: str, *args: Any) -> None:
        with pytest.raises(FormatError, match=match):
            add_event(writer, *args)

    assert_rejected("entry 1: the receipt is of entry 2", first.event, second.proof)
    assert_rejected(
        "entry 1: the receipt is no tlog-proof", first.event, b"c2sp.org/tlog-proof@v1\n"
    )
    assert_rejected(
        "entry 1: the receipt is no tlog-proof", first.event, first.proof.partition(b"\n\n")[0]
    )
    other = ExportWriter("csv", origin=ORIGIN, size=ledger.size + 1, search=SEARCH)
    with pytest.raises(FormatError, match="entry 1: the receipt is not of the origin and size"):
        add_event(other, first.event, first.proof)
    with pytest.raises(FormatError, match="entry 1 is not within the published 1"):
        add_event(ExportWriter("csv", origin=ORIGIN, size=1, search=SEARCH), first.event)
    files = gathered(add_event(writer, first.event, first.proof))
    cosigned_later = second.proof + "— witness.example.org AAAA\n".encode()
    assert_rejected("entry 2: the receipt has another checkpoint", second.event, cosigned_later)
    gathered(writer.finish(), files)
    assert parse_manifest(files[MANIFEST]).entries == 1
    assert list(verify_export(pieces_of(files), files[MANIFEST])) == []


def test_rejects_an_unknown_format() -> None:
    """The message lists the known ones."""
    with pytest.raises(FormatError, match="none of fhir, csv, ocsf"):
        ExportWriter("xlsx", origin=ORIGIN, size=1, search={})


@pytest.mark.parametrize(
    "line",
    [b"1\n", b"1 AAAA", b"x AAAA\n", b"1 AAA\n", b"1 AAAA AAAA\n", b"1 AAAA AAAA AAAA AAAA =\n"],
)
def test_rejects_malformed_receipt_lines(line: bytes) -> None:
    """The message names the line and does not quote it."""
    with pytest.raises(FormatError, match=r"^receipts: line 1( |:)") as caught:
        list(read_receipts([line], b"checkpoint"))
    assert "AAA" not in str(caught.value)
