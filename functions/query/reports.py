"""Reports: accountings of disclosures, who accessed a record, what a privacy team asks.

Each is found, recorded, and then answered, as JSON, CSV or a page to print. A report looks at so
many events that its answer is there within query's 28 seconds; whoever asks for more is told so.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import msgspec

from audit_ledger.events import PatientReference
from audit_ledger.events.own_time import counted_ms
from audit_ledger.exports.labels import names_of
from audit_ledger.http.authorization import ForbiddenError
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.accounting import YEARS, account_disclosures, accounting_document
from audit_ledger.reports.document import (
    Cell,
    Column,
    Cover,
    Document,
    Fact,
    Instant,
    Period,
    Table,
)
from audit_ledger.reports.html import to_html
from audit_ledger.reports.patient_view import patient_view, patient_view_document
from audit_ledger.reports.privacy import ELEMENTS, privacy_document, privacy_report
from audit_ledger.reports.rendering import to_csv, to_json
from audit_ledger.reports.suspension import Suspended, first_that_names, in_force
from audit_ledger.reports.time_zone import years_before
from audit_ledger.search.criteria import Criterion, Search, Token
from audit_ledger.search.errors import RejectedSearchError
from functions.query.access import AuthorizedRequest, QueryContext
from functions.query.altered_entries import altered
from functions.query.compressed_response import compressed_response
from functions.query.find import (
    MAX_LOOKED_AT,
    FoundInPeriod,
    accepted_names,
    may_be_named_otherwise,
)
from functions.query.patient_names import named_patient, read_name, read_user, require_known
from functions.query.query_parameters import QueryParameters
from functions.query.report_request import (
    MEDIA_TYPES,
    Form,
    Times,
    read_form,
    read_patient,
    read_requested,
    read_times,
)
from functions.query.withholding import names_recipient

MAX_EVENTS = MAX_LOOKED_AT

_SHORTENED = (
    "The last day has more events than one report holds: this one begins later. Ask for what is "
    "before with from and to."
)
_OTHER_NAMES = (
    "Portals of this ledger identify patients by {}. This report contains only events under the "
    "names that it was requested with: events of the same patient under another name are missing."
)
_YEAR = timedelta(days=366)
_DAY = timedelta(days=1)
_OF_A_PATIENT = ("patient", "from", "to", "zone", "audience", "table", "_format")
_OF_PRIVACY = ("from", "to", "zone", "user", "patient", "sort", "table", "_format")
_AUDIENCES = ("patient", "office")


def get_accounting(desk: QueryContext, request: Request) -> Response:
    """GET /accounting: the disclosures of a patient's record (45 CFR 164.528).

    Of `patient`, for the privacy office; of the own record, for a patient. The six years before it
    was `requested`, unless `from` and `to` say otherwise. `audience=office` adds what is suspended,
    for the privacy office and nobody else; without it, the answer is what the patient is given.
    """
    question = desk.question(request, "s", is_masked=True)
    given = QueryParameters(request, (*_OF_A_PATIENT, "requested"))
    form, is_for_office = read_form(request, given), _is_for_office(question, given)
    patients = read_patient(question, given)
    day_only = question.reports.view.day_only
    times = read_times(question, given, _YEAR, by_day=day_only and not question.sees_all)
    requested_ms = read_requested(question, given, times.zone)
    start_ms = years_before(requested_ms, YEARS, times.zone)
    if given.get("from") is None and start_ms < times.period.to_ms:
        times = Times(Period(start_ms, times.period.to_ms), times.zone)
    events = _events_of(question, patients, times.period)
    accounting, suspended = account_disclosures(
        events,
        question.reports.accounting,
        period=times.period,
        requested_ms=requested_ms,
        made_ms=question.now * 1000,
        zone=times.zone,
    )
    cover = _cover(question, times, _names(patients))
    document = accounting_document(accounting, cover, day_only=day_only and not is_for_office)
    if is_for_office:
        document = _with_suspended(document, suspended)
    return _answered(question, given, form, document, patients)


def get_accesses(desk: QueryContext, request: Request) -> Response:
    """GET /accesses: who accessed a patient's record, in plain words, as far as patients may see.

    For the patient, or of `patient` for the privacy office, who sees the same; `audience=office`
    as for an accounting. The last year unless `from` and `to` say otherwise.
    """
    question = desk.question(request, "s", is_masked=True)
    given = QueryParameters(request, _OF_A_PATIENT)
    form, is_for_office = read_form(request, given), _is_for_office(question, given)
    patients = read_patient(question, given)
    rules = question.reports
    by_day = rules.view.day_only and not question.sees_all
    times = read_times(question, given, _YEAR, by_day=by_day)
    view, suspended = patient_view(
        _events_of(question, patients, times.period),
        rules.view,
        period=times.period,
        made_ms=question.now * 1000,
        zone=times.zone,
    )
    document = patient_view_document(view, _cover(question, times, _names(patients)))
    if is_for_office:
        document = _with_suspended(document, suspended)
    return _answered(question, given, form, document, patients)


def get_privacy_report(desk: QueryContext, request: Request) -> Response:
    """GET /reports/privacy: events with all elements, break-the-glass apart, and summaries.

    For the privacy office alone. Of `user` and `patient` where they are given; the last day unless
    `from` and `to` say otherwise, or as much of it as one report holds, the newest; `sort` by an
    element, `-` before it for descending.
    """
    question = desk.question(request, "s", is_masked=True)
    if not question.sees_all:
        raise ForbiddenError("the privacy report is for scopes like user/AuditEvent.s")
    given = QueryParameters(request, _OF_PRIVACY)
    form = read_form(request, given)
    times = read_times(question, given, _DAY, by_day=False)
    sort = given.get("sort") or "time"
    element = sort.removeprefix("-")
    if element not in ELEMENTS:
        raise RejectedSearchError(
            400, "value", "sort", f"one of {', '.join(ELEMENTS)}, or - before it"
        )
    criteria: list[Criterion] = []
    about = []
    if (user := given.get("user")) is not None:
        criteria.append(_user(user))
        about.append(f"user {user}")
    if len(given.patients) > 1:
        raise RejectedSearchError(400, "invalid", "patient", "this parameter once")
    for patient in given.patients:
        named = read_name("patient", patient)
        require_known(question.ledger.rules.values(), named_patient(patient))
        parameter = "patient.identifier" if isinstance(named, Token) else "patient"
        criteria.append(Criterion(parameter, (named,)))
        about.append(f"patient {patient}")
    search = Search(criteria=tuple(criteria))
    found = _found(question, search, None, times.period)
    is_given = given.get("from") is not None
    if found.reached_ms is not None and (is_given or found.reached_ms + 1 >= times.period.to_ms):
        raise _too_costly(found)
    events: Sequence[OpenedEvent] = [opened.event for opened in found.found]
    period = times.period
    if found.reached_ms is not None:
        period = Period(found.reached_ms + 1, period.to_ms)
    patients = tuple(map(named_patient, given.patients))
    while True:
        report = privacy_report(
            events,
            period=period,
            zone=times.zone,
            sort_by=element,
            descending=sort.startswith("-"),
        )
        cover = _cover(question, Times(period, times.zone), ", ".join(about) or "all events")
        document = privacy_document(report, cover)
        warnings: tuple[str, ...] = ()
        if period != times.period:
            document, warnings = _without_outside(document), (_SHORTENED,)
        try:
            return _answered(question, given, form, document, patients, events, warnings)
        except RejectedSearchError as error:
            if is_given or error.code != "too-long":
                raise
            events, period = _newer_half(events, period)
            if not events:
                raise


def _events_of(
    question: AuthorizedRequest, patients: tuple[PatientReference, ...], period: Period
) -> Sequence[OpenedEvent]:
    """Return all events about a patient, without what would tell of who is suspended.

    Events that name such a recipient as an agent stay: the reports leave them out and count them.
    """
    found = _found(question, Search(), patients, period)
    if found.reached_ms is not None:
        raise _too_costly(found)
    events = [opened.event for opened in found.found]
    suspensions = in_force(question.reports.suspensions, question.now * 1000)
    return [
        event
        for event in events
        if first_that_names(suspensions, event.details.agents) is not None
        or not names_recipient(event, suspensions)
    ]


def _found(
    question: AuthorizedRequest,
    search: Search,
    of: tuple[PatientReference, ...] | None,
    period: Period,
) -> FoundInPeriod:
    finder = question.finder(of=of)
    return finder.of_period(
        search,
        period.from_ms,
        period.to_ms,
        MAX_EVENTS,
        question.has_time,
        question.has_more_time,
    )


def _too_costly(found: FoundInPeriod) -> RejectedSearchError:
    if found.looked_at >= MAX_EVENTS:
        why = f"a report looks at {MAX_EVENTS:,} events at most"
    else:
        why = f"time was up when {found.looked_at:,} events had been looked at"
    return RejectedSearchError(413, "too-costly", "from and to", f"a shorter period: {why}")


def _newer_half(
    events: Sequence[OpenedEvent], period: Period
) -> tuple[Sequence[OpenedEvent], Period]:
    """Return the newer events of a period, about half of them, and the period that has them all.

    Return no events if all are of one time: a period is divided between times.
    """
    times = sorted(
        t
        for e in events
        if (t := counted_ms(e.time_ms, e.entry_time, period.from_ms, period.to_ms)) is not None
    )
    middle = bisect_right(times, times[0], lo=len(times) // 2) if times else 0
    if middle == len(times):
        return (), period
    newer = Period(times[middle], period.to_ms)
    kept = [
        e
        for e in events
        if counted_ms(e.time_ms, e.entry_time, newer.from_ms, newer.to_ms) is not None
    ]
    return kept, newer


def _without_outside(document: Document) -> Document:
    """Leave out how many are of another time: nobody counted those of a shortened period."""
    facts = (
        Fact(fact.key, fact.label, None) if fact.key == "events_outside" else fact
        for fact in document.facts
    )
    return msgspec.structs.replace(document, facts=tuple(facts))


def _user(text: str) -> Criterion:
    named = read_user("user", text)
    return Criterion("agent.identifier" if isinstance(named, Token) else "agent", (named,))


def _is_for_office(question: AuthorizedRequest, given: QueryParameters) -> bool:
    audience = given.get("audience") or "patient"
    if audience not in _AUDIENCES:
        raise RejectedSearchError(400, "value", "audience", "patient or office")
    if audience == "office" and not question.sees_all:
        raise ForbiddenError("audience office is for scopes like user/AuditEvent.s")
    return audience == "office"


def _with_suspended(document: Document, suspended: Sequence[Suspended]) -> Document:
    """Add what is suspended of this patient's, and say whom this is for."""
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
    columns = (
        Column("agency", "Asked for by"),
        Column("until", "Until"),
        Column("oral", "Orally"),
        Column("number", "Left out"),
    )
    table = Table("suspended", "Suspended: not for the patient", columns, rows, "Nothing.")
    return Document(
        kind=document.kind,
        title=f"{document.title} (for the privacy office, not for the patient)",
        zone=document.zone,
        facts=document.facts,
        tables=(*document.tables, table),
        notes=document.notes,
        verify=document.verify,
    )


