"""Exports: opened events as files for others' tools, and what shows that nobody changed them.

| format   | files                                                             |
|----------|-------------------------------------------------------------------|
| `fhir`   | `AuditEvent-r4.ndjson`, `AuditEvent-r5.ndjson`, `CloudEvent.ndjson` |
| `csv`    | `events.csv`                                                      |
| `ocsf`   | `api_activity.ndjson`, `datastore_activity.ndjson`, `authentication.ndjson` |

Beside each file: `<file>.entries`, which entry each line is of. With receipts: `receipts` and
`checkpoint`. At the end: `manifest.json`. An entry is one line of one file, always.
"""
