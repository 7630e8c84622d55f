"""The bodies of ingest's requests and responses, as OpenAPI schemas.

The schemas contain what is read of a body; members that FHIR or CloudEvents also allow are accepted
and stored.
"""

from audit_ledger.events import MAX_ENTRIES
from audit_ledger.http.openapi import TEXT_SCHEMA, Json, closed_object, open_object, schema

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
    "AuditEvent": open_object(
        ["resourceType", "recorded"],
        resourceType={"const": "AuditEvent"},
        type={**_CODING, "description": "R4"},
        code={**_CONCEPT, "description": "R5"},
        recorded={"type": "string", "format": "date-time"},
        action={"enum": ["C", "R", "U", "D", "E"]},
        agent={
            "type": "array",
            "items": open_object([], who=_REFERENCE, requestor={"type": "boolean"}),
        },
        source=open_object([], observer=_REFERENCE),
        entity={"type": "array", "items": open_object([], what=_REFERENCE)},
        patient=_REFERENCE,
    ),
    "Bundle": open_object(
        ["resourceType", "type"],
        resourceType={"const": "Bundle"},
        type={"enum": ["batch", "transaction", "collection"]},
        entry={
            "type": "array",
            "maxItems": MAX_ENTRIES,
            "items": open_object(
                ["resource"],
                resource=schema("AuditEvent"),
                request=open_object(
                    ["method", "url"], method={"const": "POST"}, url={"const": "AuditEvent"}
                ),
            ),
        },
    ),
    "CloudEvent": open_object(["specversion", "id", "source", "type"], **_CLOUDEVENT),
    "CloudEvents": {"type": "array", "maxItems": MAX_ENTRIES, "items": schema("CloudEvent")},
    "Data": {"description": "The data of a CloudEvent in binary mode."},
    "ResponseBundle": open_object(
        ["resourceType", "type"],
        resourceType={"const": "Bundle"},
        type={"enum": ["batch-response", "transaction-response"]},
        entry={
            "type": "array",
            "items": open_object(
                ["response"],
                response=open_object(
                    ["status"],
                    status={"type": "string", "pattern": "^[0-9]{3}$"},
                    location={"type": "string"},
                    outcome=schema("OperationOutcome"),
                ),
            ),
        },
    ),
    "OperationOutcome": open_object(
        ["resourceType", "issue"],
        resourceType={"const": "OperationOutcome"},
        issue={
            "type": "array",
            "minItems": 1,
            "items": open_object(
                ["severity", "code", "diagnostics"],
                severity={"enum": ["fatal", "error", "warning", "information"]},
                code={"type": "string"},
                diagnostics={"type": "string"},
                details=open_object(["text"], text={"type": "string"}),
                expression={"type": "array", "items": {"type": "string"}},
            ),
        },
    ),
    "CapabilityStatement": open_object(
        ["resourceType", "status", "kind", "fhirVersion", "format", "rest"],
        resourceType={"const": "CapabilityStatement"},
        fhirVersion={"enum": ["4.0.1", "4.3.0", "5.0.0"]},
    ),
    "SmartConfiguration": open_object(
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
            "description": "Issues of each event, in order, for its sender.",
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
}
