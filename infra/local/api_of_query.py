"""What query's routes take and answer, in OpenAPI's words."""

from audit_ledger.http.request import FORM, MAX_FIELDS
from audit_ledger.search.criteria import MAX_COUNT
from audit_ledger.search.parameter_docs import OF_THE_ANSWER, PARAMETERS
from audit_ledger.search.parameters import MAX_QUERY_BYTES, MAX_VALUES
from functions.query.routes import ROUTES
from functions.query.routes.digests import MAX_DAYS, MAX_DIGESTS
from infra.local.openapi_parts import (
    FHIR_ANSWER,
    INSTANT,
    JSON,
    MESSAGE,
    OUTCOME,
    REFUSED,
    SIZE,
    TEXT_SCHEMA,
    Json,
    closed_object,
    content,
    first_line,
    header,
    object_of,
    path,
    query,
    schema,
)

_BASE64 = {"type": "string", "contentEncoding": "base64"}
_HASH = {"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"}
_EVENT_ID = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_DATE = {
    "type": "string",
    "pattern": (
        "^(eq|ge|gt|le|lt|sa|eb)?[0-9]{4}(-[0-9]{2}(-[0-9]{2}"
        "(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?$"
    ),
    "examples": ["ge2026-11-22"],
}

SCHEMAS: Json = {
    "StoredAuditEvent": {
        **object_of(["resourceType", "id"], resourceType={"const": "AuditEvent"}, id=_EVENT_ID),
        "description": "As its sender sent it, but for `id`; converted, and tagged so, where it is "
        "of the other release; of a CloudEvent that carries none, one that represents it.",
    },
    "Searchset": object_of(
        ["resourceType", "type", "link"],
        resourceType={"const": "Bundle"},
        type={"const": "searchset"},
        total={**SIZE, "description": "How many match, where all were counted."},
        link={
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": closed_object(
                ["relation", "url"],
                relation={"enum": ["self", "next"]},
                url={"type": "string"},
            ),
        },
        entry={
            "type": "array",
            "maxItems": MAX_COUNT + 1,
            "items": closed_object(
                ["resource", "search"],
                fullUrl={"type": "string"},
                resource={"anyOf": [schema("StoredAuditEvent"), schema("OperationOutcome")]},
                search=closed_object(["mode"], mode={"enum": ["match", "outcome"]}),
            ),
        },
    ),
    "Receipt": {
        **closed_object(
            ["index", "proof", "digest", "entry", "index_row", "record", "blind"],
            index=SIZE,
            proof={**TEXT_SCHEMA, "description": "A C2SP tlog-proof."},
            digest={"type": ["string", "null"], "description": "The newest digest, a signed note."},
            entry=_BASE64,
            index_row=_BASE64,
            record=_BASE64,
            blind=_BASE64,
        ),
        "description": "`entry` holds the commitment to blind, index row and record.",
    },
    "Waiting": closed_object(["status"], status=TEXT_SCHEMA),
    "Digest": closed_object(
        [
            *("name", "origin", "from", "to", "size_before", "size_after", "root", "entries"),
            *(
                "control_entries",
                "blocks",
                "followed",
                "missing_events",
                "missing_portals",
                "previous",
                "note",
            ),
        ],
        **{"from": INSTANT},
        name=TEXT_SCHEMA,
        origin=TEXT_SCHEMA,
        to=INSTANT,
        size_before=SIZE,
        size_after=SIZE,
        root=_HASH,
        entries=SIZE,
        control_entries=SIZE,
        blocks=SIZE,
        followed=SIZE,
        missing_events={
            **SIZE,
            "description": "Numbered events that never came, of those followed; of each portal "
            "999,999,999 count at most.",
        },
        missing_portals={**SIZE, "description": "How many portals lack some."},
        previous={"type": ["string", "null"]},
        note={**TEXT_SCHEMA, "description": "The digest itself, signed: all else is from it."},
    ),
    "Digests": closed_object(
        ["digests"],
        digests={"type": "array", "maxItems": MAX_DIGESTS, "items": schema("Digest")},
        next={**INSTANT, "description": "The `from` of what follows; absent at the end."},
    ),
    "Consistency": closed_object(
        ["from", "to", "hashes", "checkpoint"],
        **{"from": SIZE},
        to=SIZE,
        hashes={"type": "array", "items": _HASH},
        checkpoint={**TEXT_SCHEMA, "description": "The published checkpoint, a signed note."},
    ),
}

