"""GET /AuditEvent/{id} and below: one event, as a FHIR resource or as it was submitted."""

from datetime import UTC, datetime
from email.utils import format_datetime

from audit_ledger.errors import NotFoundError
from audit_ledger.http.negotiation import fhir_json, fhir_version_of
from audit_ledger.http.openapi import (
    FHIR_ANSWER,
    TEXT_SCHEMA,
    Json,
    content,
    header,
    open_object,
    path,
    refusal,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import FHIR_VERSIONS, Response, make_response
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.search.resource_view import shown_event
from functions.query.access import NO_SUCH_EVENT, QueryContext
from functions.query.altered_entries import not_found_error
from functions.query.audit_trail import ITI_81
from functions.query.event_ids import EVENT_ID, EVENT_NOT_FOUND, event_id_of
from functions.query.route import QueryRoute

VERSION = "1"  # an event never changes


def get_submitted(context: QueryContext, request: Request) -> Response:
    """GET /AuditEvent/{id}/$submitted: the bytes that were submitted, which a receipt proves."""
    authorized = context.authorize(request, "r")
    if request.path["operation"] != "$submitted":  # route keys have no place for a dollar sign
        raise NotFoundError("AuditEvent has one operation here: $submitted")
    finder = authorized.finder()
    found = finder.one(event_id_of(request, finder.log))
    if found is None:
        raise not_found_error(authorized, finder)
    event = found.event
    authorized.record((), shown=[event])
    if event.format == "cloudevents":
        headers = {"Content-Type": "application/cloudevents+json"}
        return {"statusCode": 200, "headers": headers, "body": event.resource.decode()}
    return make_response(200, event.resource, FHIR_VERSIONS[event.format])


def get_audit_event(context: QueryContext, request: Request) -> Response:
    """GET /AuditEvent/{id}: one event, as R4 unless R5 is requested."""
    authorized = context.authorize(request, "r")
    form = fhir_json(request)
    finder = authorized.finder()
    opened = finder.one(event_id_of(request, finder.log))
    if opened is None:
        raise not_found_error(authorized, finder)
    shown = shown_event(opened.event, form.release)
    authorized.record((), ITI_81, shown=[opened.event])
    return make_response(
        200, shown.body, fhir_version_of(shown.release, form), version_headers(opened.event)
    )


def get_audit_event_version(context: QueryContext, request: Request) -> Response:
    """GET /AuditEvent/{id}/_history/{version}: one event, by its only version, 1."""
    context.authorize(request, "r")
    if request.path["version"] != VERSION:
        raise NotFoundError(NO_SUCH_EVENT)
    return get_audit_event(context, request)


def version_headers(event: OpenedEvent) -> dict[str, str]:
    """Return ETag (the version, FHIR http.html), Last-Modified, and the number of the entry."""
    return {
        "ETag": f'W/"{VERSION}"',
        "Last-Modified": format_datetime(
            datetime.fromtimestamp(event.entry_time, UTC), usegmt=True
        ),
        "Ledger-Entry": str(event.seq),
    }


_EVENT_ID_SCHEMA = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
OTHER_FORMAT: Json = {"406": refusal("Only JSON of R4 and R5 is available.")}

ACCEPT = header(
    "Accept",
    "The release wanted, as `fhirVersion`: 4.0 without it.",
    {"type": "string", "examples": [f"{FHIR_ANSWER}; fhirVersion=5.0"]},
)

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
    "304": {"description": "The caller's copy is current (If-None-Match)."},
    **EVENT_NOT_FOUND,
    **OTHER_FORMAT,
}

SCHEMAS: Json = {
    "StoredAuditEvent": {
        **open_object(
            ["resourceType", "id"], resourceType={"const": "AuditEvent"}, id=_EVENT_ID_SCHEMA
        ),
        "description": "As its sender sent it, but for `id`; converted, and tagged so, where it is "
        "of the other release; of a CloudEvent that carries none, one that represents it.",
    },
}

ROUTES = {
    "GET /AuditEvent/{id}": QueryRoute(
        get_audit_event,
        {
            "operationId": "readAuditEvent",
            "description": _OF_A_READ,
            "parameters": [EVENT_ID, ACCEPT],
            "responses": _READ,
        },
    ),
    "GET /AuditEvent/{id}/_history/{version}": QueryRoute(
        get_audit_event_version,
        {
            "operationId": "readAuditEventVersion",
            "description": _OF_A_READ,
            "parameters": [
                EVENT_ID,
                path("version", "1: an event has no other.", {**TEXT_SCHEMA, "examples": ["1"]}),
                ACCEPT,
            ],
            "responses": _READ,
        },
    ),
    "GET /AuditEvent/{id}/{operation}": QueryRoute(
        get_submitted,
        {
            "operationId": "submittedEvent",
            "description": (
                "Scopes as for a read. Of an event about several patients, the part of one. It is "
                "recorded in the ledger."
            ),
            "parameters": [
                EVENT_ID,
                path("operation", "The only operation.", {"const": "$submitted"}),
            ],
            "responses": {
                "200": {
                    "description": "The event, byte for byte.",
                    "content": {
                        FHIR_ANSWER: {"schema": {"type": "object"}},
                        "application/cloudevents+json": {"schema": {"type": "object"}},
                    },
                },
                **EVENT_NOT_FOUND,
            },
        },
        (FHIR_ANSWER, "application/cloudevents+json"),
    ),
}
