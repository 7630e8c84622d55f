"""Errors become OperationOutcomes that repeat nothing of the request."""

import json

import pytest

from audit_ledger.errors import (
    FormatError,
    FrozenError,
    LedgerError,
    LostRaceError,
    NotFoundError,
    TooLargeError,
    UnreachableError,
    VerificationError,
)
from audit_ledger.events import RejectedEventError
from audit_ledger.http.authorization import ForbiddenError
from audit_ledger.http.responses import error_response, json_response, make_response
from audit_ledger.search.errors import RejectedSearchError

INTERNAL = "entry 7 of audit.example.org/x"
"""The message of an internal error, which no client receives."""

ERRORS: list[tuple[LedgerError, int, str]] = [
    (RejectedEventError(415, "not-supported", "Content-Type", "JSON"), 415, "not-supported"),
    (RejectedEventError(422, "required", "AuditEvent.recorded", "an instant"), 422, "required"),
    (RejectedSearchError("the query string", "less", "too-long", 414), 414, "too-long"),
    (RejectedSearchError("Accept", "JSON", "not-supported", 406), 406, "not-supported"),
    (ForbiddenError("the token names no patient"), 403, "forbidden"),
    (NotFoundError("no such event here"), 404, "not-found"),
    (TooLargeError("over the size of a message"), 413, "too-long"),
    (UnreachableError(INTERNAL), 503, "exception"),
    (VerificationError(INTERNAL), 503, "exception"),
    (FormatError(INTERNAL), 503, "exception"),
    (LostRaceError(INTERNAL), 503, "exception"),
    (FrozenError(INTERNAL), 503, "exception"),
    (LedgerError(INTERNAL), 503, "exception"),
]


@pytest.mark.parametrize(("error", "status", "code"), ERRORS, ids=lambda v: type(v).__name__)
def test_each_error_has_one_response(error: LedgerError, status: int, code: str) -> None:
    """The caller's own error has details; an internal one is 503 without any."""
    response = error_response(error)
    assert response["statusCode"] == status
    assert response["headers"]["Content-Type"] == "application/fhir+json"
    outcome = json.loads(response["body"])
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert issue["code"] == code
    assert issue["severity"] == ("fatal" if status == 503 else "error")
    assert INTERNAL not in response["body"]
    if status in (403, 404, 413):
        assert issue["diagnostics"] == str(error)


@pytest.mark.parametrize(
    ("version", "media_type"),
    [
        ("4.0", "application/fhir+json; fhirVersion=4.0"),
        ("5.0", "application/fhir+json; fhirVersion=5.0"),
        ("", "application/fhir+json"),
    ],
)
def test_fhir_responses_state_their_release(version: str, media_type: str) -> None:
    """As the media type's parameter (FHIR, http.html, version parameter)."""
    response = make_response(200, "é".encode(), version, {"ETag": 'W/"7"'})
    assert response == {
        "statusCode": 200,
        "headers": {"Content-Type": media_type, "ETag": 'W/"7"'},
        "body": "é",
    }


def test_plain_json_has_its_headers_spelled_with_hyphens() -> None:
    """Python's names cannot contain one."""
    response = json_response(202, {"status": "wait"}, Retry_After="60")
    assert response["statusCode"] == 202
    assert response["headers"] == {"Content-Type": "application/json", "Retry-After": "60"}
    assert json.loads(response["body"]) == {"status": "wait"}
