"""What the routes of reports and exports take and answer, in OpenAPI's words."""

from audit_ledger.exports.formats import FORMATS
from audit_ledger.reports.privacy import ELEMENTS
from audit_ledger.search.parameter_docs import OF_THE_ANSWER, PARAMETERS
from functions.query.patient_names import MAX_NAMES
from functions.query.report_events import MAX_EVENTS
from functions.query.routes import ROUTES
from functions.query.routes.exports import MAX_EVENTS as MAX_PART_ENTRIES
from functions.query.routes.exports import MAX_PART_BYTES, RECEIPTS
from infra.local.openapi_parts import (
    JSON,
    OUTCOME,
    REFUSED,
    SIZE,
    TEXT_SCHEMA,
    WARNINGS,
    Json,
    closed_object,
    content,
    first_line,
    header,
    object_of,
    query,
)

_FACTS = ("report", "title", "about", "from", "to", "zone", "origin", "made")
_ROWS = {"type": "array", "items": {"type": "object"}}


def _report(*tables: str, **facts: Json) -> Json:
    return object_of(
        [*_FACTS, *facts, *tables, "notes", "verify"],
        entries={
            **SIZE,
            "description": "How many entries it was made from; of accountings by the day, absent.",
        },
        zone=TEXT_SCHEMA,
        origin=TEXT_SCHEMA,
        **facts,
        **dict.fromkeys(tables, _ROWS),
    )


SCHEMAS: Json = {
    "Accounting": _report("disclosures", "exclusions", disclosures_outside=SIZE),
    "Accesses": _report("accesses", "people"),
    "PrivacyReport": _report("events", "break_glass", "by_user", "by_patient", "by_day"),
    "ExportPart": closed_object(
        ["origin", "size", "format", "search", "checkpoint", "digest", "entries"],
        origin=TEXT_SCHEMA,
        size={**SIZE, "description": "The published size that all parts are pinned to."},
        format={"enum": list(FORMATS)},
        search={"type": "string", "description": "What was asked for, as it was read."},
        warnings=WARNINGS,
        checkpoint={**TEXT_SCHEMA, "description": "Of that size; all receipts end with it."},
        digest={**TEXT_SCHEMA, "description": "The name of the digest that wraps it."},
        entries={
            "type": "array",
            "maxItems": MAX_PART_ENTRIES,
            "items": closed_object(
                ["entry", "file", "line"],
                entry=SIZE,
                file=TEXT_SCHEMA,
                line={**TEXT_SCHEMA, "description": "A line of the file, its end included."},
                receipt={**TEXT_SCHEMA, "description": "A line of the file `receipts`."},
            ),
        },
        next={**TEXT_SCHEMA, "description": "`_cursor` of the next part; absent at the end."},
    ),
}

_TIME = {**TEXT_SCHEMA, "examples": ["2026-11-22", "2026-11-22T05:59:00Z"]}
_TIMES = [
    query("from", "The first instant, or day.", _TIME),
    query("to", "The instant before which it ends, or the last day.", _TIME),
    query("zone", "Of days and times: an offset, or an IANA name.", TEXT_SCHEMA),
]
_PATIENT = query(
    "patient",
    f"Whom it is about, for the privacy office: `<id>`, `Patient/<id>` or `<system>|<value>`, by "
    f"up to {MAX_NAMES} names of the same. None for a patient, who asks for the own record.",
    {"type": "array", "maxItems": MAX_NAMES, "items": TEXT_SCHEMA},
)
_AUDIENCE = query(
    "audience",
    "`office` adds what is suspended; for the privacy office alone.",
    {"enum": ["patient", "office"]},
)
_FORM = [
    query("table", "With CSV: which table; the first without.", TEXT_SCHEMA),
    query("_format", "The form; else Accept says.", {"enum": ["json", "csv", "html"]}),
    header("Accept", "The form.", {"enum": [JSON, "text/csv", "text/html"]}),
]
_ZIPPED = header("Accept-Encoding", "`gzip` for larger answers.", {"enum": ["gzip", "identity"]})
_REPORT_REFUSED: Json = {
    "400": {"description": "A parameter is not as it must be: named.", "content": OUTCOME},
    "406": {"description": "None of these forms.", "content": OUTCOME},
    "413": {
        "description": f"It would look at more than {MAX_EVENTS:,} events, or take too long, or "
        "be larger than an answer: ask for a shorter period.",
        "content": OUTCOME,
    },
    **REFUSED,
}


