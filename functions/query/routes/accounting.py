"""GET /accounting: the disclosures of a patient's record."""

from audit_ledger.http.openapi import SIZE, Json, query
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.reports.accounting import YEARS, account_disclosures, accounting_document
from audit_ledger.reports.document import Period
from audit_ledger.reports.time_zone import years_before
from functions.query.access import QueryContext
from functions.query.compressed_response import ACCEPT_ENCODING
from functions.query.patient_report import (
    PATIENT_PARAMETERS,
    SCOPES,
    YEAR,
    wants_office_view,
    with_suspended,
)
from functions.query.query_parameters import QueryParameters
from functions.query.report_events import events_about
from functions.query.report_request import (
    AUDIENCE_PARAMETER,
    FORM_PARAMETERS,
    PATIENT_PARAMETER,
    TIME_PARAMETERS,
    TIME_SCHEMA,
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


def get_accounting(context: QueryContext, request: Request) -> Response:
    """GET /accounting: the disclosures of a patient's record (45 CFR 164.528).

    Of `patient`, for the privacy office; of the own record, for a patient. The six years before it
    was `requested`, unless `from` and `to` say otherwise. `audience=office` adds what is suspended,
    for the privacy office and nobody else; without it, the answer is what the patient may see.
    """
    authorized = context.authorize(request, "s", is_masked=True)
    parameters = QueryParameters(request, (*PATIENT_PARAMETERS, "requested"))
    form, is_for_office = read_form(request, parameters), wants_office_view(authorized, parameters)
    patients = read_patient(authorized, parameters)
    day_only = authorized.reports.view.day_only
    times = read_times(authorized, parameters, YEAR, by_day=day_only and not authorized.sees_all)
    requested_ms = read_requested(authorized, parameters, times.zone)
    start_ms = years_before(requested_ms, YEARS, times.zone)
    if parameters.get("from") is None and start_ms < times.period.to_ms:
        times = Times(Period(start_ms, times.period.to_ms), times.zone)
    events = events_about(authorized, patients, times.period)
    accounting, suspended = account_disclosures(
        events,
        authorized.reports.accounting,
        period=times.period,
        requested_ms=requested_ms,
        made_ms=authorized.now * 1000,
        zone=times.zone,
    )
    cover = make_cover(authorized, times, patient_names(patients))
    document = accounting_document(accounting, cover, day_only=day_only and not is_for_office)
    if is_for_office:
        document = with_suspended(document, suspended)
    return report_response(authorized, parameters, form, document, patients)


SCHEMAS: Json = {
    "Accounting": describe_report("disclosures", "exclusions", disclosures_outside=SIZE),
}


_OPERATION: Json = {
    "operationId": "accounting",
    "description": SCOPES,
    "parameters": [
        PATIENT_PARAMETER,
        *TIME_PARAMETERS,
        query(
            "requested",
            "The time of the patient's request, from which six years count.",
            TIME_SCHEMA,
        ),
        AUDIENCE_PARAMETER,
        *FORM_PARAMETERS,
        ACCEPT_ENCODING,
    ],
    "responses": describe_responses("Accounting"),
}


ROUTES = {"GET /accounting": QueryRoute(get_accounting, _OPERATION)}
