"""Exports: opened events as files for other tools, with proof that they are unchanged.

| format | files                                                                       |
|--------|-----------------------------------------------------------------------------|
| `fhir` | `AuditEvent-r4.ndjson`, `AuditEvent-r5.ndjson`, `CloudEvent.ndjson`           |
| `csv`  | `events.csv`                                                                |
| `ocsf` | `api_activity.ndjson`, `datastore_activity.ndjson`, `authentication.ndjson` |

A file exists if it has a line. `<file>.entries` contains the entry of each line; with receipts come
`receipts` and `checkpoint`; `manifest.json` comes last. An entry is always one line of one file.
`writer.ExportWriter` writes an export, `verify_export` verifies it.
"""
