"""Writes the OpenAPI document of the HTTP API, docs/openapi.json.

    python -m infra.openapi

The synthesized template contains the routes, and which of them require a token; the functions
contain their operations. A route that only one of the two contains is an error.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from audit_ledger.http import openapi
from audit_ledger.http.openapi import Json
from audit_ledger.http.routes import FALLBACKS
from functions.ingest import open_routes, schemas
from functions.ingest import routes as ingest
from functions.published_files import read
from functions.query import routes as query
from infra.local.cloudformation.assembly import read_assembly
from infra.synth import REPOSITORY, synthesize

DOCUMENT = REPOSITORY / "docs" / "openapi.json"
OPERATIONS: dict[str, Json] = {
    **ingest.OPERATIONS,
    **open_routes.OPERATIONS,
    "GET /published/{path+}": read.OPERATION,
    **query.OPERATIONS,
}
SCHEMAS: Json = {**schemas.SCHEMAS, **query.SCHEMAS}


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


def describe(routes: dict[str, bool]) -> Json:
    """Return the document; raise FormatError if routes and operations differ."""
    return openapi.describe_api(routes, OPERATIONS, SCHEMAS)


def generate(assembly: Path) -> bytes:
    """Return the bytes of docs/openapi.json for an assembly."""
    return json.dumps(describe(routes_of(assembly)), indent=2).encode() + b"\n"


if __name__ == "__main__":
    with TemporaryDirectory(prefix="audit-ledger-") as folder:
        DOCUMENT.write_bytes(generate(synthesize(Path(folder))))
