"""A record that is disclosed with a receipt, and a ledger with an entry that commits to it."""

import time
from base64 import b64encode
from pathlib import Path

from audit_ledger.ledger.entry import EventEntry
from tests.builders.commitment import design_commitment
from tests.verify.writer import MINUTE, Writer

BLIND, ROW_BLIND = b"\x07" * 32, b"\x09" * 32
ROW, RECORD = b"an index row", b'{"a":"record"}'


def text(data: bytes) -> str:
    return b64encode(data).decode()


DISCLOSED = {
    "index_row": text(ROW),
    "row_blind": text(ROW_BLIND),
    "record": text(RECORD),
    "record_blind": text(BLIND),
}


def publish_record(
    folder: Path, index: int, row: bytes = ROW, record: bytes = RECORD, *, later: int = 0
) -> bytes:
    """Publish a ledger with an entry that commits to a record; return the entry.

    `later`: the number of entries after it.
    """
    writer = Writer(begin=int(time.time()) - 3 * MINUTE)
    writer.add_events(index - 1)
    commitment = design_commitment(ROW_BLIND, row, BLIND, record)
    entry = EventEntry(index, writer.now, writer.leaves[-1], commitment).to_bytes()
    writer.append(entry)
    writer.add_events(later)
    writer.publish()
    writer.objects.write_to(folder)
    return entry
