"""Exports: opened events as files for other tools, and proof that they are unchanged.

| format | files                                                                       |
|--------|-----------------------------------------------------------------------------|
| `fhir` | `AuditEvent-r4.ndjson`, `AuditEvent-r5.ndjson`, `CloudEvent.ndjson`           |
| `csv`  | `events.csv`                                                                |
| `ocsf` | `api_activity.ndjson`, `datastore_activity.ndjson`, `authentication.ndjson` |

A file exists if it has a line. Beside each, `<file>.entries` lists the entry of each line;
with receipts come `receipts` and `checkpoint`; `manifest.json` comes last. An entry is one line of
one of the files, always. `writer.ExportWriter` writes all of it, `verify_export` verifies it.
"""
