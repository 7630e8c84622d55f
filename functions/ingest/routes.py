"""What each route takes: parse, accept, answer."""

from collections.abc import Callable, Sequence

from audit_ledger.events import (
    Event,
    RejectedEventError,
    parse_audit_event,
    parse_bundle,
    parse_cloudevent_binary,
    parse_cloudevent_structured,
    parse_cloudevents_batch,
)
from audit_ledger.events.bundle_request import NO_CONDITION
from audit_ledger.http.negotiation import fhir_json, require_acceptable
from audit_ledger.http.request import FHIR_JSON, Request
from audit_ledger.http.responses import Response
from functions.ingest.accept import Acceptor
from functions.ingest.responses import bundle_response, created, events_accepted
from functions.ingest.sealer import Accepted

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def post_audit_event(acceptor: Acceptor, request: Request) -> Response:
    """POST /AuditEvent: one FHIR AuditEvent, R4 or R5 (IHE ITI-20)."""
    request.require_media_type(*FHIR_JSON)
    fhir_json(request)
    _require_unconditional(request)
    event = parse_audit_event(request.body, request.media_type.fhir_version)
    key = request.idempotency_key
    (sealed,) = acceptor.accept(
        request.access, [Accepted(event, None if key is None else _sender_id(key))]
    )
    return created(event, sealed, request)


def post_bundle(acceptor: Acceptor, request: Request) -> Response:
    """POST /: a batch, transaction or collection of AuditEvents (IHE ITI-20).

    In a batch or collection bad entries are answered one by one; a transaction is all or nothing.
    """
    request.require_media_type(*FHIR_JSON)
    fhir_json(request)
    _require_unconditional(request)
    bundle = parse_bundle(request.body, request.media_type.fhir_version)
    rejected = [entry for entry in bundle.entries if isinstance(entry, RejectedEventError)]
    if bundle.type == "transaction" and rejected:
        raise rejected[0]
    key = request.idempotency_key
    accepted = {
        number: Accepted(entry, None if key is None else _sender_id(key, number))
        for number, entry in enumerate(bundle.entries)
        if isinstance(entry, Event)
    }
    sealed = iter(acceptor.accept(request.access, list(accepted.values())))
    kind = "transaction-response" if bundle.type == "transaction" else "batch-response"
    return bundle_response(
        kind,
        [
            entry if isinstance(entry, RejectedEventError) else (entry, next(sealed))
            for entry in bundle.entries
        ],
        request,
    )


def post_events(acceptor: Acceptor, request: Request) -> Response:
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
    accepted: list[Accepted] = []
    for event in events:
        if isinstance(event, RejectedEventError):
            raise event
        accepted.append(Accepted(event, event.sender_id))
    return events_accepted(acceptor.accept(request.access, accepted))


ROUTES: dict[str, Callable[[Acceptor, Request], Response]] = {
    "POST /AuditEvent": post_audit_event,
    "POST /": post_bundle,
    "POST /events": post_events,
}


def _require_unconditional(request: Request) -> None:
    """Raise RejectedEventError for conditional create: ignored, it would make what it is to
    prevent.
    """
    if "if-none-exist" in request.headers:
        raise RejectedEventError(400, "not-supported", "If-None-Exist", NO_CONDITION)


def _sender_id(key: str, number: int | None = None) -> str:
    """A key is printable, so a line feed keeps keys, entries and CloudEvents' ids apart."""
    return f"idempotency-key\n{key}" + ("" if number is None else f"\n{number}")