_NOT_FOUND: Json = {
    "404": {
        "description": "No such event: unknown, not published yet, erased, or not the asker's.",
        "content": {**OUTCOME, **MESSAGE},
    }
}
_NOT_PUBLISHED: Json = {"404": {"description": "Nothing is published yet.", "content": OUTCOME}}
_OTHER_FORMAT: Json = {
    "406": {"description": "Not as XML, nor of another release.", "content": OUTCOME}
}
_ACCEPT = header(
    "Accept",
    "The release wanted, as `fhirVersion`: 4.0 without it.",
    {"type": "string", "examples": [f"{FHIR_ANSWER}; fhirVersion=5.0"]},
)
_ID = path(
    "id",
    "The event's id, as Location gave it, or `entry-` and the number of its entry.",
    {"type": "string", "pattern": "^([0-9a-f]{64}|entry-(0|[1-9][0-9]{0,17}))$"},
)


def _criterion(name: str, of: str, looks_at: str) -> Json:
    """A parameter that may be repeated: all of its values must hold."""
    value = _DATE if of == "date" else TEXT_SCHEMA
    return query(name, f"{of}: {looks_at}", {"type": "array", "items": value})


_OF_A_READ = (
    "Scopes as for a search, with `r`; published events only. It is recorded in the ledger."
)
_HEADER: Json = {"required": True, "schema": {"type": "string"}}
_READ: Json = {
    "200": {
        "description": "The event.",
        "headers": {
            "ETag": {**_HEADER, "description": "Its version, the only one."},
            "Last-Modified": {**_HEADER, "description": "The time of its entry."},
            "Ledger-Entry": {**_HEADER, "description": "The number of its entry."},
        },
        "content": content("StoredAuditEvent", FHIR_ANSWER),
    },
    "304": {"description": "The caller has it (If-None-Match)."},
    **_NOT_FOUND,
    **_OTHER_FORMAT,
    **REFUSED,
}

_HANDLING = header(
    "Prefer",
    "Whether parameters that are not known are refused, or left out and named.",
    {"enum": ["handling=strict", "handling=lenient"]},
)
_SEARCHED: Json = {
    "200": {
        "description": "A page of what was found.",
        "content": content("Searchset", FHIR_ANSWER),
    },
    "400": {
        "description": "A parameter is not as it must be: named, with what is expected. "
        f"At most {MAX_FIELDS} parameters and {MAX_VALUES} values.",
        "content": OUTCOME,
    },
    **_OTHER_FORMAT,
    "414": {"description": f"Over {MAX_QUERY_BYTES:,} bytes of query.", "content": OUTCOME},
    **REFUSED,
}

