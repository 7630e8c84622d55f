"""What each route takes and answers, in OpenAPI's words: the part that no template knows.

Summaries, media types and limits are those of the functions. The schemas say what is read of a
body; whatever else FHIR or CloudEvents allow may be there too and is kept.
"""

from typing import Any

from audit_ledger.events import MAX_ENTRIES, MAX_EVENT_BYTES
from audit_ledger.events.outcomes import MAX_RECORDS
from audit_ledger.http.request import FHIR_JSON, MAX_KEY_LENGTH
from functions.ingest import capability
from functions.ingest.routes import BATCH, ROUTES, STRUCTURED
from functions.published.read import read_published

Json = dict[str, Any]

FHIR_ANSWER = "application/fhir+json"
JSON = "application/json"


def schema(name: str) -> Json:
    """Refer to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(name: str, *media_types: str) -> Json:
    """A body of one of SCHEMAS, in these media types."""
    return {media_type: {"schema": schema(name)} for media_type in media_types}


def _object(required: list[str], **properties: Any) -> Json:
    return {"type": "object", "required": required, "properties": properties}


_TEXT = {"type": "string", "minLength": 1}
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
    "id": _TEXT,
    "source": _TEXT,
    "type": {**_TEXT, "examples": ["record.created"]},
    "time": {"type": "string", "format": "date-time"},
    "subject": {"type": "string", "examples": ["Patient/1"]},
    "datacontenttype": {"type": "string", "examples": ["application/json"]},
    "data": {},
    "data_base64": {"type": "string", "contentEncoding": "base64"},
}

SCHEMAS: Json = {
    "AuditEvent": _object(
        ["resourceType", "recorded"],
        resourceType={"const": "AuditEvent"},
        type={**_CODING, "description": "R4"},
        code={**_CONCEPT, "description": "R5"},
        recorded={"type": "string", "format": "date-time"},
        action={"enum": ["C", "R", "U", "D", "E"]},
        agent={
            "type": "array",
            "items": _object([], who=_REFERENCE, requestor={"type": "boolean"}),
        },
        source=_object([], observer=_REFERENCE),
        entity={"type": "array", "items": _object([], what=_REFERENCE)},
        patient=_REFERENCE,
    ),
    "Bundle": _object(
        ["resourceType", "type"],
        resourceType={"const": "Bundle"},
        type={"enum": ["batch", "transaction", "collection"]},
        entry={
            "type": "array",
            "maxItems": MAX_ENTRIES,
            "items": _object(
                ["resource"],
                resource=schema("AuditEvent"),
                request=_object(
                    ["method", "url"], method={"const": "POST"}, url={"const": "AuditEvent"}
                ),
            ),
        },
    ),
    "CloudEvent": _object(["specversion", "id", "source", "type"], **_CLOUDEVENT),
    "CloudEvents": {"type": "array", "maxItems": MAX_ENTRIES, "items": schema("CloudEvent")},
    "Data": {"description": "The data of a CloudEvent in binary mode."},
    "ResponseBundle": _object(
        ["resourceType", "type", "entry"],
        resourceType={"const": "Bundle"},
        type={"enum": ["batch-response", "transaction-response"]},
        entry={
            "type": "array",
            "items": _object(
                ["response"],
                response=_object(
                    ["status"],
                    status={"type": "string", "pattern": "^[0-9]{3}$"},
                    location={"type": "string"},
                    outcome=schema("OperationOutcome"),
                ),
            ),
        },
    ),
    "OperationOutcome": _object(
        ["resourceType", "issue"],
        resourceType={"const": "OperationOutcome"},
        issue={
            "type": "array",
            "minItems": 1,
            "items": _object(
                ["severity", "code", "diagnostics"],
                severity={"enum": ["fatal", "error", "warning", "information"]},
                code={"type": "string"},
                diagnostics={"type": "string"},
                expression={"type": "array", "items": {"type": "string"}},
            ),
        },
    ),
    "CapabilityStatement": _object(
        ["resourceType", "status", "kind", "fhirVersion", "format", "rest"],
        resourceType={"const": "CapabilityStatement"},
        fhirVersion={"enum": ["4.0.1", "5.0.0"]},
    ),
    "Accepted": {
        **_object(
            ["accepted", "ids"],
            accepted={"type": "integer", "minimum": 0},
            ids={
                "type": "array",
                "items": {
                    "type": "array",
                    "items": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
            },
        ),
        "additionalProperties": False,
    },
    "Message": {**_object(["message"], message={"type": "string"}), "additionalProperties": False},
}

_OUTCOME = content("OperationOutcome", FHIR_ANSWER)
_MESSAGE = content("Message", JSON)
_LOCATION = {
    "description": "The event's record in this ledger.",
    "required": True,
    "schema": {"type": "string", "pattern": "^/AuditEvent/[0-9a-f]{64}$"},
}

UNAUTHORIZED: Json = {
    "description": "No token, or none that this API takes.",
    "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "content": _MESSAGE,
}
THROTTLED: Json = {"description": "Too many requests: try again.", "content": _MESSAGE}
_REFUSALS: Json = {
    "400": {"description": "Not strict JSON in UTF-8, or a bad header.", "content": _OUTCOME},
    "403": {"description": "The token does not allow it.", "content": _OUTCOME},
    "413": {
        "description": f"Over {MAX_EVENT_BYTES // 1024} KB an event, {MAX_ENTRIES:,} events or "
        f"{MAX_RECORDS:,} patients, 1 MiB sealed; or over what the platform takes.",
        "content": {**_OUTCOME, **_MESSAGE},
    },
    "415": {"description": "Another media type, encoding or release.", "content": _OUTCOME},
    "422": {"description": "Well-formed, and no event that can be kept.", "content": _OUTCOME},
    "503": {
        "description": "Nothing was accepted: send it again.",
        "content": {**_OUTCOME, **_MESSAGE},
    },
}


def _header(name: str, description: str, of: Json) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": of}


_KEY = _header(
    "Idempotency-Key",
    "The sender's own id of the request: sent again under it, an event is kept once.",
    {"type": "string", "pattern": f"^[ -~]{{1,{MAX_KEY_LENGTH}}}$"},
)
_PREFER = _header(
    "Prefer",
    "What the answer holds.",
    {"enum": ["return=minimal", "return=representation", "return=OperationOutcome"]},
)
_CE_HEADERS = [
    _header(f"ce-{name}", f"Binary mode: the attribute {name}.", of)
    for name, of in (
        ("specversion", {"const": "1.0"}),
        ("id", _TEXT),
        ("source", _TEXT),
        ("type", _TEXT),
        ("time", {"type": "string", "format": "date-time"}),
        ("subject", {"type": "string"}),
    )
]


def first_line(of: Any) -> str:
    """What a route's docstring says first, behind the route."""
    said = (of.__doc__ or "").partition("\n")[0].partition(": ")[2]
    return said[:1].upper() + said[1:]


