"""The routes of query: a file a resource."""

from collections.abc import Callable

from audit_ledger.http.openapi import Json
from audit_ledger.http.request import FHIR_JSON, Request
from audit_ledger.http.responses import Response
from functions.query.access import QueryContext
from functions.query.routes import (
    accesses,
    accounting,
    audit_event_search,
    audit_events,
    consistency,
    digests,
    documents,
    exports,
    findings,
    gaps,
    policy,
    privacy_report,
    receipts,
)
from functions.query.routes.accesses import get_accesses
from functions.query.routes.accounting import get_accounting
from functions.query.routes.audit_event_search import get_audit_events, post_search
from functions.query.routes.audit_events import (
    get_audit_event,
    get_audit_event_version,
    get_submitted,
)
from functions.query.routes.consistency import get_consistency
from functions.query.routes.digests import get_digests, get_latest_digest
from functions.query.routes.documents import post_documents_verify
from functions.query.routes.exports import get_export
from functions.query.routes.findings import get_findings
from functions.query.routes.gaps import get_gaps
from functions.query.routes.policy import get_policy
from functions.query.routes.privacy_report import get_privacy_report
from functions.query.routes.receipts import get_receipt

ROUTES: dict[str, Callable[[QueryContext, Request], Response]] = {
    "GET /AuditEvent": get_audit_events,
    "POST /AuditEvent/_search": post_search,
    "GET /AuditEvent/{id}": get_audit_event,
    "GET /AuditEvent/{id}/_history/{version}": get_audit_event_version,
    "GET /AuditEvent/{id}/receipt": get_receipt,
    "GET /AuditEvent/{id}/{operation}": get_submitted,
    "GET /findings": get_findings,
    "GET /portals/{id}/gaps": get_gaps,
    "POST /documents/verify": post_documents_verify,
    "GET /digests": get_digests,
    "GET /digests/latest": get_latest_digest,
    "GET /consistency": get_consistency,
    "GET /policy": get_policy,
    "GET /accounting": get_accounting,
    "GET /accesses": get_accesses,
    "GET /reports/privacy": get_privacy_report,
    "GET /export": get_export,
}


_JSON = ("application/json",)
MEDIA_TYPES: dict[str, tuple[str, ...]] = {
    "GET /AuditEvent/{id}/receipt": (*_JSON, "text/plain"),
    "GET /AuditEvent/{id}/{operation}": (FHIR_JSON[0], "application/cloudevents+json"),
    "GET /findings": _JSON,
    "GET /portals/{id}/gaps": _JSON,
    "POST /documents/verify": _JSON,
    "GET /digests": _JSON,
    "GET /digests/latest": _JSON,
    "GET /consistency": _JSON,
    "GET /policy": ("text/plain",),
    "GET /export": _JSON,
}
"""Media types of answers of one release or none; others, and reports, choose for themselves."""

OPERATIONS: dict[str, Json] = {
    **audit_event_search.OPERATIONS,
    **audit_events.OPERATIONS,
    "GET /AuditEvent/{id}/receipt": receipts.OPERATION,
    **digests.OPERATIONS,
    "GET /consistency": consistency.OPERATION,
    "GET /policy": policy.OPERATION,
    "POST /documents/verify": documents.OPERATION,
    "GET /portals/{id}/gaps": gaps.OPERATION,
    "GET /findings": findings.OPERATION,
    "GET /accounting": accounting.OPERATION,
    "GET /accesses": accesses.OPERATION,
    "GET /reports/privacy": privacy_report.OPERATION,
    "GET /export": exports.OPERATION,
}
SCHEMAS: Json = {
    **audit_events.SCHEMAS,
    **audit_event_search.SCHEMAS,
    **receipts.SCHEMAS,
    **digests.SCHEMAS,
    **consistency.SCHEMAS,
    **documents.SCHEMAS,
    **gaps.SCHEMAS,
    **findings.SCHEMAS,
    **accounting.SCHEMAS,
    **accesses.SCHEMAS,
    **privacy_report.SCHEMAS,
    **exports.SCHEMAS,
}
