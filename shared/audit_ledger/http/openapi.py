"""The OpenAPI description of the HTTP API: its pieces, and the document that they make up.

The operation of a route stands beside the function that answers it.
"""

from collections.abc import Mapping
from typing import Any

from audit_ledger.errors import FormatError
from audit_ledger.http.routes import ROUTES

Json = dict[str, Any]

FHIR_ANSWER = "application/fhir+json"
JSON = "application/json"
TEXT_SCHEMA: Json = {"type": "string", "minLength": 1}
SIZE: Json = {"type": "integer", "minimum": 0}
INSTANT: Json = {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    "examples": ["2026-11-22T05:59:00Z"],
}
HASH: Json = {"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"}
WARNINGS: Json = {
    "type": "array",
    "items": TEXT_SCHEMA,
    "description": "Why the answer may lack something: entries that are not as they were sent.",
}


def schema(name: str) -> Json:
    """Refer to one of the document's schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(name: str, *media_types: str) -> Json:
    """A body of one of the schemas, in these media types."""
    return {media_type: {"schema": schema(name)} for media_type in media_types}


def answer(description: str, of: Json) -> Json:
    """A response with a body."""
    return {"description": description, "content": of}


def json_answer(description: str, name: str) -> Json:
    """A response with a JSON body of one of the schemas."""
    return answer(description, content(name, JSON))


def refusal(description: str) -> Json:
    """A response with an OperationOutcome."""
    return answer(description, content("OperationOutcome", FHIR_ANSWER))


def open_object(required: list[str], **properties: Any) -> Json:
    """An object with these properties, and others."""
    return {"type": "object", "required": required, "properties": properties}


def closed_object(required: list[str], **properties: Any) -> Json:
    """An object with these properties and no others."""
    return {**open_object(required, **properties), "additionalProperties": False}


def header(name: str, description: str, of: Json) -> Json:
    """A header of a request."""
    return {"name": name, "in": "header", "description": description, "schema": of}


def query(name: str, description: str, of: Json, *, required: bool = False) -> Json:
    """A parameter of the query string; an array is the parameter repeated."""
    found = {"name": name, "in": "query", "description": description, "schema": of}
    return {**found, "required": True} if required else found


def path(name: str, description: str, of: Json) -> Json:
    """A part of the path."""
    described = {"name": name, "in": "path", "description": description, "schema": of}
    return {**described, "required": True}


def first_line(of: Any) -> str:
    """Return the first line of a route's docstring, without the route."""
    summary = (of.__doc__ or "").partition("\n")[0].partition(": ")[2]
    return summary[:1].upper() + summary[1:]


OUTCOME = content("OperationOutcome", FHIR_ANSWER)
MESSAGE = content("Message", JSON)

REFUSED: Json = {
    "403": answer("The token does not allow it, or names no ledger.", OUTCOME),
    "500": answer(
        "Stored data failed verification; a retry does not help: see `ledger verify`.",
        {**OUTCOME, **MESSAGE},
    ),
    "503": answer(
        "Not available now, or the use could not be recorded: retry after Retry-After.",
        {**OUTCOME, **MESSAGE},
    ),
}
"""What every route of query answers to some."""

NOT_PUBLISHED: Json = {"404": answer("Nothing is published yet.", OUTCOME)}

NOT_PATIENTS: Json = {"403": answer("The token does not allow it, or is a patient's.", OUTCOME)}

UNAUTHORIZED: Json = {
    "description": "No token, or one that this API does not accept.",
    "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "content": MESSAGE,
}
THROTTLED: Json = {
    "description": "The caller's limit is exceeded: retry after Retry-After. Without that header, "
    "and with a message only, the limit of the stage is exceeded.",
    "headers": {"Retry-After": {"schema": {"type": "string", "pattern": "^[1-9][0-9]*$"}}},
    "content": {**OUTCOME, **MESSAGE},
}
NOT_ACCEPTABLE: Json = answer("No available representation is acceptable by Accept.", OUTCOME)


_TOKEN = "token"  # noqa: S105 the name of a scheme
_POSITIONS = {route.key: position for position, route in enumerate(ROUTES)}


def describe_api(routes: Mapping[str, bool], operations: Mapping[str, Json], schemas: Json) -> Json:
    """Return the document, its paths in the order of `ROUTES`.

    `routes`: whether each deployed route requires a token; `operations`: by route. Raise
    FormatError if these are not of the same routes.
    """
    if routes.keys() != operations.keys():
        differ = ", ".join(sorted(routes.keys() ^ operations.keys()))
        raise FormatError(f"OpenAPI: described or deployed, but not both: {differ}")
    paths: dict[str, Any] = {}
    for route in sorted(operations, key=_POSITIONS.__getitem__):
        operation = operations[route]
        method, _, path_ = route.partition(" ")
        responses = {"406": NOT_ACCEPTABLE, **operation["responses"], "429": THROTTLED}
        security: list[Any] = []
        if routes[route]:
            responses["401"] = UNAUTHORIZED
            security = [{_TOKEN: []}]
        described = {
            **operation,
            "security": security,
            "responses": dict(sorted(responses.items())),
        }
        paths.setdefault(path_.replace("+}", "}"), {})[method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Audit Ledger",
            "version": "1",
            "description": (
                "Accepts events, answers searches and serves published files. HEAD is allowed "
                "wherever GET is. Another method is 405 with Allow, another path 404, both with "
                "an OperationOutcome. "
                "Accept is a list with weights (RFC 9110, Section 12.5.1)."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                _TOKEN: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "OAuth 2.0 access token with SMART v2 scopes.",
                }
            },
        },
    }
