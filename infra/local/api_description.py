"""What each route takes and answers, in OpenAPI's words: the part that no template knows.

Summaries, media types and limits are those of the functions. The schemas say what is read of a
body; whatever else FHIR or CloudEvents allow may be there too and is kept.
"""

from audit_ledger.events import MAX_ENTRIES, MAX_EVENT_BYTES
from audit_ledger.events.batch import MAX_PATIENTS_OF_ALL
from audit_ledger.http.request import FHIR_JSON, MAX_KEY_LENGTH
from functions.ingest import capability_statement
from functions.ingest.handler import OPEN_ROUTES
from functions.ingest.responses import CONFLICT
from functions.ingest.routes import BATCH, ROUTES, STRUCTURED
from functions.published_files.read import read_published
from infra.local import api_of_derived, api_of_query, api_of_reports
from infra.local.openapi_parts import (
    FHIR_ANSWER,
    JSON,
    MESSAGE,
    OUTCOME,
    TEXT_SCHEMA,
    Json,
    closed_object,
    content,
    first_line,
    header,
    object_of,
    path,
    schema,
)

_REFERENCE = {
    "type": "object",
    "properties": {
        "reference": {"type": "string", "examples": ["Patient/1"]},
        "identifier": {
            "type": "object",
            "properties": {"system": {"type": "string"}, "value": {"type": "string"}},
        },
        "display": {"type": "string"},
    },
}
_CODING = {
    "type": "object",
    "properties": {"system": {"type": "string"}, "code": {"type": "string"}},
}
_CONCEPT = {"type": "object", "properties": {"coding": {"type": "array", "items": _CODING}}}
_CLOUDEVENT = {
    "specversion": {"const": "1.0"},
    "id": TEXT_SCHEMA,
    "source": TEXT_SCHEMA,
    "type": {**TEXT_SCHEMA, "examples": ["record.created"]},
    "time": {"type": "string", "format": "date-time"},
    "subject": {"type": "string", "examples": ["Patient/1"]},
    "datacontenttype": {"type": "string", "examples": ["application/json"]},
    "data": {},
    "data_base64": {"type": "string", "contentEncoding": "base64"},
}

