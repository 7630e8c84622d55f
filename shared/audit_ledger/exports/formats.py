"""The formats of an export: their files, and how an event becomes a line."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from audit_ledger.exports.csv import CSV_FILE, CSV_HEADER, csv_line
from audit_ledger.exports.ndjson import (
    CLOUDEVENT_FILE,
    R4_FILE,
    R5_FILE,
    fhir_line,
)
from audit_ledger.exports.ocsf import FILES, ocsf_line
from audit_ledger.records.opened_event import OpenedEvent


class FileKind(msgspec.Struct, frozen=True):
    """A kind of file. `header`: its first line, of no entry; a file with one always exists."""

    media_type: str
    header: bytes = b""


MakeLine = Callable[[OpenedEvent, str], tuple[str, bytes]]
"""`line(event, origin)` returns the file of an event, and its line."""


class ExportFormat(msgspec.Struct, frozen=True):
    """A format: its files, and the line that it writes for an event."""

    files: Mapping[str, FileKind]
    line: MakeLine


FORMATS: Final[Mapping[str, ExportFormat]] = {
    "fhir": ExportFormat(
        {
            R4_FILE: FileKind("application/fhir+ndjson; fhirVersion=4.0"),
            R5_FILE: FileKind("application/fhir+ndjson; fhirVersion=5.0"),
            CLOUDEVENT_FILE: FileKind("application/x-ndjson"),
        },
        lambda event, _: fhir_line(event),
    ),
    "csv": ExportFormat(
        {CSV_FILE: FileKind("text/csv; charset=utf-8; header=present", CSV_HEADER)},
        lambda event, _: csv_line(event),
    ),
    "ocsf": ExportFormat(
        {name: FileKind("application/x-ndjson") for name in FILES.values()}, ocsf_line
    ),
}
