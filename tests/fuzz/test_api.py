"""The API conforms to its OpenAPI document for any request."""

import json
from pathlib import Path

import pytest

from audit_ledger.errors import FormatError
from infra.openapi import DOCUMENT, describe, generate, routes_of
from tests.fuzz.api_cases import OPERATIONS, PublishedCloud, drive

CASES = {"POST /AuditEvent": 60, "POST /": 12, "POST /events": 60}


def test_the_committed_document_is_the_generated_one(assembly: Path) -> None:
    """`python -m infra.openapi` writes it."""
    assert DOCUMENT.read_bytes() == generate(assembly)


def test_every_deployed_route_is_described(assembly: Path) -> None:
    """A missing or superfluous description is an error of the generator."""
    routes = routes_of(assembly)
    paths = json.loads(DOCUMENT.read_bytes())["paths"]
    described = {f"{method.upper()} {path}" for path, of in paths.items() for method in of}
    assert described == {route.replace("+}", "}") for route in routes}
    for other in (routes | {"GET /new": True}, {r: w for r, w in routes.items() if r != "POST /"}):
        with pytest.raises(FormatError, match=r"not both: (GET /new|POST /)$"):
            describe(other)


def test_only_metadata_is_public(assembly: Path) -> None:
    """Every other operation requires a token, and documents 401."""
    document = json.loads(DOCUMENT.read_bytes())
    for path, operations in document["paths"].items():
        for operation in operations.values():
            needs_token = operation["security"] != []
            assert needs_token == (path not in ("/metadata", "/.well-known/smart-configuration"))
            assert ("401" in operation["responses"]) == needs_token


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_response_is_documented(published: PublishedCloud, name: str) -> None:
    """Status, media type, headers and body of each response; none is 5xx."""
    statuses = drive(published, name, CASES.get(name, 30), same=True)
    assert any(status < 400 for status in statuses) or name == "GET /published/{path}"
