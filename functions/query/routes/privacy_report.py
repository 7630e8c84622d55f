"""GET /reports/privacy: accesses, for a privacy office."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from audit_ledger.events.own_time import effective_time_ms
from audit_ledger.http.authorization import ForbiddenError
from audit_ledger.http.openapi import TEXT_SCHEMA, Json, query
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.document import Document, Fact, Period
from audit_ledger.reports.privacy import ELEMENTS, privacy_document, privacy_report
from audit_ledger.search.criteria import Criterion, NamedResource, Search, Token
from audit_ledger.search.errors import RejectedSearchError
from functions.query.access import QueryContext
from functions.query.compressed_response import ACCEPT_ENCODING
from functions.query.patient_names import (
    parse_name,
    parse_patient_name,
    require_known,
)
from functions.query.query_parameters import QueryParameters
from functions.query.report_events import find_events, too_costly
from functions.query.report_request import (
    FORM_PARAMETERS,
    TIME_PARAMETERS,
    Times,
    read_form,
    read_times,
)
from functions.query.report_response import (
    describe_report,
    describe_responses,
    make_cover,
    report_response,
)
from functions.query.route import QueryRoute

_DAY = timedelta(days=1)
_OF_PRIVACY = ("from", "to", "zone", "user", "patient", "sort", "table", "_format")
_SHORTENED = (
    "The last day has more events than fit in one report: this one begins later. Request the "
    "earlier part with from and to."
)


def get_privacy_report(context: QueryContext, request: Request) -> Response:
    """GET /reports/privacy: events with all elements, break-the-glass apart, and summaries.

    For the privacy office alone. Of `user` and `patient`, if they are parameters. Without `from`
    and `to`, of the last day, or of its newest part that fits in one report. `sort`: by an element,
    descending with `-` before it.
    """
    authorized = context.authorize(request, "s", is_masked=True)
    if not authorized.sees_all:
        raise ForbiddenError("the privacy report is for scopes like user/AuditEvent.s")
    parameters = QueryParameters(request, _OF_PRIVACY)
    form = read_form(request, parameters)
    times = read_times(authorized, parameters, _DAY, by_day=False)
    sort = parameters.get("sort") or "time"
    element = sort.removeprefix("-")
    if element not in ELEMENTS:
        raise RejectedSearchError("sort", f"one of {', '.join(ELEMENTS)}, or - before it")
    criteria: list[Criterion] = []
    about = []
    if (user := parameters.get("user")) is not None:
        criteria.append(_criterion("agent", parse_name("user", user)))
        about.append(f"user {user}")
    if len(parameters.patients) > 1:
        raise RejectedSearchError("patient", "this parameter once", "invalid")
    for patient in parameters.patients:
        criteria.append(_criterion("patient", parse_name("patient", patient)))
        require_known(authorized.ledger.rules.values(), parse_patient_name(patient))
        about.append(f"patient {patient}")
    search = Search(criteria=tuple(criteria))
    found = find_events(authorized, search, None, times.period)
    has_start = parameters.get("from") is not None
    if found.reached_ms is not None and (has_start or found.reached_ms + 1 >= times.period.to_ms):
        raise too_costly(found)
    events: Sequence[OpenedEvent] = [opened.event for opened in found.found]
    period = times.period
    if found.reached_ms is not None:
        period = Period(found.reached_ms + 1, period.to_ms)
    patients = tuple(map(parse_patient_name, parameters.patients))
    while True:
        report = privacy_report(
            events,
            period=period,
            zone=times.zone,
            sort_by=element,
            descending=sort.startswith("-"),
        )
        cover = make_cover(authorized, Times(period, times.zone), ", ".join(about) or "all events")
        document = privacy_document(report, cover)
        warnings: tuple[str, ...] = ()
        if period != times.period:
            document, warnings = _without_outside(document), (_SHORTENED,)
        try:
            return report_response(
                authorized, parameters, form, document, patients, events, warnings
            )
        except RejectedSearchError as error:
            if has_start or error.code != "too-long":
                raise
            events, period = _newer_half(events, period)
            if not events:
                raise


def _newer_half(
    events: Sequence[OpenedEvent], period: Period
) -> tuple[Sequence[OpenedEvent], Period]:
    """Return the newer events of a period, about half of them, and the period that has them all.

    Return no events if all are of one time: a period is divided between times.
    """
    times = sorted(
        t
        for e in events
        if (t := effective_time_ms(e.time_ms, e.entry_time, period.from_ms, period.to_ms))
        is not None
    )
    middle = bisect_right(times, times[0], lo=len(times) // 2) if times else 0
    if middle == len(times):
        return (), period
    newer = Period(times[middle], period.to_ms)
    newest = [
        e
        for e in events
        if effective_time_ms(e.time_ms, e.entry_time, newer.from_ms, newer.to_ms) is not None
    ]
    return newest, newer


def _without_outside(document: Document) -> Document:
    """Omit the number of events of another time: it was not counted for a shortened period."""
    facts = (
        Fact(fact.key, fact.label, None) if fact.key == "events_outside" else fact
        for fact in document.facts
    )
    return msgspec.structs.replace(document, facts=tuple(facts))


def _criterion(parameter: str, name: NamedResource | Token) -> Criterion:
    return Criterion(f"{parameter}.identifier" if isinstance(name, Token) else parameter, (name,))


SCHEMAS: Json = {
    "PrivacyReport": describe_report("events", "break_glass", "by_user", "by_patient", "by_day"),
}

_OPERATION: Json = {
    "operationId": "privacyReport",
    "description": (
        "Scopes: `system/AuditEvent.s` or `user/AuditEvent.s`. It is recorded in the ledger."
    ),
    "parameters": [
        query("user", "The agent, as in a search, or `<system>|<value>`.", TEXT_SCHEMA),
        query("patient", "The patient of the event, or a patient who acted.", TEXT_SCHEMA),
        *TIME_PARAMETERS,
        query("sort", f"By {', '.join(ELEMENTS)}; `-` before it: descending.", TEXT_SCHEMA),
        *FORM_PARAMETERS,
        ACCEPT_ENCODING,
    ],
    "responses": describe_responses("PrivacyReport"),
}

ROUTES = {"GET /reports/privacy": QueryRoute(get_privacy_report, _OPERATION)}
