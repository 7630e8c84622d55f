"""GET /consistency: proofs that the published ledger only grew."""

import re
from functools import partial

from audit_ledger.errors import NotFoundError
from audit_ledger.http.openapi import (
    HASH,
    NOT_PUBLISHED,
    SIZE,
    TEXT_SCHEMA,
    Json,
    closed_object,
    json_answer,
    query,
    refusal,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.tlog import strict_base64
from audit_ledger.tlog.checkpoint import parse_checkpoint
from audit_ledger.tlog.note import parse_note
from audit_ledger.tlog.tile_proofs import consistency_proof
from audit_ledger.tlog.tiles import CHECKPOINT
from audit_ledger.verify.partial_tiles import require_object
from functions.query.access import QueryContext
from functions.query.query_parameters import QueryParameters
from functions.query.route import JSON_ONLY, QueryRoute

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


def get_consistency(context: QueryContext, request: Request) -> Response:
    """GET /consistency?from=&to=: a consistency proof (RFC 6962, Section 2.1.2).

    Without `to` it leads to the published size.
    """
    ledger = context.admit(request.access)
    note = ledger.published.read(CHECKPOINT)
    if note is None:
        raise NotFoundError("nothing is published yet")
    checkpoint = parse_checkpoint(parse_note(note).text)
    parameters = QueryParameters(request, ("from", "to"))
    sizes = []
    for name, otherwise in (("from", None), ("to", str(checkpoint.size))):
        text = parameters.get(name)
        text = otherwise if text is None else text
        if text is None or not _SIZE.fullmatch(text) or int(text) > checkpoint.size:
            raise RejectedSearchError(name, "a number of entries, at most the published")
        sizes.append(int(text))
    if sizes[0] > sizes[1]:
        raise RejectedSearchError("from", "a number of entries, at most that of to")

    hashes = consistency_proof(sizes[0], sizes[1], partial(require_object, ledger.published))
    return json_response(
        200,
        {
            "from": sizes[0],
            "to": sizes[1],
            "hashes": [strict_base64.encode(each) for each in hashes],
            "checkpoint": note.decode(),
        },
    )


SCHEMAS: Json = {
    "Consistency": closed_object(
        ["from", "to", "hashes", "checkpoint"],
        **{"from": SIZE},
        to=SIZE,
        hashes={"type": "array", "items": HASH},
        checkpoint={**TEXT_SCHEMA, "description": "The published checkpoint, a signed note."},
    ),
}

_OPERATION: Json = {
    "operationId": "consistency",
    "description": "That the ledger of `from` entries is the beginning of that of `to`.",
    "parameters": [
        query("from", "A size: a number of entries.", SIZE, required=True),
        query("to", "A size; the published one unless given.", SIZE),
    ],
    "responses": {
        "200": json_answer("The proof.", "Consistency"),
        "400": refusal("The sizes are not valid."),
        **NOT_PUBLISHED,
    },
}

ROUTES = {"GET /consistency": QueryRoute(get_consistency, _OPERATION, JSON_ONLY)}
