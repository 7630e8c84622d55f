"""GET /policy: the policy file with the public keys of a ledger."""

from audit_ledger.http.openapi import (
    REFUSED,
    Json,
    first_line,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, text_response
from audit_ledger.verify.policy_file import policy_for
from functions.query.access import QueryContext


def get_policy(context: QueryContext, request: Request) -> Response:
    """GET /policy: the policy file (C2SP tlog-policy) of the ledger that the token is for."""
    ledger = context.admitted(request)
    ed25519, mldsa44 = context.checkpoint_keys(ledger.id)
    return text_response(policy_for(ledger.origin, [ed25519], [mldsa44]).to_bytes())


OPERATION: Json = {
    "operationId": "policy",
    "summary": first_line(get_policy),
    "description": "It contains the public keys: fetch it once, and store it where verifiers "
    "trust it.",
    "parameters": [],
    "responses": {
        "200": {"description": "The policy file.", "content": {"text/plain": {}}},
        **REFUSED,
    },
}
