"""Answers: what is refused is told as FHIR has it, and nothing of what was sent."""

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
"""What our own trouble says, to us alone."""

ERRORS: list[tuple[LedgerError, int, str]] = [
    (RejectedEventError(415, "not-supported", "Content-Type", "JSON"), 415, "not-supported"),
    (RejectedEventError(422, "required", "AuditEvent.recorded", "an instant"), 422, "required"),
    (RejectedSearchError("the query string", "less", "too-long", 414), 414, "too-long"),
    (RejectedSearchError("Accept", "JSON", "not-supported", 406), 406, "not-supported"),
    (ForbiddenError("the token names no patient"), 403, "forbidden"),
    (NotFoundError("no such event here"), 404, "not-found"),
    (TooLargeError("more than a message holds"), 413, "too-long"),
    (UnreachableError(INTERNAL), 503, "exception"),
    (VerificationError(INTERNAL), 503, "exception"),
    (FormatError(INTERNAL), 503, "exception"),
    (LostRaceError(INTERNAL), 503, "exception"),
    (FrozenError(INTERNAL), 503, "exception"),
    (LedgerError(INTERNAL), 503, "exception"),
]


@pytest.mark.parametrize(("error", "status", "code"), ERRORS, ids=lambda v: type(v).__name__)
def test_each_error_has_one_response(error: LedgerError, status: int, code: str) -> None:
    """The caller's is told; ours is 503 and nothing more."""
    told = error_response(error)
    assert told["statusCode"] == status
    assert told["headers"]["Content-Type"] == "application/fhir+json"
    outcome = json.loads(told["body"])
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert issue["code"] == code
    assert issue["severity"] == ("fatal" if status == 503 else "error")
    assert INTERNAL not in told["body"]
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
    told = make_response(200, "é".encode(), version, {"ETag": 'W/"7"'})
    assert told == {
        "statusCode": 200,
        "headers": {"Content-Type": media_type, "ETag": 'W/"7"'},
        "body": "é",
    }


def test_plain_json_has_its_headers_spelled_with_hyphens() -> None:
    """Names in Python cannot hold one."""
    told = json_response(202, {"status": "wait"}, Retry_After="60")
    assert told["statusCode"] == 202
    assert told["headers"] == {"Content-Type": "application/json", "Retry-After": "60"}
    assert json.loads(told["body"]) == {"status": "wait"}
