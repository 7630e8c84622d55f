"""HTTP answers in FHIR JSON, and OperationOutcomes for what is refused."""

from collections.abc import Mapping
from typing import Any

import msgspec

from audit_ledger.errors import (
    LedgerError,
    NotFoundError,
    RefusedError,
    ThrottledError,
    TooLargeError,
)
from audit_ledger.events.errors import operation_outcome
from audit_ledger.http.authorization import ForbiddenError

FHIR_VERSIONS = {"fhir-r4": "4.0", "fhir-r5": "5.0"}
"""The `fhirVersion` of a format; other formats have none."""

RETRY_SECONDS = 5
"""Seconds after which to retry if the ledger is not available (RFC 9110, Section 10.2.3)."""

MAX_SPELLED_BYTES = 6_000_000
"""Of a body, as Lambda spells it: a function's response has at most 6 MiB (6,291,456 bytes), with
its status and headers. A larger one is lost, and the caller gets 500 although the request took
effect."""

Response = dict[str, Any]
"""What a Lambda of an HTTP API returns."""


def error_response(error: LedgerError) -> Response:
    """Return an error's response: where and what was expected, and nothing of what was sent."""
    headers: dict[str, str] = {}
    if isinstance(error, RefusedError):
        outcome, status = error.operation_outcome(), error.status
        headers = dict(error.headers)
    elif isinstance(error, ForbiddenError):
        outcome, status = operation_outcome("error", "forbidden", str(error)), 403
    elif isinstance(error, NotFoundError):
        outcome, status = operation_outcome("error", "not-found", str(error)), 404
    elif isinstance(error, ThrottledError):
        outcome, status = operation_outcome("error", "throttled", str(error)), 429
        headers = {"Retry-After": str(error.retry_seconds)}
    elif isinstance(error, TooLargeError):
        outcome, status = operation_outcome("error", "too-long", str(error)), 413
    else:
        outcome = operation_outcome(
            "fatal", "exception", "the ledger is not available now: retry later"
        )
        status = 503
        headers = {"Retry-After": str(RETRY_SECONDS)}
    return make_response(status, msgspec.json.encode(outcome), "", headers)


def json_response(status: int, content: Mapping[str, Any], **headers: str) -> Response:
    """Answer in plain JSON; `headers`: further ones, `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", **named},
        "body": msgspec.json.encode(content).decode(),
    }


def text_response(body: bytes) -> Response:
    """Return a response of plain text in UTF-8."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return {"statusCode": 200, "headers": headers, "body": body.decode()}


def spelled_bytes(body: bytes) -> int:
    """Return the bytes that a body in UTF-8 takes in an answer of a function: a JSON string."""
    return len(msgspec.json.encode(body.decode())) - 2  # the quotes around it


def make_response(
    status: int, body: bytes, version: str, headers: dict[str, str] | None = None
) -> Response:
    """Answer in FHIR JSON. `version`: its `fhirVersion`, empty where it is of no one release."""
    media_type = "application/fhir+json" + (f"; fhirVersion={version}" if version else "")
    return {
        "statusCode": status,
        "headers": {"Content-Type": media_type, **(headers or {})},
        "body": body.decode(),
    }
