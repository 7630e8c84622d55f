"""Exports of a published ledger of the samples, with receipts and disclosed records."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from msgspec import structs

from audit_ledger.exports.formats import FORMATS
from audit_ledger.exports.receipt_lines import Receipt
from audit_ledger.exports.writer import ExportWriter, Piece
from audit_ledger.ledger.entry import link_events, parse_entry
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.records.index_row import IndexRow
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.records.record import new_record
from audit_ledger.verify.receipts import make_receipt
from tests.builders.opened_event import RECEIVED_MS, opened_samples
from tests.verify.writer import ORIGIN, Writer

SEARCH = {"from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00Z", "agent": None}


@dataclass
class SampleEntry:
    """An entry as a reader of the ledger has it: opened, proven and disclosed."""

    event: OpenedEvent
    proof: bytes
    disclosed: RecordDisclosure


@dataclass
class SampleLedger:
    """The published ledger, and every entry but its first."""

    writer: Writer
    entries: list[SampleEntry]

    @property
    def size(self) -> int:
        return len(self.writer.entries)


def sample_ledger(shared_dir: Path) -> SampleLedger:
    """Return a published ledger that commits to the records of the samples."""
    writer = Writer()
    events = opened_samples(shared_dir)
    disclosed = []
    for event in events:
        row = IndexRow(
            event_id=event.event_id,
            time_ms=event.time_ms,
            fingerprint=sha256(event.resource).digest(),
            generation=2026000,
            flags=event.flags,
        )
        record = new_record(event.portal, RECEIVED_MS, event.format, event.resource, event.cut)
        blind = sha256(b"blind" + event.resource).digest()
        disclosed.append(RecordDisclosure(row.to_bytes(), blind[::-1], record.to_bytes(), blind))
    entries, leaves = link_events(
        1,
        writer.now,
        writer.leaves[-1],
        [d.commitment for d in disclosed],
    )
    writer.entries += entries
    writer.leaves += leaves
    writer.publish()
    opened = [
        SampleEntry(
            structs.replace(event, entry_time=parse_entry(entry).time),
            make_receipt(writer.objects, event.seq),
            of_event,
        )
        for event, of_event, entry in zip(events, disclosed, entries, strict=True)
    ]
    return SampleLedger(writer, opened)


def add_event(
    writer: ExportWriter,
    event: OpenedEvent,
    proof: bytes | None = None,
    disclosed: RecordDisclosure | None = None,
    *,
    format_name: str = "csv",
) -> list[Piece]:
    """Add the line of an event, and its receipt, as query and client do together."""
    name, line = FORMATS[format_name].line(event, ORIGIN)
    receipt = None if proof is None else Receipt(event.seq, proof, disclosed)
    return writer.add(event.seq, name, line, receipt)


def gathered(pieces: Iterable[Piece], files: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the files that consist of these pieces."""
    files = {} if files is None else files
    for name, data in pieces:
        files[name] = files.get(name, b"") + data
    return files


def exported(ledger: SampleLedger, format_name: str, *, receipts: bool = True) -> dict[str, bytes]:
    """Return an export of all entries, with its manifest."""
    writer = ExportWriter(format_name, origin=ORIGIN, size=ledger.size, search=SEARCH)
    files: dict[str, bytes] = {}
    for entry in ledger.entries:
        proof = (entry.proof, entry.disclosed) if receipts else ()
        gathered(add_event(writer, entry.event, *proof, format_name=format_name), files)
    return gathered(writer.finish(), files)


def pieces_of(files: dict[str, bytes], piece_bytes: int = 1009) -> dict[str, list[bytes]]:
    """Return files in pieces that end anywhere, as from a network."""
    return {
        name: [data[start : start + piece_bytes] for start in range(0, len(data), piece_bytes)]
        for name, data in files.items()
    }
