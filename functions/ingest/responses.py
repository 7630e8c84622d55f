"""HTTP responses for accepted events, in FHIR's forms."""

from collections.abc import Sequence
from typing import Any

import msgspec

from audit_ledger.errors import operation_outcome
from audit_ledger.events import Event, RejectedEventError
from audit_ledger.events.flags import FLAGS
from audit_ledger.events.resource_id import with_id
from audit_ledger.http.request import Request
from audit_ledger.http.responses import (
    FHIR_VERSIONS,
    MAX_SPELLED_BYTES,
    Response,
    make_response,
    spelled_bytes,
)
from functions.ingest.sealer import SealedParts

CONFLICT = "Idempotency-Conflict"
"""The header of a response if an earlier event has the same sender's id and other content."""

CONFLICT_CODE = "idempotency.conflict"
CONFLICT_TEXT = (
    "An earlier event has this Idempotency-Key (or CloudEvents source and id) and other content: "
    "both are stored, this one is marked as a conflict, and Location refers to the earlier one."
)


def created(event: Event, sealed: SealedParts, request: Request) -> Response:
    """Return 201 for one AuditEvent, with the Location of its first record, as Prefer requests.

    Without a preference the body is the resource as a read returns it.
    """
    headers = {"Location": _location(request.base, sealed), **_conflict_header([sealed])}
    version = FHIR_VERSIONS.get(event.format, "")
    if request.preference == "minimal":
        return make_response(201, b"", version, headers)  # else API Gateway sets text/plain
    if request.preference == "OperationOutcome":
        return make_response(201, msgspec.json.encode(accepted_outcome(sealed)), version, headers)
    return make_response(201, _as_read(event, sealed), version, headers)


def bundle_response(
    kind: str, results: Sequence[tuple[Event, SealedParts] | RejectedEventError], request: Request
) -> Response:
    """Return 200 with a response Bundle: one entry per entry of the request, in its order.

    It contains the resources if `return=representation` requests them. Accepted events must be
    acknowledged: if the response would be too large, omit the resources, which Preference-Applied
    states, and then the sentences of the flags.
    """
    versions = {
        FHIR_VERSIONS.get(r[0].format, "") for r in results if not isinstance(r, RejectedEventError)
    }
    version = versions.pop() if len(versions) == 1 else ""
    taken = [result[1] for result in results if not isinstance(result, RejectedEventError)]
    headers = _conflict_header(taken)
    if request.preference == "representation":
        body = _response_bundle(kind, results, request.base, with_resources=True)
        if spelled_bytes(body) <= MAX_SPELLED_BYTES:
            return make_response(200, body, version, headers)
        headers["Preference-Applied"] = "return=minimal"
    body = _response_bundle(kind, results, request.base)
    if spelled_bytes(body) > MAX_SPELLED_BYTES:
        body = _response_bundle(kind, results, request.base, with_sentences=False)
    return make_response(200, body, version, headers)


def _response_bundle(
    kind: str,
    results: Sequence[tuple[Event, SealedParts] | RejectedEventError],
    base: str,
    *,
    with_resources: bool = False,
    with_sentences: bool = True,
) -> bytes:
    entries: list[dict[str, Any]] = []
    for result in results:
        entry: dict[str, Any] = {}
        if isinstance(result, RejectedEventError):
            response = {"status": str(result.status), "outcome": result.operation_outcome()}
        else:
            event, sealed = result
            if with_resources:
                entry["resource"] = msgspec.Raw(_as_read(event, sealed))
            response = {"status": "201", "location": _location(base, sealed)}
            if _issues(sealed):
                response["outcome"] = accepted_outcome(sealed, with_sentences=with_sentences)
        entries.append({**entry, "response": response})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if entries:  # FHIR's JSON has no empty arrays
        bundle["entry"] = entries
    return msgspec.json.encode(bundle)


def events_accepted(sealed: Sequence[SealedParts]) -> Response:
    """Return 202 for CloudEvents, with the ids of their records, in order."""
    body = {
        "accepted": len(sealed),
        "ids": [[record.row.event_id for record in parts] for parts in sealed],
        "issues": [
            [{"code": code, "text": text} for code, text in _issues(parts)] for parts in sealed
        ],
    }
    return {
        "statusCode": 202,
        "headers": {"Content-Type": "application/json", **_conflict_header(sealed)},
        "body": msgspec.json.encode(body).decode(),
    }


def accepted_outcome(sealed: SealedParts, *, with_sentences: bool = True) -> dict[str, Any]:
    """Return the OperationOutcome of an accepted event: an issue per flag, or "accepted".

    Without sentences, return one issue with all codes.
    """
    found = _issues(sealed)
    if not found:
        return operation_outcome("information", "informational", "accepted")
    if not with_sentences:
        return operation_outcome("warning", "business-rule", " ".join(code for code, _ in found))
    issues = [
        {
            "severity": "warning",
            "code": "duplicate" if code == CONFLICT_CODE else "business-rule",
            "details": {"text": text},
            "diagnostics": code,
        }
        for code, text in found
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _conflict_header(sealed: Sequence[SealedParts]) -> dict[str, str]:
    return {CONFLICT: "true"} if any(map(_is_conflict, sealed)) else {}


def _issues(sealed: SealedParts) -> list[tuple[str, str]]:
    """Return conflict and flags of an event: codes, each with a sentence."""
    conflict = [(CONFLICT_CODE, CONFLICT_TEXT)] if _is_conflict(sealed) else []
    flags = sorted({flag for record in sealed for flag in record.row.flags})
    return conflict + [(flag, FLAGS[flag]) for flag in flags]


def _is_conflict(sealed: SealedParts) -> bool:
    return any(record.conflict for record in sealed)


def _as_read(event: Event, sealed: SealedParts) -> bytes:
    """Return the resource at Location: for several patients, the first patient's part."""
    return with_id(event.parts[0].resource, sealed[0].row.event_id)


def _location(base: str, sealed: SealedParts) -> str:
    return f"{base}/AuditEvent/{sealed[0].row.event_id}"
