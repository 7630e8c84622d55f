"""GET /accesses: who accessed a patient's record."""

from audit_ledger.http.openapi import Json
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.reports.patient_view import patient_view, patient_view_document
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
    read_form,
    read_patient,
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


def get_accesses(context: QueryContext, request: Request) -> Response:
    """GET /accesses: who accessed a patient's record, in plain words, as far as patients may see.

    For the patient, or of `patient` for the privacy office, who sees the same; `audience=office`
    as for an accounting. The last year unless `from` and `to` say otherwise.
    """
    authorized = context.authorize(request, "s", is_masked=True)
    parameters = QueryParameters(request, PATIENT_PARAMETERS)
    form, is_for_office = read_form(request, parameters), wants_office_view(authorized, parameters)
    patients = read_patient(authorized, parameters)
    rules = authorized.reports
    by_day = rules.view.day_only and not authorized.sees_all
    times = read_times(authorized, parameters, YEAR, by_day=by_day)
    view, suspended = patient_view(
        events_about(authorized, patients, times.period),
        rules.view,
        period=times.period,
        made_ms=authorized.now * 1000,
        zone=times.zone,
    )
    document = patient_view_document(view, make_cover(authorized, times, patient_names(patients)))
    if is_for_office:
        document = with_suspended(document, suspended)
    return report_response(authorized, parameters, form, document, patients)


SCHEMAS: Json = {
    "Accesses": describe_report("accesses", "people"),
}


_OPERATION: Json = {
    "operationId": "accesses",
    "description": SCOPES,
    "parameters": [
        PATIENT_PARAMETER,
        *TIME_PARAMETERS,
        AUDIENCE_PARAMETER,
        *FORM_PARAMETERS,
        ACCEPT_ENCODING,
    ],
    "responses": describe_responses("Accesses"),
}


ROUTES = {"GET /accesses": QueryRoute(get_accesses, _OPERATION)}