OPERATIONS: dict[str, Json] = {
    "POST /AuditEvent": {
        "operationId": "createAuditEvent",
        "summary": first_line(ROUTES["POST /AuditEvent"]),
        "parameters": [_KEY, _PREFER],
        "requestBody": {"required": True, "content": content("AuditEvent", *FHIR_JSON)},
        "responses": {
            "201": {
                "description": "Accepted: it will be in the ledger.",
                "headers": {"Location": _LOCATION},
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
        "parameters": [_KEY],
        "requestBody": {"required": True, "content": content("Bundle", *FHIR_JSON)},
        "responses": {
            "200": {
                "description": "What became of each entry, in the order of the request.",
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
                "content": content("Accepted", JSON),
            },
            **_REFUSALS,
        },
    },
    "GET /metadata": {
        "operationId": "capabilities",
        "summary": first_line(capability),
        "parameters": [
            _header("Accept", "The release wanted.", {"type": "string", "examples": [FHIR_ANSWER]})
        ],
        "responses": {
            "200": {
                "description": "What this server does.",
                "content": content("CapabilityStatement", FHIR_ANSWER),
            },
            "406": {"description": "Not as XML, nor of another release.", "content": _OUTCOME},
            "503": {"description": "Not now.", "content": _MESSAGE},
        },
    },
    "GET /published/{path+}": {
        "operationId": "published",
        "summary": "One published file of the ledger that the token is for.",
        "description": (read_published.__doc__ or "").partition("\n\n")[0],
        "parameters": [
            {
                "name": "path",
                "in": "path",
                "required": True,
                "description": "Ledger id, and a name as in C2SP tlog-tiles, or a digest's.",
                "schema": {**_TEXT, "examples": ["st-elsewhere/checkpoint"]},
            },
            _header("If-None-Match", "The tag of what the caller has.", {"type": "string"}),
        ],
        "responses": {
            "200": {
                "description": "The file, byte for byte.",
                "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
                "content": {"application/octet-stream": {}, "text/plain": {}},
            },
            "304": {"description": "The caller has it."},
            "403": {"description": "The token is for no or another ledger.", "content": _MESSAGE},
            "404": {"description": "No such file.", "content": _MESSAGE},
            "503": {"description": "Not now.", "content": _MESSAGE},
        },
    },
}