def _cover(question: AuthorizedRequest, times: Times, about: str) -> Cover:
    return Cover(question.ledger.origin, about, times.period, question.now * 1000, times.zone)


def _names(patients: tuple[PatientReference, ...]) -> str:
    return ", ".join(name for patient in patients for name in names_of(patient))


def _other_names(
    question: AuthorizedRequest, patients: Sequence[PatientReference]
) -> tuple[str, ...]:
    """Return a warning if portals name patients in a way that none of the given names is of."""
    rules = question.ledger.rules.values()
    identifiers = tuple(pair for each in patients for pair in each.identifiers)
    reference = next((each.reference for each in patients if each.reference is not None), None)
    together = PatientReference(reference, identifiers)
    lacks_reference = reference is None and any(rule.namespace is not None for rule in rules)
    if not patients or not (lacks_reference or may_be_named_otherwise(rules, together)):
        return ()
    return (_OTHER_NAMES.format(accepted_names(rules)),)


def _answered(
    question: AuthorizedRequest,
    given: QueryParameters,
    form: Form,
    document: Document,
    patients: Sequence[PatientReference],
    shown: Sequence[OpenedEvent] = (),
    warnings: tuple[str, ...] = (),
) -> Response:
    """Render, record, and answer, in this order: what is too large is refused before.

    `patients`: whom it was asked about; `shown`: the events that it shows, of whoever; `warnings`:
    of what may be missing in it.
    """
    warnings = (*altered(question, question.finder()), *_other_names(question, patients), *warnings)
    document = msgspec.structs.replace(document, notes=(*warnings, *document.notes))
    table = given.get("table")
    if table is not None and (form != "csv" or table not in {t.key for t in document.tables}):
        tables = ", ".join(each.key for each in document.tables)
        raise RejectedSearchError(400, "value", "table", f"with _format=csv one of {tables}")
    written: Mapping[Form, Callable[[], bytes]] = {
        "json": lambda: to_json(document),
        "csv": lambda: to_csv(document, table, warnings),
        "html": lambda: to_html(document),
    }
    file_name = f"{document.kind}.csv" if form == "csv" else ""
    answer = compressed_response(question.request, written[form](), MEDIA_TYPES[form], file_name)
    question.record(patients, shown=shown)
    return answer
