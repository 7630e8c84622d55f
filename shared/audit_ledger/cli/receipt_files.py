"""The file beside a receipt: what its holder has of what the entry commits to, JSON in base64.

    {"entry":…,"index_row":…,"row_blind":…,"record":…,"record_blind":…}

with `record_commitment` instead of `record` and `record_blind` if the record is not disclosed; the
entry is required only if the proof does not contain it, and may be alone.
"""

from pathlib import Path

import msgspec

from audit_ledger.cli.exit_codes import UsageError
from audit_ledger.client.files import read_file
from audit_ledger.client.receipts import EventReceipt
from audit_ledger.errors import FormatError
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.strict_json import read_json
from audit_ledger.records.commitment import ReceiptDisclosure, RecordDisclosure, RowDisclosure
from audit_ledger.tlog import strict_base64

_FORMS = "entry, index_row, row_blind, and either record and record_blind or record_commitment"


class RecordFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What the holder has beside the proof, in base64."""

    entry: str | None = None
    index_row: str | None = None
    row_blind: str | None = None
    record: str | None = None
    record_blind: str | None = None
    record_commitment: str | None = None

    @property
    def disclosure(self) -> ReceiptDisclosure | None:
        """What is disclosed of what the entry commits to; raise FormatError for half of it."""
        row = (self.index_row, self.row_blind)
        record = (self.record, self.record_blind)
        if {*row, *record, self.record_commitment} == {None}:
            return None
        texts = (
            (*row, *record) if self.record_commitment is None else (*row, self.record_commitment)
        )
        if None in texts or (self.record_commitment is not None and record != (None, None)):
            raise FormatError(f"expected {_FORMS}")
        parts = [strict_base64.decode(text) for text in texts if text is not None]
        if len(parts) == 3:
            return RowDisclosure(*parts)
        return RecordDisclosure(*parts)


def record_file(receipt: EventReceipt, *, with_record: bool) -> RecordFile:
    """Return the file beside a receipt from the API, with its record or the commitment to it."""
    whole = RecordFile(
        receipt.entry,
        receipt.index_row,
        receipt.row_blind,
        receipt.record,
        receipt.record_blind,
    )
    disclosure = whole.disclosure
    if with_record or not isinstance(disclosure, RecordDisclosure):
        return whole
    hidden = strict_base64.encode(disclosure.without_record().record_commitment)
    return RecordFile(receipt.entry, receipt.index_row, receipt.row_blind, record_commitment=hidden)


def read_record_file(path: Path | None) -> tuple[bytes | None, ReceiptDisclosure | None]:
    """Read the entry and what is disclosed, None for what is not there; UsageError."""
    if path is None:
        return None, None
    try:
        file = msgspec.convert(read_json(read_file(path), "record file"), RecordFile)
        entry = None if file.entry is None else strict_base64.decode(file.entry, what="entry")
        disclosure = file.disclosure
        if entry is None and disclosure is None:
            raise FormatError(f"expected {_FORMS}")
    except (RejectedEventError, msgspec.ValidationError):
        raise UsageError(f"{path}: not JSON with {_FORMS}, each once and in base64") from None
    except FormatError as error:
        raise UsageError(f"{path}: {error}") from None
    return entry, disclosure
