"""The routes without a token: the server's capabilities, and the issuer of tokens."""

from collections.abc import Callable

from audit_ledger.errors import NotFoundError
from audit_ledger.http.negotiation import fhir_json, require_acceptable
from audit_ledger.http.openapi import (
    FHIR_ANSWER,
    JSON,
    MESSAGE,
    OUTCOME,
    Json,
    answer,
    content,
    first_line,
    header,
)
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response, json_response, make_response
from audit_ledger.settings.environment import IngestEnvironment
from functions.ingest import capability_statement


def get_metadata(request: Request, _environment: IngestEnvironment) -> Response:
    """GET /metadata: the CapabilityStatement, in the requested release."""
    form = fhir_json(request)
    return make_response(
        200, capability_statement.capability_statement(form.version, request.base), form.version
    )


def get_smart_configuration(request: Request, environment: IngestEnvironment) -> Response:
    """GET /.well-known/smart-configuration: where tokens come from (SMART App Launch 2.2)."""
    require_acceptable(request, "application/json")
    configuration = environment.smart
    if configuration is None:
        raise NotFoundError("the settings do not contain the endpoints of the token issuer")
    return json_response(200, configuration)


OPEN_ROUTES: dict[str, Callable[[Request, IngestEnvironment], Response]] = {
    "GET /metadata": get_metadata,
    "GET /.well-known/smart-configuration": get_smart_configuration,
}
"""Each answers without a token."""


OPERATIONS: dict[str, Json] = {
    "GET /metadata": {
        "operationId": "capabilities",
        "summary": first_line(capability_statement),
        "parameters": [
            header("Accept", "The release wanted.", {"type": "string", "examples": [FHIR_ANSWER]})
        ],
        "responses": {
            "200": answer(
                "The capabilities of this server.", content("CapabilityStatement", FHIR_ANSWER)
            ),
            "406": answer("Only JSON of R4 and R5 is available.", OUTCOME),
            "503": answer("Not available now.", MESSAGE),
        },
    },
    "GET /.well-known/smart-configuration": {
        "operationId": "smartConfiguration",
        "summary": first_line(get_smart_configuration),
        "responses": {
            "200": answer(
                "The configuration (SMART App Launch 2.2).", content("SmartConfiguration", JSON)
            ),
            "404": answer("The settings do not contain it.", OUTCOME),
            "503": answer("Not available now.", MESSAGE),
        },
    },
}
