"""GET /policy: the policy file with the public keys of a ledger."""

from audit_ledger.http.openapi import Json, answer
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, text_response
from audit_ledger.verify.policy_file import policy_for
from functions.query.access import QueryContext
from functions.query.route import QueryRoute


def get_policy(context: QueryContext, request: Request) -> Response:
    """GET /policy: the policy file (C2SP tlog-policy) of the ledger that the token is for."""
    ledger = context.admit(request.access)
    ed25519, mldsa44 = context.checkpoint_keys(ledger.id)
    return text_response(policy_for(ledger.origin, [ed25519], [mldsa44]).to_bytes())


SCHEMAS: Json = {}

_OPERATION: Json = {
    "operationId": "policy",
    "description": "It contains the public keys: fetch it once, and store it where verifiers "
    "trust it.",
    "parameters": [],
    "responses": {
        "200": answer("The policy file.", {"text/plain": {}}),
    },
}

ROUTES = {"GET /policy": QueryRoute(get_policy, _OPERATION, ("text/plain",))}