OPERATIONS: dict[str, Json] = {
    "GET /AuditEvent": {
        "operationId": "searchAuditEvents",
        "summary": first_line(ROUTES["GET /AuditEvent"]),
        "description": (
            "docs/search.md says more. Scopes: `system/AuditEvent.s` or `user/AuditEvent.s` for "
            "all, `patient/AuditEvent.s` for what concerns the token's patient. Unless so bounded "
            "it needs `date`, `_id`, or a patient or agent who can be looked up. It is recorded "
            "in the ledger."
        ),
        "parameters": [
            *(_criterion(each.name, each.type, each.looks_at) for each in PARAMETERS),
            *(
                query(f"address:{modifier}", f"string: {means}", TEXT_SCHEMA)
                for modifier, means in (("exact", "the whole address"), ("contains", "part of it"))
            ),
            query("_count", OF_THE_ANSWER["_count"], {"type": "integer", "minimum": 0}),
            query("_total", OF_THE_ANSWER["_total"], {"enum": ["none", "estimate", "accurate"]}),
            query("_summary", OF_THE_ANSWER["_summary"], {"enum": ["count", "false"]}),
            query("_elements", OF_THE_ANSWER["_elements"], TEXT_SCHEMA),
            query("own-use", OF_THE_ANSWER["own-use"], {"enum": ["include", "exclude", "only"]}),
            query("_sort", OF_THE_ANSWER["_sort"], {"enum": ["date", "-date"]}),
            query("_format", OF_THE_ANSWER["_format"], {"enum": ["json", FHIR_ANSWER]}),
            query("_cursor", OF_THE_ANSWER["_cursor"], TEXT_SCHEMA),
            _ACCEPT,
            _HANDLING,
        ],
        "responses": _SEARCHED,
    },
    "POST /AuditEvent/_search": {
        "operationId": "searchAuditEventsByForm",
        "summary": first_line(ROUTES["POST /AuditEvent/_search"]),
        "description": "The parameters of `GET /AuditEvent`, and what it answers.",
        "parameters": [_ACCEPT, _HANDLING],
        "requestBody": {"content": {FORM: {"schema": {"type": "object"}}}},
        "responses": {
            **_SEARCHED,
            "415": {"description": "Not a form.", "content": OUTCOME},
        },
    },
    "GET /AuditEvent/{id}": {
        "operationId": "readAuditEvent",
        "summary": first_line(ROUTES["GET /AuditEvent/{id}"]),
        "description": _OF_A_READ,
        "parameters": [_ID, _ACCEPT],
        "responses": _READ,
    },
    "GET /AuditEvent/{id}/_history/{version}": {
        "operationId": "readAuditEventVersion",
        "summary": first_line(ROUTES["GET /AuditEvent/{id}/_history/{version}"]),
        "description": _OF_A_READ,
        "parameters": [
            _ID,
            path("version", "1: an event has no other.", {**TEXT_SCHEMA, "examples": ["1"]}),
            _ACCEPT,
        ],
        "responses": _READ,
    },
    "GET /AuditEvent/{id}/receipt": {
        "operationId": "receipt",
        "summary": first_line(ROUTES["GET /AuditEvent/{id}/receipt"]),
        "description": "Scopes as for a read. It is recorded in the ledger.",
        "parameters": [
            _ID,
            header(
                "Accept",
                "`text/plain` for the proof alone.",
                {"enum": [JSON, "text/plain"]},
            ),
        ],
        "responses": {
            "200": {
                "description": "The proof, and what its entry commits to.",
                "content": {**content("Receipt", JSON), "text/plain": {}},
            },
            "202": {
                "description": "In the ledger, and not covered by a checkpoint yet.",
                "headers": {"Retry-After": {"required": True, "schema": {"type": "string"}}},
                "content": content("Waiting", JSON),
            },
            **_NOT_FOUND,
            **REFUSED,
        },
    },
    "GET /AuditEvent/{id}/{operation}": {
        "operationId": "submittedEvent",
        "summary": first_line(ROUTES["GET /AuditEvent/{id}/{operation}"]),
        "description": (
            "Scopes as for a read. Of an event about several patients, the part of one. It is "
            "recorded in the ledger."
        ),
        "parameters": [
            _ID,
            path("operation", "The only one there is.", {"const": "$submitted"}),
        ],
        "responses": {
            "200": {
                "description": "The event, byte for byte.",
                "content": {
                    FHIR_ANSWER: {"schema": {"type": "object"}},
                    "application/cloudevents+json": {"schema": {"type": "object"}},
                },
            },
            **_NOT_FOUND,
            **REFUSED,
        },
    },
    "GET /digests": {
        "operationId": "digests",
        "summary": first_line(ROUTES["GET /digests"]),
        "description": f"An hour up to `to`, unless `from` is given: {MAX_DAYS} days at most.",
        "parameters": [
            query("from", "The first instant; to the second, UTC.", INSTANT),
            query("to", "The last instant; now unless given.", INSTANT),
        ],
        "responses": {
            "200": {
                "description": f"At most {MAX_DIGESTS} digests.",
                "content": content("Digests", JSON),
            },
            "400": {"description": "No such instants.", "content": OUTCOME},
            **REFUSED,
        },
    },
    "GET /digests/latest": {
        "operationId": "latestDigest",
        "summary": first_line(ROUTES["GET /digests/latest"]),
        "parameters": [],
        "responses": {
            "200": {"description": "The digest.", "content": content("Digest", JSON)},
            **_NOT_PUBLISHED,
            **REFUSED,
        },
    },
    "GET /consistency": {
        "operationId": "consistency",
        "summary": first_line(ROUTES["GET /consistency"]),
        "description": "That the ledger of `from` entries is the beginning of that of `to`.",
        "parameters": [
            query("from", "A size: a number of entries.", SIZE, required=True),
            query("to", "A size; the published one unless given.", SIZE),
        ],
        "responses": {
            "200": {"description": "The proof.", "content": content("Consistency", JSON)},
            "400": {"description": "No such sizes.", "content": OUTCOME},
            **_NOT_PUBLISHED,
            **REFUSED,
        },
    },
    "GET /policy": {
        "operationId": "policy",
        "summary": first_line(ROUTES["GET /policy"]),
        "description": "Its public keys: take it once, and keep it where whoever verifies trusts.",
        "parameters": [],
        "responses": {
            "200": {"description": "The policy file.", "content": {"text/plain": {}}},
            **REFUSED,
        },
    },
}
