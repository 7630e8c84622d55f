"""HTTP answers in FHIR JSON, and OperationOutcomes for what is refused."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from audit_ledger.errors import (
    LedgerError,
    NotFoundError,
    RefusedError,
    ThrottledError,
    TooLargeError,
    operation_outcome,
)
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


_STATUSES: Final[tuple[tuple[type[LedgerError], str, int], ...]] = (
    (ForbiddenError, "forbidden", 403),
    (NotFoundError, "not-found", 404),
    (ThrottledError, "throttled", 429),
    (TooLargeError, "too-long", 413),
)


def error_response(error: LedgerError) -> Response:
    """Return an error's response: where and what was expected, and nothing of what was sent."""
    if isinstance(error, RefusedError):
        outcome = error.operation_outcome()
        return make_response(error.status, msgspec.json.encode(outcome), "", dict(error.headers))
    code, status = next(
        (each[1:] for each in _STATUSES if isinstance(error, each[0])), ("exception", 503)
    )
    headers: dict[str, str] = {}
    outcome = operation_outcome("error", code, str(error))
    if isinstance(error, ThrottledError):
        headers = {"Retry-After": str(error.retry_seconds)}
    if status == 503:
        why = "the ledger is not available now: retry later"
        outcome = operation_outcome("fatal", code, why)
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
