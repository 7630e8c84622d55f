"""The file beside a receipt: what its holder was given of the record, JSON in base64."""

from pathlib import Path

import msgspec

from audit_ledger.cli.exit_codes import UsageError
from audit_ledger.client.files import read_file
from audit_ledger.errors import FormatError
from audit_ledger.events.errors import RejectedEventError
from audit_ledger.events.strict_json import read_json
from audit_ledger.records.commitment import RecordDisclosure
from audit_ledger.tlog import strict_base64


class _RecordFile(msgspec.Struct, forbid_unknown_fields=True):
    """What the holder has beside the proof: base64, all of the last three or none."""

    entry: str | None = None
    index_row: str | None = None
    record: str | None = None
    blind: str | None = None


def read_record_file(path: Path | None) -> tuple[bytes | None, RecordDisclosure | None]:
    """Read entry and disclosed record, None for what is not there; UsageError."""
    if path is None:
        return None, None
    try:
        file = msgspec.convert(read_json(read_file(path), "record file"), _RecordFile)
        entry = None if file.entry is None else strict_base64.decode(file.entry, what="entry")
        private = (file.index_row, file.record, file.blind)
        texts = [text for text in private if text is not None]
        if not texts and entry is None:
            raise FormatError("neither an entry nor index_row, record and blind are in it")
        if not texts:
            return entry, None
        if len(texts) != len(private):
            raise FormatError("index_row, record and blind belong together")
        index_row, record, blind = (strict_base64.decode(text) for text in texts)
    except (RejectedEventError, msgspec.ValidationError):
        message = "not JSON with entry, index_row, record and blind, each once and in base64"
        raise UsageError(f"{path}: {message}") from None
    except FormatError as error:
        raise UsageError(f"{path}: {error}") from None
    return entry, RecordDisclosure(index_row, record, blind)
