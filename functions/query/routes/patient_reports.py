"""GET /accesses and GET /accounting: who accessed a patient's record, and its disclosures."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import msgspec

from audit_ledger.events import PatientReference
from audit_ledger.http.authorization import ForbiddenError
from audit_ledger.http.openapi import SIZE, Json, query
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.reports.accounting import YEARS, account_disclosures, accounting_document
from audit_ledger.reports.document import Cell, Column, Document, Instant, Period, Table
from audit_ledger.reports.patient_view import patient_view, patient_view_document
from audit_ledger.reports.suspension import SuspensionCount
from audit_ledger.reports.time_zone import years_before
from audit_ledger.search.errors import RejectedSearchError
from functions.query.access import AuthorizedRequest, QueryContext
from functions.query.compressed_response import ACCEPT_ENCODING
from functions.query.query_parameters import QueryParameters
from functions.query.report_events import events_about
from functions.query.report_request import (
    AUDIENCE_PARAMETER,
    FORM_PARAMETERS,
    PATIENT_PARAMETER,
    TIME_PARAMETERS,
    TIME_SCHEMA,
    Form,
    Times,
    read_form,
    read_patient,
    read_requested,
    read_times,
)
from functions.query.report_response import (
    describe_report,
    describe_responses,
    make_cover,
    patient_names,
    report_response,
)
from functions.query.route import QueryRoute

YEAR = timedelta(days=366)
_PARAMETERS = ("patient", "from", "to", "zone", "audience", "table", "_format")
_SUSPENDED_COLUMNS = (
    Column("agency", "Requested by"),
    Column("until", "Until"),
    Column("oral", "Orally"),
    Column("number", "Left out"),
)


class _ReportRequest(NamedTuple):
    """An authorized request for a report about one patient, by all names in `patients`."""

    authorized: AuthorizedRequest
    parameters: QueryParameters
    form: Form
    is_for_office: bool
    patients: tuple[PatientReference, ...]
    times: Times


def get_accesses(context: QueryContext, request: Request) -> Response:
    """GET /accesses: who accessed a patient's record, in plain words, as far as patients may see.

    For the patient, or of `patient` for the privacy office, which sees the same; `audience=office`
    as for an accounting. The last year without `from` and `to`.
    """
    report = _read(context, request, _PARAMETERS)
    authorized, times = report.authorized, report.times
    view, suspended = patient_view(
        events_about(authorized, report.patients, times.period),
        authorized.reports.view,
        period=times.period,
        made_ms=authorized.now * 1000,
        zone=times.zone,
    )
    cover = make_cover(authorized, times, patient_names(report.patients))
    return _respond(report, patient_view_document(view, cover), suspended)


def get_accounting(context: QueryContext, request: Request) -> Response:
    """GET /accounting: the disclosures of a patient's record (45 CFR 164.528).

    Of `patient`, for the privacy office; of the own record, for a patient. Without `from`, the six
    years before it was `requested`. `audience=office` adds what is suspended, for the privacy
    office alone; without it, the response is what the patient may see.
    """
    report = _read(context, request, (*_PARAMETERS, "requested"))
    authorized, times = report.authorized, report.times
    requested_ms = read_requested(authorized, report.parameters, times.zone)
    start_ms = years_before(requested_ms, YEARS, times.zone)
    if report.parameters.get("from") is None and start_ms < times.period.to_ms:
        times = Times(Period(start_ms, times.period.to_ms), times.zone)
    accounting, suspended = account_disclosures(
        events_about(authorized, report.patients, times.period),
        authorized.reports.accounting,
        period=times.period,
        requested_ms=requested_ms,
        made_ms=authorized.now * 1000,
        zone=times.zone,
    )
    cover = make_cover(authorized, times, patient_names(report.patients))
    day_only = authorized.reports.view.day_only and not report.is_for_office
    return _respond(report, accounting_document(accounting, cover, day_only=day_only), suspended)


def _read(context: QueryContext, request: Request, names: tuple[str, ...]) -> _ReportRequest:
    """Authorize a request, and read the parameters that both reports have."""
    authorized = context.authorize(request, "s", is_masked=True)
    parameters = QueryParameters(request, names)
    form = read_form(request, parameters)
    audience = parameters.get("audience") or "patient"
    if audience not in ("patient", "office"):
        raise RejectedSearchError("audience", "patient or office")
    if audience == "office" and not authorized.sees_all:
        raise ForbiddenError("audience office is for scopes like user/AuditEvent.s")
    patients = read_patient(authorized, parameters)
    by_day = authorized.reports.view.day_only and not authorized.sees_all
    times = read_times(authorized, parameters, YEAR, by_day=by_day)
    return _ReportRequest(authorized, parameters, form, audience == "office", patients, times)


def _respond(
    report: _ReportRequest, document: Document, suspended: Sequence[SuspensionCount]
) -> Response:
    """Render and record a report; for the privacy office with the suspended disclosures."""
    if report.is_for_office:
        rows: tuple[dict[str, Cell], ...] = tuple(
            {
                "agency": each.suspension.agency,
                "until": Instant(each.suspension.until_ms),
                "oral": each.suspension.oral,
                "number": each.number,
            }
            for each in suspended
            if each.number
        )
        title = "Suspended: not for the patient"
        table = Table("suspended", title, _SUSPENDED_COLUMNS, rows, "Nothing.")
        document = msgspec.structs.replace(
            document,
            title=f"{document.title} (for the privacy office, not for the patient)",
            tables=(*document.tables, table),
        )
    return report_response(
        report.authorized, report.parameters, report.form, document, report.patients
    )


SCHEMAS: Json = {
    "Accounting": describe_report("disclosures", "exclusions", disclosures_outside=SIZE),
    "Accesses": describe_report("accesses", "people"),
}


def _operation(operation_id: str, schema_name: str, *parameters: Json) -> Json:
    return {
        "operationId": operation_id,
        "description": (
            "Scopes: `system/AuditEvent.s` or `user/AuditEvent.s` for any patient, "
            "`patient/AuditEvent.s` for the token's. It is recorded in the ledger."
        ),
        "parameters": [
            PATIENT_PARAMETER,
            *TIME_PARAMETERS,
            *parameters,
            AUDIENCE_PARAMETER,
            *FORM_PARAMETERS,
            ACCEPT_ENCODING,
        ],
        "responses": describe_responses(schema_name),
    }


_REQUESTED = query(
    "requested", "The time of the patient's request, from which six years count.", TIME_SCHEMA
)
ROUTES = {
    "GET /accounting": QueryRoute(
        get_accounting, _operation("accounting", "Accounting", _REQUESTED)
    ),
    "GET /accesses": QueryRoute(get_accesses, _operation("accesses", "Accesses")),
}
