"""The OpenAPI document of the HTTP API, generated from the synthesized routes.

    python -m infra.local.openapi        # writes docs/openapi.json

Which routes there are, and which of them want a token, says the template; what they take and
answer, `api_description`. A route that one of the two does not know is an error.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from audit_ledger.errors import FormatError
from audit_ledger.http.routes import FALLBACKS
from infra.local.api_description import (
    NOT_ACCEPTABLE,
    OPERATIONS,
    SCHEMAS,
    THROTTLED,
    UNAUTHORIZED,
)
from infra.local.assembly import read_assembly
from infra.synth import REPOSITORY, synthesize

DOCUMENT = REPOSITORY / "docs" / "openapi.json"
_TOKEN = "token"  # noqa: S105 the name of a scheme


def routes_of(assembly: Path) -> dict[str, bool]:
    """Return the API's routes, and whether each wants a token; without those that follow from them.

    HEAD is wherever GET is, and FALLBACKS answer what no route does.
    """
    implied = {route.key for route in FALLBACKS}
    found = _all_routes(assembly)
    return {
        key: wants
        for key, wants in found.items()
        if key.replace("HEAD ", "GET ") not in implied
        and not (key.startswith("HEAD ") and found.get(key.replace("HEAD ", "GET ")) == wants)
    }


def _all_routes(assembly: Path) -> dict[str, bool]:
    return {
        resource["Properties"]["RouteKey"]: resource["Properties"]["AuthorizationType"] == "JWT"
        for stack in read_assembly(assembly)
        for resource in stack.template["Resources"].values()
        if resource["Type"] == "AWS::ApiGatewayV2::Route"
    }


def describe(routes: dict[str, bool]) -> dict[str, Any]:
    """Return the document; FormatError where routes and descriptions differ."""
    if routes.keys() != OPERATIONS.keys():
        differ = ", ".join(sorted(routes.keys() ^ OPERATIONS.keys()))
        raise FormatError(f"OpenAPI: described or deployed, but not both: {differ}")
    paths: dict[str, Any] = {}
    for route, operation in OPERATIONS.items():
        method, _, path = route.partition(" ")
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
        paths.setdefault(path.replace("+}", "}"), {})[method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Audit Ledger",
            "version": "1",
            "description": (
                "Events in, published files out. HEAD is answered wherever GET is. Another method "
                "is answered 405 with Allow, another path 404, both with an OperationOutcome. "
                "Accept is a list with weights (RFC 9110, Section 12.5.1)."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
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


def generate(assembly: Path) -> bytes:
    """Return the bytes of docs/openapi.json for an assembly."""
    return json.dumps(describe(routes_of(assembly)), indent=2).encode() + b"\n"


if __name__ == "__main__":
    with TemporaryDirectory(prefix="audit-ledger-") as folder:
        DOCUMENT.write_bytes(generate(synthesize(Path(folder))))
