"""GET /AuditEvent/{id}/receipt: the proof that an event is in the published ledger."""

from audit_ledger.errors import NotFoundError, VerificationError
from audit_ledger.http.negotiation import require_acceptable
from audit_ledger.http.openapi import (
    JSON,
    SIZE,
    TEXT_SCHEMA,
    Json,
    answer,
    closed_object,
    content,
    header,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response, text_response
from audit_ledger.ledger.digest_name import LATEST
from audit_ledger.tlog import strict_base64
from audit_ledger.tlog.proof import parse_proof
from audit_ledger.verify.receipts import make_receipt
from functions.query.access import QueryContext
from functions.query.altered_entries import not_found_error
from functions.query.event_ids import EVENT_ID, EVENT_NOT_FOUND, event_id_of
from functions.query.route import JSON_ONLY, QueryRoute

RETRY_SECONDS = 60  # a digest is published every minute


def get_receipt(context: QueryContext, request: Request) -> Response:
    """GET /AuditEvent/{id}/receipt: the proof, and what its entry commits to.

    202 where the entry is committed and no checkpoint covers it yet.
    """
    authorized = context.authorize(request, "r")
    finder = authorized.finder()
    event_id = event_id_of(request, finder.log)
    if finder.is_waiting(event_id):
        return _not_covered_yet()
    opened = finder.one(event_id)
    if opened is None:
        raise not_found_error(authorized, finder)
    stored = opened.stored
    try:
        proof = make_receipt(authorized.ledger.published, stored.seq)
    except NotFoundError:  # the checkpoint's file follows the published state by a moment
        return _not_covered_yet()
    if parse_proof(proof).extra != stored.item.entry:
        raise VerificationError(f"entry {stored.seq}: not the one that is published")
    digest = authorized.ledger.published.read(LATEST)
    authorized.record((), shown=[opened.event])
    if require_acceptable(request, "application/json", "text/plain") == "text/plain":
        return text_response(proof)
    return json_response(
        200,
        {
            "index": stored.seq,
            "proof": proof.decode(),
            "digest": None if digest is None else digest.decode(),
            "entry": strict_base64.encode(stored.item.entry),
            "index_row": strict_base64.encode(stored.item.row_bytes),
            "row_blind": strict_base64.encode(stored.item.row_blind),
            "record": strict_base64.encode(opened.record),
            "record_blind": strict_base64.encode(opened.record_blind),
        },
    )


def _not_covered_yet() -> Response:
    status = {"status": "not covered by a checkpoint yet"}
    return json_response(202, status, Retry_After=str(RETRY_SECONDS))


_BASE64 = {"type": "string", "contentEncoding": "base64"}

SCHEMAS: Json = {
    "Receipt": {
        **closed_object(
            [
                "index",
                "proof",
                "digest",
                "entry",
                "index_row",
                "row_blind",
                "record",
                "record_blind",
            ],
            index=SIZE,
            proof={**TEXT_SCHEMA, "description": "A C2SP tlog-proof."},
            digest={"type": ["string", "null"], "description": "The newest digest, a signed note."},
            entry=_BASE64,
            index_row=_BASE64,
            row_blind=_BASE64,
            record=_BASE64,
            record_blind=_BASE64,
        ),
        "description": "`entry` commits to index row and record, each hidden by its blind.",
    },
    "Waiting": closed_object(["status"], status=TEXT_SCHEMA),
}

_OPERATION: Json = {
    "operationId": "receipt",
    "description": "Scopes as for a read. It is recorded in the ledger.",
    "parameters": [
        EVENT_ID,
        header(
            "Accept",
            "`text/plain` for the proof alone.",
            {"enum": [JSON, "text/plain"]},
        ),
    ],
    "responses": {
        "200": answer(
            "The proof, and what its entry commits to.",
            {**content("Receipt", JSON), "text/plain": {}},
        ),
        "202": {
            "description": "In the ledger, and not covered by a checkpoint yet.",
            "headers": {"Retry-After": {"required": True, "schema": {"type": "string"}}},
            "content": content("Waiting", JSON),
        },
        **EVENT_NOT_FOUND,
    },
}

ROUTES = {
    "GET /AuditEvent/{id}/receipt": QueryRoute(get_receipt, _OPERATION, (*JSON_ONLY, "text/plain"))
}