SCHEMAS: Json = {
    "AuditEvent": object_of(
        ["resourceType", "recorded"],
        resourceType={"const": "AuditEvent"},
        type={**_CODING, "description": "R4"},
        code={**_CONCEPT, "description": "R5"},
        recorded={"type": "string", "format": "date-time"},
        action={"enum": ["C", "R", "U", "D", "E"]},
        agent={
            "type": "array",
            "items": object_of([], who=_REFERENCE, requestor={"type": "boolean"}),
        },
        source=object_of([], observer=_REFERENCE),
        entity={"type": "array", "items": object_of([], what=_REFERENCE)},
        patient=_REFERENCE,
    ),
    "Bundle": object_of(
        ["resourceType", "type"],
        resourceType={"const": "Bundle"},
        type={"enum": ["batch", "transaction", "collection"]},
        entry={
            "type": "array",
            "maxItems": MAX_ENTRIES,
            "items": object_of(
                ["resource"],
                resource=schema("AuditEvent"),
                request=object_of(
                    ["method", "url"], method={"const": "POST"}, url={"const": "AuditEvent"}
                ),
            ),
        },
    ),
    "CloudEvent": object_of(["specversion", "id", "source", "type"], **_CLOUDEVENT),
    "CloudEvents": {"type": "array", "maxItems": MAX_ENTRIES, "items": schema("CloudEvent")},
    "Data": {"description": "The data of a CloudEvent in binary mode."},
    "ResponseBundle": object_of(
        ["resourceType", "type"],
        resourceType={"const": "Bundle"},
        type={"enum": ["batch-response", "transaction-response"]},
        entry={
            "type": "array",
            "items": object_of(
                ["response"],
                response=object_of(
                    ["status"],
                    status={"type": "string", "pattern": "^[0-9]{3}$"},
                    location={"type": "string"},
                    outcome=schema("OperationOutcome"),
                ),
            ),
        },
    ),
    "OperationOutcome": object_of(
        ["resourceType", "issue"],
        resourceType={"const": "OperationOutcome"},
        issue={
            "type": "array",
            "minItems": 1,
            "items": object_of(
                ["severity", "code", "diagnostics"],
                severity={"enum": ["fatal", "error", "warning", "information"]},
                code={"type": "string"},
                diagnostics={"type": "string"},
                details=object_of(["text"], text={"type": "string"}),
                expression={"type": "array", "items": {"type": "string"}},
            ),
        },
    ),
    "CapabilityStatement": object_of(
        ["resourceType", "status", "kind", "fhirVersion", "format", "rest"],
        resourceType={"const": "CapabilityStatement"},
        fhirVersion={"enum": ["4.0.1", "4.3.0", "5.0.0"]},
    ),
    "SmartConfiguration": object_of(
        [
            "token_endpoint",
            "grant_types_supported",
            "capabilities",
            "code_challenge_methods_supported",
        ],
        token_endpoint=TEXT_SCHEMA,
        grant_types_supported={"type": "array", "items": TEXT_SCHEMA},
        capabilities={"type": "array", "items": TEXT_SCHEMA},
        code_challenge_methods_supported={"type": "array", "items": TEXT_SCHEMA},
    ),
    "Accepted": closed_object(
        ["accepted", "ids", "issues"],
        accepted={"type": "integer", "minimum": 0},
        issues={
            "type": "array",
            "description": "Of each event, in order, what its sender is to know.",
            "items": {
                "type": "array",
                "items": closed_object(["code", "text"], code=TEXT_SCHEMA, text=TEXT_SCHEMA),
            },
        },
        ids={
            "type": "array",
            "items": {"type": "array", "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
        },
    ),
    "Message": closed_object(["message"], message={"type": "string"}),
    **api_of_query.SCHEMAS,
    **api_of_derived.SCHEMAS,
    **api_of_reports.SCHEMAS,
}

_LOCATION = {
    "description": "The event's record in this ledger.",
    "required": True,
    "schema": {"type": "string", "pattern": "^https?://.+/AuditEvent/[0-9a-f]{64}$"},
}

_CONFLICT = {
    "description": "An earlier event has the same id of the sender's and other content.",
    "schema": {"const": "true"},
}

UNAUTHORIZED: Json = {
    "description": "No token, or none that this API takes.",
    "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "content": MESSAGE,
}
THROTTLED: Json = {
    "description": "More than the caller's limit allows: ask again after Retry-After. Without it, "
    "and with a message alone: more requests than the stage takes.",
    "headers": {"Retry-After": {"schema": {"type": "string", "pattern": "^[1-9][0-9]*$"}}},
    "content": {**OUTCOME, **MESSAGE},
}
NOT_ACCEPTABLE: Json = {
    "description": "Accept takes nothing that this answer could be.",
    "content": OUTCOME,
}
_REFUSALS: Json = {
    "400": {
        "description": "Not strict JSON in UTF-8, no gzip as declared, or a bad header.",
        "content": OUTCOME,
    },
    "403": {"description": "The token does not allow it.", "content": OUTCOME},
    "413": {
        "description": f"Over {MAX_EVENT_BYTES // 1024} KB an event, {MAX_ENTRIES:,} events or "
        f"{MAX_PATIENTS_OF_ALL:,} patients, 1 MiB sealed; or over what the platform takes.",
        "content": {**OUTCOME, **MESSAGE},
    },
    "415": {"description": "Another media type, encoding or release.", "content": OUTCOME},
    "422": {"description": "Well-formed, and no event that can be kept.", "content": OUTCOME},
    "503": {
        "description": "Nothing was accepted: send it again after Retry-After.",
        "content": {**OUTCOME, **MESSAGE},
    },
}


_KEY = header(
    "Idempotency-Key",
    "The sender's own id of the request: sent again under it, an event is kept once.",
    {"type": "string", "pattern": f"^[ -~]{{1,{MAX_KEY_LENGTH}}}$"},
)
_PREFER = header(
    "Prefer",
    "What the answer holds: unless said otherwise the event, with its id.",
    {"enum": ["return=minimal", "return=representation", "return=OperationOutcome"]},
)
_CE_HEADERS = [
    header(f"ce-{name}", f"Binary mode: the attribute {name}.", of)
    for name, of in (
        ("specversion", {"const": "1.0"}),
        ("id", TEXT_SCHEMA),
        ("source", TEXT_SCHEMA),
        ("type", TEXT_SCHEMA),
        ("time", {"type": "string", "format": "date-time"}),
        ("subject", {"type": "string"}),
    )
]


OPERATIONS: dict[str, Json] = {
    "POST /AuditEvent": {
        "operationId": "createAuditEvent",
        "summary": first_line(ROUTES["POST /AuditEvent"]),
        "parameters": [_KEY, _PREFER],
        "requestBody": {"required": True, "content": content("AuditEvent", *FHIR_JSON)},
        "responses": {
            "201": {
                "description": "Accepted: it will be in the ledger.",
                "headers": {"Location": _LOCATION, CONFLICT: _CONFLICT},
                "content": {
                    FHIR_ANSWER: {
                        "schema": {"anyOf": [schema("AuditEvent"), schema("OperationOutcome")]}
                    }
                },
            },
            **_REFUSALS,
        },
    },
    "POST /": {
        "operationId": "postBundle",
        "summary": first_line(ROUTES["POST /"]),
        "parameters": [
            _KEY,
            header(
                "Prefer",
                "Whether each event is in the answer, with its id.",
                {"enum": ["return=minimal", "return=representation"]},
            ),
        ],
        "requestBody": {"required": True, "content": content("Bundle", *FHIR_JSON)},
        "responses": {
            "200": {
                "description": "What became of each entry, in the order of the request.",
                "headers": {CONFLICT: _CONFLICT},
                "content": content("ResponseBundle", FHIR_ANSWER),
            },
            **_REFUSALS,
        },
    },
    "POST /events": {
        "operationId": "postEvents",
        "summary": first_line(ROUTES["POST /events"]),
        "parameters": _CE_HEADERS,
        "requestBody": {
            "content": {
                **content("CloudEvent", STRUCTURED),
                **content("CloudEvents", BATCH),
                **content("Data", JSON),
            }
        },
        "responses": {
            "202": {
                "description": "Accepted: all will be in the ledger.",
                "headers": {CONFLICT: _CONFLICT},
                "content": content("Accepted", JSON),
            },
            **_REFUSALS,
        },
    },
    "GET /metadata": {
        "operationId": "capabilities",
        "summary": first_line(capability_statement),
        "parameters": [
            header("Accept", "The release wanted.", {"type": "string", "examples": [FHIR_ANSWER]})
        ],
        "responses": {
            "200": {
                "description": "What this server does.",
                "content": content("CapabilityStatement", FHIR_ANSWER),
            },
            "406": {"description": "Not as XML, nor of another release.", "content": OUTCOME},
            "503": {"description": "Not now.", "content": MESSAGE},
        },
    },
    "GET /.well-known/smart-configuration": {
        "operationId": "smartConfiguration",
        "summary": first_line(OPEN_ROUTES["GET /.well-known/smart-configuration"]),
        "responses": {
            "200": {
                "description": "As SMART App Launch 2.2 has it.",
                "content": content("SmartConfiguration", JSON),
            },
            "404": {"description": "The settings do not say it.", "content": OUTCOME},
            "503": {"description": "Not now.", "content": MESSAGE},
        },
    },
    "GET /published/{path+}": {
        "operationId": "published",
        "summary": "One published file of the ledger that the token is for.",
        "description": (read_published.__doc__ or "").partition("\n\n")[0],
        "parameters": [
            path(
                "path",
                "Ledger id, and a name as in C2SP tlog-tiles, or a digest's.",
                {**TEXT_SCHEMA, "examples": ["st-elsewhere/checkpoint"]},
            ),
            header("If-None-Match", "The tag of what the caller has.", {"type": "string"}),
        ],
        "responses": {
            "200": {
                "description": "The file, byte for byte.",
                "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
                "content": {"application/octet-stream": {}, "text/plain": {}},
            },
            "304": {"description": "The caller has it."},
            "403": {"description": "The token is for no or another ledger.", "content": OUTCOME},
            "404": {"description": "No such file.", "content": OUTCOME},
            "503": {
                "description": "Not now: ask again after Retry-After.",
                "content": {**OUTCOME, **MESSAGE},
            },
        },
    },
    **api_of_query.OPERATIONS,
    **api_of_derived.OPERATIONS,
    **api_of_reports.OPERATIONS,
}