def _answers(name: str) -> Json:
    return {
        "200": {
            "description": "The report.",
            "content": {**content(name, JSON), "text/csv": {}, "text/html": {}},
        },
        **_REPORT_REFUSED,
    }


_OF_A_PATIENT = (
    "Scopes: `system/AuditEvent.s` or `user/AuditEvent.s` for any patient, `patient/AuditEvent.s` "
    "for the token's. It is recorded in the ledger."
)

OPERATIONS: dict[str, Json] = {
    "GET /accounting": {
        "operationId": "accounting",
        "summary": first_line(ROUTES["GET /accounting"]),
        "description": _OF_A_PATIENT,
        "parameters": [
            _PATIENT,
            *_TIMES,
            query("requested", "When the patient asked: six years count from there.", _TIME),
            _AUDIENCE,
            *_FORM,
            _ZIPPED,
        ],
        "responses": _answers("Accounting"),
    },
    "GET /accesses": {
        "operationId": "accesses",
        "summary": first_line(ROUTES["GET /accesses"]),
        "description": _OF_A_PATIENT,
        "parameters": [_PATIENT, *_TIMES, _AUDIENCE, *_FORM, _ZIPPED],
        "responses": _answers("Accesses"),
    },
    "GET /reports/privacy": {
        "operationId": "privacyReport",
        "summary": first_line(ROUTES["GET /reports/privacy"]),
        "description": (
            "Scopes: `system/AuditEvent.s` or `user/AuditEvent.s`. It is recorded in the ledger."
        ),
        "parameters": [
            query(
                "user", "Who did it, as `agent` of a search, or `<system>|<value>`.", TEXT_SCHEMA
            ),
            query("patient", "Whom it was about, or who did it as a patient.", TEXT_SCHEMA),
            *_TIMES,
            query("sort", f"By {', '.join(ELEMENTS)}; `-` before it: descending.", TEXT_SCHEMA),
            *_FORM,
            _ZIPPED,
        ],
        "responses": _answers("PrivacyReport"),
    },
    "GET /export": {
        "operationId": "exportPart",
        "summary": first_line(ROUTES["GET /export"]),
        "description": (
            "docs/decisions/0007-exports-in-parts.md says how parts become files. Scopes as for a "
            "search, with `r` and `s`. Each part is recorded in the ledger, and the export."
        ),
        "parameters": [
            query("format", "The format.", {"enum": list(FORMATS)}, required=True),
            query("receipts", "What proves each entry.", {"enum": list(RECEIPTS)}),
            *(query(each.name, each.looks_at, TEXT_SCHEMA) for each in PARAMETERS),
            query("_count", OF_THE_ANSWER["_count"], {"type": "integer", "minimum": 1}),
            query("_sort", "The order; `date` unless given.", {"enum": ["date", "-date"]}),
            query("_cursor", "The `next` of a part.", TEXT_SCHEMA),
            _ZIPPED,
        ],
        "responses": {
            "200": {
                "description": f"A part: some {MAX_PART_BYTES:,} bytes at most.",
                "content": content("ExportPart", JSON),
            },
            "400": {"description": "A parameter is not as it must be: named.", "content": OUTCOME},
            "404": {"description": "Nothing is published yet.", "content": OUTCOME},
            "406": {"description": "Not as another format than JSON.", "content": OUTCOME},
            "414": {"description": "Too long a query.", "content": OUTCOME},
            **REFUSED,
        },
    },
}
