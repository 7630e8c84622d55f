"""The pieces of which descriptions of routes are made."""

from typing import Any

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


def object_of(required: list[str], **properties: Any) -> Json:
    """An object with these properties, and others."""
    return {"type": "object", "required": required, "properties": properties}


def closed_object(required: list[str], **properties: Any) -> Json:
    """An object with these properties and no others."""
    return {**object_of(required, **properties), "additionalProperties": False}


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
    """What a route's docstring says first, behind the route."""
    said = (of.__doc__ or "").partition("\n")[0].partition(": ")[2]
    return said[:1].upper() + said[1:]


OUTCOME = content("OperationOutcome", FHIR_ANSWER)
MESSAGE = content("Message", JSON)

REFUSED: Json = {
    "403": {"description": "The token does not allow it, or names no ledger.", "content": OUTCOME},
    "500": {
        "description": "What is stored does not hold; asking again does not help: `ledger verify`.",
        "content": {**OUTCOME, **MESSAGE},
    },
    "503": {
        "description": "Not now, or it could not be recorded: ask again after Retry-After.",
        "content": {**OUTCOME, **MESSAGE},
    },
}
"""What every route of query answers to some."""
