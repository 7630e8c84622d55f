"""The routes of query: a file a resource."""

from audit_ledger.http.openapi import Json
from functions.query.route import QueryRoute
from functions.query.routes import (
    audit_event_search,
    audit_events,
    consistency,
    digests,
    documents,
    exports,
    findings,
    gaps,
    patient_reports,
    policy,
    privacy_report,
    receipts,
)

_RESOURCES = (
    *(audit_events, audit_event_search, receipts, digests, consistency, policy, documents),
    *(gaps, findings, patient_reports, privacy_report, exports),
)
ROUTES: dict[str, QueryRoute] = {
    key: route for resource in _RESOURCES for key, route in resource.ROUTES.items()
}
OPERATIONS: dict[str, Json] = {key: route.described() for key, route in ROUTES.items()}
SCHEMAS: Json = {
    name: schema for resource in _RESOURCES for name, schema in resource.SCHEMAS.items()
}
