"""Exports: opened events as files for others' tools, and what shows that nobody changed them.

| format | files                                                                       |
|--------|-----------------------------------------------------------------------------|
| `fhir` | `AuditEvent-r4.ndjson`, `AuditEvent-r5.ndjson`, `CloudEvent.ndjson`           |
| `csv`  | `events.csv`                                                                |
| `ocsf` | `api_activity.ndjson`, `datastore_activity.ndjson`, `authentication.ndjson` |

A file is there where it has a line. Beside each, `<file>.entries` says which entry each line is of;
with receipts come `receipts` and `checkpoint`; `manifest.json` comes last. An entry is one line of
one of the files, always. `writer.ExportWriter` writes all of it, `check.check_export` checks it.
"""
