"""The routes of ingest: parse, accept, respond."""

from collections.abc import Callable, Sequence

import msgspec

from audit_ledger.events import (
    MAX_ENTRIES,
    MAX_EVENT_BYTES,
    Event,
    RejectedEventError,
    parse_audit_event,
    parse_bundle,
    parse_cloudevent_binary,
    parse_cloudevent_structured,
    parse_cloudevents_batch,
)
from audit_ledger.events.batch import MAX_PATIENTS_PER_REQUEST
from audit_ledger.events.bundle_request import NO_CONDITION
from audit_ledger.http.negotiation import fhir_json, require_acceptable
from audit_ledger.http.openapi import (
    FHIR_ANSWER,
    JSON,
    MESSAGE,
    OUTCOME,
    TEXT_SCHEMA,
    Json,
    answer,
    content,
    first_line,
    header,
    schema,
)
from audit_ledger.http.request import FHIR_JSON, MAX_KEY_LENGTH, Request
from audit_ledger.http.responses import Response
from functions.ingest.accept import Sender
from functions.ingest.responses import CONFLICT, bundle_response, created, events_accepted

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def post_audit_event(sender: Sender, request: Request) -> Response:
    """POST /AuditEvent: one FHIR AuditEvent, R4 or R5 (IHE ITI-20)."""
    request.require_media_type(*FHIR_JSON)
    fhir_json(request)
    _require_unconditional(request)
    event = parse_audit_event(request.body, request.media_type.fhir_version)
    event = _with_sender_id(event, request)
    (sealed,) = sender.accept([event])
    return created(event, sealed, request)


def post_bundle(sender: Sender, request: Request) -> Response:
    """POST /: a batch, transaction or collection of AuditEvents (IHE ITI-20).

    Rejected entries of a batch or collection have their own outcomes; a transaction is all or none.
    """
    request.require_media_type(*FHIR_JSON)
    fhir_json(request)
    _require_unconditional(request)
    bundle = parse_bundle(request.body, request.media_type.fhir_version)
    rejected = [entry for entry in bundle.entries if isinstance(entry, RejectedEventError)]
    if bundle.type == "transaction" and rejected:
        raise rejected[0]
    events = [
        _with_sender_id(entry, request, f"\n{number}")
        for number, entry in enumerate(bundle.entries)
        if isinstance(entry, Event)
    ]
    sealed = iter(sender.accept(events))
    kind = "transaction-response" if bundle.type == "transaction" else "batch-response"
    return bundle_response(
        kind,
        [
            entry if isinstance(entry, RejectedEventError) else (entry, next(sealed))
            for entry in bundle.entries
        ],
        request,
    )


def post_events(sender: Sender, request: Request) -> Response:
    """POST /events: CloudEvents 1.0, structured, batch or binary. A batch is all or nothing."""
    require_acceptable(request, "application/json")
    events: Sequence[Event | RejectedEventError]
    if request.media_type.essence == STRUCTURED:
        events = [parse_cloudevent_structured(request.body)]
    elif request.media_type.essence == BATCH:
        events = parse_cloudevents_batch(request.body)
    elif "ce-specversion" in request.headers and not request.media_type.essence.startswith(
        "application/cloudevents"
    ):
        events = [parse_cloudevent_binary(request.headers, request.body)]
    else:
        expected = f"{STRUCTURED} or {BATCH}, or the headers of binary mode"
        raise RejectedEventError(415, "not-supported", "Content-Type", expected)
    accepted: list[Event] = []
    for event in events:
        if isinstance(event, RejectedEventError):
            raise event
        accepted.append(event)
    return events_accepted(sender.accept(accepted))


ROUTES: dict[str, Callable[[Sender, Request], Response]] = {
    "POST /AuditEvent": post_audit_event,
    "POST /": post_bundle,
    "POST /events": post_events,
}


def _require_unconditional(request: Request) -> None:
    """Raise RejectedEventError for conditional create: ignoring it would create duplicates."""
    if "if-none-exist" in request.headers:
        raise RejectedEventError(400, "not-supported", "If-None-Exist", NO_CONDITION)


def _with_sender_id(event: Event, request: Request, number: str = "") -> Event:
    """Return the event with the sender's id from the request's Idempotency-Key, if it has one.

    A key is printable, so the line feed separates keys from the ids of CloudEvents.
    """
    key = request.idempotency_key
    if key is None:
        return event
    return msgspec.structs.replace(event, sender_id=f"idempotency-key\n{key}{number}")


_LOCATION = {
    "description": "The event's record in this ledger.",
    "required": True,
    "schema": {"type": "string", "pattern": "^https?://.+/AuditEvent/[0-9a-f]{64}$"},
}
_CONFLICT = {
    "description": "An earlier event of this sender has the same id and other content.",
    "schema": {"const": "true"},
}
_REFUSALS: Json = {
    "400": answer(
        "Not strict JSON in UTF-8, not gzip as declared, or a malformed header.", OUTCOME
    ),
    "403": answer("The token does not allow it.", OUTCOME),
    "413": answer(
        f"Over {MAX_EVENT_BYTES // 1024} KB an event, {MAX_ENTRIES:,} events or "
        f"{MAX_PATIENTS_PER_REQUEST:,} patients, 1 MiB sealed; or over what the platform takes.",
        {**OUTCOME, **MESSAGE},
    ),
    "415": answer("Unsupported media type, encoding or release.", OUTCOME),
    "422": answer("Well-formed, but not an event that can be stored.", OUTCOME),
    "503": answer("Nothing was accepted: retry after Retry-After.", {**OUTCOME, **MESSAGE}),
}
_KEY = header(
    "Idempotency-Key",
    "The sender's id of the request: if it is sent again, an event is stored once.",
    {"type": "string", "pattern": f"^[ -~]{{1,{MAX_KEY_LENGTH}}}$"},
)
_PREFER = header(
    "Prefer",
    "The content of the response: by default the event, with its id.",
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
        "summary": first_line(post_audit_event),
        "parameters": [_KEY, _PREFER],
        "requestBody": {"required": True, "content": content("AuditEvent", *FHIR_JSON)},
        "responses": {
            "201": {
                "description": "Accepted: it will be in the ledger.",
                "headers": {"Location": _LOCATION, CONFLICT: _CONFLICT},
                "content": {
                    FHIR_ANSWER: {
                        "schema": {
                            "anyOf": [schema("StoredAuditEvent"), schema("OperationOutcome")]
                        }
                    }
                },
            },
            **_REFUSALS,
        },
    },
    "POST /": {
        "operationId": "postBundle",
        "summary": first_line(post_bundle),
        "parameters": [
            _KEY,
            header(
                "Prefer",
                "Whether the response contains each event, with its id.",
                {"enum": ["return=minimal", "return=representation"]},
            ),
        ],
        "requestBody": {"required": True, "content": content("Bundle", *FHIR_JSON)},
        "responses": {
            "200": {
                "description": "The outcome of each entry, in the order of the request.",
                "headers": {CONFLICT: _CONFLICT},
                "content": content("ResponseBundle", FHIR_ANSWER),
            },
            **_REFUSALS,
        },
    },
    "POST /events": {
        "operationId": "postEvents",
        "summary": first_line(post_events),
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
}
